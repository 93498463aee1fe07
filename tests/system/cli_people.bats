#!/usr/bin/env bats
# Who stands for which unit, who is away, the directory sheet, a calendar file and the plan's deadlines, as a planner types them.

bats_require_minimum_version 1.5.0
load ../support/server

setup_file() {
    server_start --now 2026-06-01T12:00:00Z
    export LANG=es_DO.UTF-8
    mejora institution add inm "Instituto"
    mejora use inm
    mejora person add ana "Ana Peña" --role responsable --email ana@inm.example
    mejora person add pla "Paula" --role planner --email pla@inm.example
    mejora plan import "$BATS_TEST_DIRNAME/../data/plans/plan_2023.tsv" --yes >/dev/null
    mejora use inm/2023
    mejora action edit 5 --start 2026-01-01 --end 2026-06-30 --owner rrhh --why "Prueba" >/dev/null
}
teardown_file() { server_stop; }

heard() { # who hears of action 5, and when
    mejora reminder simulate --until "$1" -o json |
        jq -r '.mails[] | select(.refs | index("inm/2023/5")) | .date + " " + .person' | paste -sd ' '
}

@test "a holder, an absence, a deputy, and who leaves" {
    run -0 mejora unidad titular rrhh ana --from 2026-01-15
    [[ $output == *"Titular"*"ana"* ]]
    [ "$(heard 2026-06-27)" = "2026-06-01 ana 2026-06-15 ana 2026-06-23 ana 2026-06-27 ana" ]
    run -0 mejora persona ausente ana --from 2026-06-20 --to 2026-06-25 --why Vacaciones
    [[ $output == *"Ausente desde"*"2026-06-20"* ]]
    [ "$(heard 2026-06-27)" = "2026-06-01 ana 2026-06-15 ana 2026-06-23 pla 2026-06-27 ana" ]
    mejora person add luz Luz --role responsable --email luz@inm.example
    mejora unit deputy rrhh luz
    [ "$(heard 2026-06-27)" = "2026-06-01 ana 2026-06-15 ana 2026-06-23 luz 2026-06-27 ana" ]
    mejora persona salida ana 2026-06-26
    [ "$(heard 2026-06-27)" = "2026-06-01 ana 2026-06-15 ana 2026-06-23 luz 2026-06-27 luz" ]
    mejora person leave ana --back
    run -6 --separate-stderr mejora person absent ana --from 2026-06-20 --to 2026-06-10
    [[ $stderr == *"2026-06-10"*"2026-06-20"* ]]
    run -3 --separate-stderr mejora unidad titular rrhh nadie
    [[ $stderr == *"nadie"* ]]
}

@test "a directory sheet: a look, the change, and no change" {
    cat >"$BATS_TEST_TMPDIR/d.csv" <<'END'
Directorio institucional,,,,,,,,
Código,Unidad,Alias,Titular,Correo,Suplente,Superior,Dirección,Teléfono
rrhh,Recursos Humanos,RR. HH. | Personal,Ana Peña,ana.pena@inm.example,Luz,Dirección General,rrhh@inm.example,809
dg,Dirección General,,José Mora,jose@inm.example,,,,
END
    run -0 --separate-stderr mejora unidad importar "$BATS_TEST_TMPDIR/d.csv" --dry-run -o json
    [ "$(jq -c '[.added, .changed, .unchanged, .applied, .notes[0].code]' <<<"$output")" = '[1,1,0,false,"column_unread"]' ]
    [ "$(mejora unit list -o json | jq '[.units[] | select(.code == "dg")] | length')" = 0 ]
    run -0 --separate-stderr mejora unidad importar "$BATS_TEST_TMPDIR/d.csv" --yes
    [[ $output == *"La columna Teléfono no se lee."* ]]
    [ "$(mejora unit list -o json | jq -c '.units[] | select(.code == "rrhh") | [.holder, .deputy, .parent, .email, (.aliases | index("Personal") != null)]')" = \
        '["ana","luz","dg","rrhh@inm.example",true]' ]
    [ "$(mejora person list -o json | jq -c '.people[] | select(.code == "ana" or .code == "jose-mora") | [.email, .units]' | paste -sd ' ')" = \
        '["ana.pena@inm.example",["rrhh"]] ["jose@inm.example",["dg"]]' ]
    run -0 --separate-stderr mejora unidad importar "$BATS_TEST_TMPDIR/d.csv" --yes -o json
    [ "$(jq -c '[.added, .changed, .unchanged, .changes, .applied]' <<<"$output")" = '[0,0,2,[],false]' ]
    [ "$(mejora audit list --op unit_import -o json | jq '.entries | length')" = 1 ]
}

