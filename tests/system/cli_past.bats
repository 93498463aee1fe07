#!/usr/bin/env bats
# As of a past day, and from one day to another, as somebody uses it, in Spanish, against a server. Days pass in a moment: instants
# stand for them.

bats_require_minimum_version 1.5.0
load ../support/server

now() { date -u +%FT%T.%6NZ; }

setup_file() {
    server_start
    export LANG=es_DO.UTF-8 BEFORE IMPORTED CHANGED
    mejora institution add inm "Instituto"
    BEFORE=$(now)
    mejora plan import "$BATS_TEST_DIRNAME/../data/plans/plan_2023.tsv" --institution inm --yes >/dev/null
    mejora use inm/2023
    mejora progress report 3 50
    IMPORTED=$(now)
    mejora progress report 3 25 --why "Faltaba el acta"
    mejora action edit 5 --end 2023-11-30 --owner dpd --why "Se amplió" >/dev/null
    mejora action annul 7 --why "Duplicada con la 9"
    CHANGED=$(now)
    mejora action restore 7 --why "No lo era"
    mejora task done 3.1 >/dev/null
}
teardown_file() { server_stop; }

@test "an action, the list and the board as they stood" {
    run -0 mejora acción ver 3 --as-of "$IMPORTED" -o json
    [ "$(jq .action.percent <<<"$output")" = 50 ]
    run -0 mejora acción ver 7 --as-of "$CHANGED"
    [[ ${lines[0]} == "Al $CHANGED:" ]]
    [[ $output == *"Duplicada con la 9"* ]]
    run -0 mejora action list --state anulada --as-of "$IMPORTED" -o json
    [ "$(jq '.actions | length' <<<"$output")" = 0 ]
    run -0 mejora action list --state anulada --as-of="$CHANGED" -o json
    [ "$(jq -c '[.actions[].item_no]' <<<"$output")" = '[7]' ]
    run -0 mejora estado --as-of "$CHANGED" -o json
    [ "$(jq .total.actions <<<"$output")" = 16 ]
    run -0 mejora call action_show inm/2023/3 --as-of "$IMPORTED"
    [ "$(jq .action.percent <<<"$output")" = 50 ]
}

@test "today is now, and yesterday there was nothing" {
    run -0 mejora plan ver --as-of hoy -o json
    [ "$output" = "$(mejora plan show -o json)" ]
    run -3 --separate-stderr mejora plan ver --as-of ayer
    [[ $stderr == *"La institución inm no estaba registrada el "* ]]
    run -3 --separate-stderr mejora plan ver --as-of "$BEFORE"
    [[ $stderr == *"El plan inm/2023 no existía el $BEFORE."* ]]
    run -3 --separate-stderr mejora acción ver 99 --as-of "$CHANGED"
    [[ $stderr == *"No existe la acción inm/2023/99"* ]]
}

@test "neither the future, nor nonsense, nor changing the past" {
    run -6 --separate-stderr mejora plan ver --as-of 2199-01-01
    [[ $stderr == *"2199-01-01 todavía no ha llegado"* ]]
    run -6 --separate-stderr mejora plan ver --as-of 2026-01-01T99:00
    [[ $stderr == *"no es un día ni un instante"* ]]
    run -2 --separate-stderr mejora plan ver --as-of mañana
    [[ $stderr == *"--as-of no admite «mañana»"* ]]
    run -2 --separate-stderr mejora progress report 3 75 --as-of ayer
    [[ $stderr == *"avance reportar cambia algo, y el pasado no se puede cambiar."* ]]
    run -2 --separate-stderr mejora aviso listar --as-of ayer
    [[ $stderr == *"De aviso listar solo se sabe cómo está ahora."* ]]
    run -2 --separate-stderr mejora call task_done inm/2023/3.1 --as-of ayer
    [[ $stderr == *"tarea hecha cambia algo"* ]]
    run -0 mejora action list -h
    [[ $output == *"--as-of FECHA"* ]]
    run -0 mejora action edit -h
    [[ $output != *"--as-of"* ]]
}

@test "what became of the plan from one day to another" {
    run -0 mejora plan comparar "$IMPORTED" "$CHANGED" -o json
    [ "$(jq -c '.differences[] | select(.field == "percent") | [.item_no, .was, .now]' <<<"$output")" = '[3,"50","25"]' ]
    [ "$(jq -c '.differences[] | select(.field == "end_date") | [.item_no, .now]' <<<"$output")" = '[5,"2023-11-30"]' ]
    [ "$(jq -r '.differences[] | select(.field == "owners") | .now' <<<"$output")" = "Planificación y Desarrollo" ]
    [ "$(jq -r '.differences[] | select(.kind == "annulled") | "\(.ref) \(.now)"' <<<"$output")" = "inm/2023/7 Duplicada con la 9" ]
    run -0 mejora plan comparar "$CHANGED"
    [[ $output == *"7"*"↺ reabierta"* ]]
    [[ $output == *"3"*"→ cambio"*"Tareas hechas"*"1"* ]]
    run -0 mejora plan compare "$CHANGED" -o csv
    [[ ${lines[0]} == *'"item_no","ref","kind","field","was","now"'* ]]
    run -0 --separate-stderr mejora plan compare "$CHANGED" "$CHANGED" -o json
    [ "$output" = '{}' ] || [ "$(jq '.differences | length' <<<"$output")" = 0 ]
    run -3 --separate-stderr mejora plan compare "$BEFORE"
    [[ $stderr == *"El plan inm/2023 no existía el $BEFORE."* ]]
    run -6 --separate-stderr mejora plan compare "$CHANGED" "$IMPORTED"
    [[ $stderr == *"anterior"* || $stderr == *"antes"* ]]
    run -2 --separate-stderr mejora plan compare
    [[ $stderr == *"DESDE"* ]]
}

@test "how long the audit trail is kept" {
    run -0 mejora auditoría conservación ver
    [[ $output == *"Años"*"para siempre"* ]]
    run -2 --separate-stderr mejora audit retention set 10
    [[ $stderr == *"--why"* ]]
    run -0 mejora auditoría conservación fijar 10 --why "Resolución 14-2026"
    [[ $output == *"Años"*"10"*"Resolución 14-2026"* ]]
    run -0 mejora audit retention show --as-of "$CHANGED"
    [[ $output == *"para siempre"* ]]
    run -6 --separate-stderr mejora audit retention set 101 --why "Mucho"
    run -0 mejora audit list --op audit_retention_set -o json
    [ "$(jq -r '.entries[-1].why' <<<"$output")" = "Resolución 14-2026" ]
    run -0 mejora audit retention set 0 --why "Todo cuenta"
    [[ $output == *"para siempre"* ]]
}
