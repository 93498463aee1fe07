#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr comes from run --separate-stderr
# What a reader does with a reminder: the mail itself, its commands pasted, and what is seen of it afterwards.
bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load ../support/server
load ../support/relay

HEAD='No.\tCriterios No.\tSubcriterio No.\tÁrea de Mejora\tObjetivo\tAcción de Mejora\tTareas\tTiempo\t\tRecursos necesarios\tIndicador\tResponsable de seguimiento\tComentarios\n\t\t\t\t\t\t\tInicio\tFin\t\t\t\t\n'

setup_file() {
    export NOW=2026-06-24T16:00:00Z
    server_start --now $NOW
    {
        printf 'PLAN DE MEJORA INSTITUCIONAL 2026\n\n%b' "$HEAD"
        printf '%s\tCRITERIO 3: PERSONAS\tSubcriterio 3.1.\tÁrea\tObjetivo\tSeñalizar la sede & más\tTarea\t2026-01-01\t%s\tHumanos\tInforme\tRRHH\t\n' \
            1 2026-07-01 2 2026-06-27 3 2026-06-20
    } >"$SERVER_DIR/plan.tsv"
    mejora institution add inm 'Instituto Nacional de Migración' >/dev/null
    mejora plan import "$SERVER_DIR/plan.tsv" --institution inm --yes >/dev/null
    mejora person add ana 'Ana Peña' --email ana@example.do --role responsable --unit RRHH --institution inm
    mejora person invite ana --file "$SERVER_DIR/ana.invitation" --institution inm
    mejora join "$SERVER_DIR/ana.invitation" --profile "$SERVER_DIR/ana.profile"
    mejora --profile "$SERVER_DIR/ana.profile" use inm/2026
}

teardown_file() {
    server_stop
}

setup() {
    relay_start
}

teardown() {
    relay_stop
}

notify() { # [OPTION...]
    mejora-notify --once --profile "$SERVER_DIR/data/notifier.profile" --lang es --smtp "$RELAY" --from plan@example.do "$@" 2>"$RELAY_DIR/log"
}

ana() { mejora "$@" --profile "$SERVER_DIR/ana.profile" --lang es; }

@test "the preview is the mail, but for the checkpoint and the day it leaves" {
    run ana reminder preview --html "$BATS_TEST_TMPDIR/page.html"
    assert_success
    assert_line 'Asunto: Plan de mejora: 1 acción vencida y 2 por vencer, la próxima en 3 días'
    assert_line 'Para: Ana Peña <ana@example.do>'
    assert_line 'inm/2026/1 — Señalizar la sede & más'
    run cat "$BATS_TEST_TMPDIR/page.html"
    assert_output --partial '<h2>Señalizar la sede &amp; más</h2>'
    run mejora reminder preview ana --institution inm -o json
    assert_success
    assert_equal "$(jq -r '.mail.items | map(.ref) | join(" ")' <<<"$output")" 'inm/2026/3 inm/2026/2 inm/2026/1'
}

@test "the mail has it all, with the audit log's checkpoint, and its commands work as they are pasted" {
    notify
    run relay_open 1
    assert_success
    assert_line 'Subject: Plan de mejora: 1 acción vencida y 2 por vencer, la próxima en 3 días'
    sed -n '/^mejora\//,/^— mejora\//p' <<<"$output" >"$BATS_TEST_TMPDIR/checkpoint"
    mapfile -t commands < <(sed -n 's/^    \(mejora .*\)/\1/p' <<<"$output")
    assert_equal "${#commands[@]}" 9
    assert_regex "${commands[6]}" '^mejora aviso enterado inm/2026/3'
    for command in "${commands[@]}"; do
        eval "run $command --profile \$SERVER_DIR/ana.profile"
        [ "$status" = 0 ] || fail "$command: $output"
    done
    mejora audit export "$BATS_TEST_TMPDIR/log" # by now it is longer, and still holds what the mail says
    run mejora audit verify "$BATS_TEST_TMPDIR/log" --checkpoint "$BATS_TEST_TMPDIR/checkpoint" --lang es
    assert_success
    run mejora decision list --institution inm --lang es
    assert_output --partial 'Ana Peña pide mover el término del 2026-06-20 al 2026-07-24: …'
    run mejora reminder list inm/2026/3 --lang es
    assert_line --regexp '^inm/2026/3 .* vencida hace 5 días  2026-06-25  ○ pendiente'
}

@test "one mail is shown with what the relay said" {
    run mejora reminder show 1 --institution inm --lang es
    assert_success
    assert_output --partial 'ana@example.do'
    assert_output --partial '<mail.1@inm.mejora>'
    assert_output --partial '250 2.0.0 kept'
    run mejora reminder show 99 --institution inm --lang es
    assert_failure 3
    assert_output --partial 'No existe el correo 99'
}

@test "preferences: shown, changed, refused" {
    run ana reminder prefer
    assert_success
    run ana reminder prefer --language en --text-only yes
    assert_success
    assert_output --partial 'en'
    run ana reminder preview
    assert_line 'Asunto: Improvement plan: 1 action overdue, it ended 5 days ago'
    run ana reminder prefer --hour 24
    assert_failure 6
    ana reminder prefer --language es --text-only no
}

@test "a refused address: dead letters, the list says whose, and it is sent again" {
    mejora person add luz 'Luz Díaz' --email luz@example.do --role responsable --unit RRHH --institution inm
    relay_plan 'rcpt 550'
    notify
    run mejora reminder list --state failed --institution inm --lang es
    assert_output --partial 'Luz Díaz'
    assert_output --partial '550 4.0.0 as planned'
    relay_plan ''
    run mejora reminder resend --institution inm --person luz --lang es
    assert_output 'Se enviarán de nuevo: 3'
    notify
    assert_equal "$(relay_mails)" 1
    run mejora reminder list --state failed --institution inm
    refute_output --partial '550'
}

@test "one mail address of its own for what comes back" {
    mejora person add sol 'Sol Mora' --email sol@example.do --role responsable --unit RRHH --institution inm
    notify --bounces 'avisos+*@example.do'
    assert_equal "$(grep -c '"sender": "avisos+[0-9]*@example.do", "to": \["sol@example.do"\]' "$RELAY_DIR/events")" 1
}