@test "a directory sheet with faults: all of them, with line and column, and nothing done" {
    printf 'Unidad\tCódigo\tCorreo\tSuperior\n%s\n%s\n%s\n%s\n%s\n' $'Archivo\t\tnadie@inm.example\tNada' $'\tzz\tx\t' \
        $'Compras\tD/1\t\t' $'Compras\t\tmalo\t' $'Recursos Humanos\tdg\t\t' >"$BATS_TEST_TMPDIR/f.tsv"
    run -6 --separate-stderr mejora unit import "$BATS_TEST_TMPDIR/f.tsv" --yes -o json
    [ "$(jq -r '.reply.notes[] | "\(.line) \(.column) \(.code)"' <<<"$output" | paste -sd ,)" = \
        "2 Correo person_unnamed,2 Superior no_such_unit,3 Unidad unit_missing,4 Código code_malformed,5 Correo email_malformed,5 Unidad unit_repeated,6 Código unit_mixed" ]
    [ "$(mejora unit list -o json | jq '[.units[] | select(.name == "Archivo")] | length')" = 0 ]
    printf 'a\tb\n1\t2\n' >"$BATS_TEST_TMPDIR/g.tsv"
    run -6 --separate-stderr mejora unit import "$BATS_TEST_TMPDIR/g.tsv" --yes
    [[ $output == *"no es un directorio"* ]]
}

@test "a calendar file: days with accents, days in a row, what comes every year, and what is known" {
    cat >"$BATS_TEST_TMPDIR/c.ics" <<'END'
BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261224
DTEND;VALUE=DATE:20261226
SUMMARY:Nochebuena\, y más
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260629
RRULE:FREQ=YEARLY;COUNT=2
SUMMARY:Aniversario
END:VEVENT
BEGIN:VEVENT
DTSTART:20261231T120000Z
STATUS:CANCELLED
SUMMARY:No
END:VEVENT
END:VCALENDAR
END
    sed -i 's/$/\r/' "$BATS_TEST_TMPDIR/c.ics"
    run -0 mejora feriado importar "$BATS_TEST_TMPDIR/c.ics" --dry-run -o json
    [ "$(jq -c '[.known, (.added | map(.date))]' <<<"$output")" = '[1,["2026-06-29","2026-12-24","2027-06-29"]]' ]
    [ "$(mejora holiday list -o json | jq '[.holidays[] | select(.kind == "own")] | length')" = 0 ]
    run -0 mejora feriado importar "$BATS_TEST_TMPDIR/c.ics"
    [[ $output == *"2026-12-24"*"Nochebuena, y más"* ]]
    run -0 mejora feriado importar "$BATS_TEST_TMPDIR/c.ics" -o json
    [ "$(jq -c '[.known, .added]' <<<"$output")" = '[4,[]]' ]
}

@test "a calendar file that is none says what is wrong with it" {
    printf 'hola\n' >"$BATS_TEST_TMPDIR/x.ics"
    run -6 --separate-stderr mejora feriado importar "$BATS_TEST_TMPDIR/x.ics"
    [[ $stderr == *"no es un archivo de calendario"* ]]
    printf 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n' >"$BATS_TEST_TMPDIR/x.ics"
    run -6 --separate-stderr mejora feriado importar "$BATS_TEST_TMPDIR/x.ics"
    [[ $stderr == *"no contiene días"* ]]
    printf 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Sin\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART:20261301\r\nSUMMARY:x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n' \
        >"$BATS_TEST_TMPDIR/x.ics"
    run -6 --separate-stderr mejora feriado importar "$BATS_TEST_TMPDIR/x.ics"
    [[ $stderr == *"evento 1 no tiene día"*"evento 2 no tiene día"*"evento 3 (2026-12-24) no tiene nombre"* ]] || false
}

@test "deadlines of the plan are Planificación's, until they are done" {
    run -0 mejora plan plazo agregar "Informe de avance" 2026-07-01 --points "50 de 100"
    [[ $output == *"2026-07-01"*"50 de 100"* ]]
    run -0 mejora aviso simular --until 2026-06-01 -o json
    [ "$(jq -r '.mails[] | select(.person == "pla") | .rules[] | select(.kind == "deadline") | "\(.ref) \(.rule)"' <<<"$output")" = "inm/2023 -30" ]
    mejora plan deadline done "informe de avance"
    run -0 mejora aviso simular --until 2026-12-01 -o json
    [ "$(jq '[.mails[].rules[] | select(.kind == "deadline")] | length' <<<"$output")" = 0 ]
    run -0 mejora plazo listar
    [[ $output == *"2026-06-01"* ]]
    run -0 mejora plazo quitar "Informe de avance"
    [ "$output" = "Informe de avance (2026-07-01): quitado" ]
    run -3 --separate-stderr mejora plan deadline done Nada
}

@test "an institution's days begin elsewhere" {
    run -0 mejora institución fijar --time-zone Europe/Madrid
    [[ $output == *"Europe/Madrid"* ]]
    run -6 --separate-stderr mejora institution set --time-zone Luna/Mar
    [ "$(mejora institution list -o json | jq -r '.institutions[0].time_zone')" = Europe/Madrid ]
}
