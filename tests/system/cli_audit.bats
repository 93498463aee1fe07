#!/usr/bin/env bats
# The questions that an auditor asks, as they are typed.
bats_require_minimum_version 1.5.0

load ../support/server

setup_file() {
    server_start
    mejora institution add inm "Instituto Nacional de Migración" >&3
    mejora plan import tests/data/plans/plan_2023.tsv --institution inm --yes >/dev/null
    mejora use inm/2023
    mejora action edit 12 --objective "Fortalecer la planificación" --why "Lo pidió el Comité de Calidad" >/dev/null
    mejora progress report 12 75 --why "Acta firmada" >/dev/null
    mejora progress report 12 50 --why "Se midió mal" >/dev/null
    mejora task done 12.2 >/dev/null
}
teardown_file() { server_stop; }

entry() { # JQ-FILTER of audit list's entries, newest first
    mejora audit list -o json "${@:2}" | jq -r "[.entries[] | select(.asked_json == null)] | $1"
}

@test "filters: a field, its old and its new value, words with a slip of the hand, in Spanish and English" {
    [ "$(entry '.[].why' --field percent --old 75 --new 50)" = "Se midió mal" ]
    [ "$(entry '.[].op' --text planificacon)" = action_edit ]
    [ "$(mejora --lang es auditoría listar --reason "comite calidad" -o tsv | cut -f4 | tail -n +2)" = action_edit ]
    [ "$(entry '.[0].fields[0]' --oldest-first --role admin --ref 12 --op action_edit)" = objective ]
    for op in "acción editar" "action edit" action_edit; do # as it is shown, in either language, or by its name
        [ "$(entry '[.[].op] | unique | join(" ")' --op "$op" --lang es)" = action_edit ]
    done
    run -0 --separate-stderr mejora --lang es audit list --op plan_import
    [[ "$output" == *"plan importar"* ]]
    run -2 mejora audit list --op accion_editar
    run -6 mejora audit list --text '¡!'
    [[ "$output" == *"no tiene ninguna palabra"* || "$output" == *"has no word"* ]]
}

@test "--limit pages through the trail, and what was asked meanwhile is not in the way" {
    for i in $(seq 1 5); do mejora progress report 13 $((i % 2 ? 25 : 50)) --why "ida y vuelta" >/dev/null; done
    all=$(mejora audit list --ref 13 --op progress_report -o json | jq -c '[.entries[].seq]')
    [ "$(jq length <<<"$all")" -eq 5 ]
    paged=$(cursor='' && while :; do
        page=$(mejora call audit_list inm/2023/13 op=progress_report page_size=2 ${cursor:+cursor=$cursor})
        jq '.entries[].seq' <<<"$page"
        cursor=$(jq -r '.cursor // empty' <<<"$page")
        [ "$cursor" ] || break
    done | jq -sc .)
    [ "$paged" = "$all" ]
}

@test "a question is an entry: who asked, and what for; further pages of it are not another" {
    mejora audit list --ref 13 --limit 2 -o json >"$BATS_TEST_TMPDIR/page" 2>&1
    mejora audit list --op audit_list --limit 2 -o json >"$BATS_TEST_TMPDIR/asked"
    [ "$(jq -r '.entries[0].ref' "$BATS_TEST_TMPDIR/asked")" = inm/2023/13 ]
    [ "$(jq -r '.entries[0].asked_json | fromjson | .page_size' "$BATS_TEST_TMPDIR/asked")" = 2 ]
    cursor=$(mejora call audit_list inm page_size=1 | jq -r .cursor)
    count() { mejora call audit_list inm op=audit_list page_size=500 | jq '.entries | length'; }
    first=$(count)
    mejora call audit_list inm page_size=1 cursor="$cursor" >/dev/null
    [ "$(count)" -eq $((first + 1)) ] # count's own
}

@test "audit show: the whole of an entry, with its key and the checkpoint that covers it" {
    seq=$(entry '.[0].seq' --field percent --old 75)
    until mejora audit show "$seq" -o json | jq -e .sealed_size >/dev/null; do :; done
    run -0 --separate-stderr mejora --lang es audit show "$seq"
    [[ "$output" == *"Avance"*"75"*"50"* ]]
    [[ "$output" == *"Se midió mal"* ]]
    [[ "$output" == *"Punto de control"* ]]
    [ "$(mejora audit show "$seq" -o json | jq -r '.with.person')" = admin ]
    run -3 mejora audit show 999999
}

@test "audit who: who gave each field its value; what nobody changed came with the file" {
    who() { mejora audit who "$1" -o json | jq -r ".fields[] | select(.field == \"$2\" and .task_no == ${3:-null}) | \"\(.value) \(.op) \(.why) \(.file)\""; }
    [ "$(who 12 percent)" = "50 progress_report Se midió mal null" ]
    [ "$(who 12 objective)" = "Fortalecer la planificación action_edit Lo pidió el Comité de Calidad null" ]
    [ "$(who 12 end_date)" = "2023-09-30 plan_import null plan_2023.tsv" ]
    [ "$(who 12 done 2)" = "true task_done null null" ]
    [ "$(who inm/2023 title)" = "PLAN DE MEJORA INSTITUCIONAL plan_import null plan_2023.tsv" ]
    [ "$(mejora auditoría quién 12 percent -o tsv | wc -l)" -eq 2 ]
    run -3 mejora audit who 12 nada
}

@test "audit who: what was carried over came by that" {
    mejora plan carry 2023 --year 2024 --start T1-2024 >/dev/null
    [ "$(mejora audit who inm/2024/12 objective -o json | jq -r '.fields[0].op')" = plan_carry ]
}

@test "audit report: how much changed, by person, field, week and reason" {
    run -0 --separate-stderr mejora --lang es audit report --ref 12 --since today
    [[ "$output" == *"campo"*"Avance"*"2"* ]]
    [ "$(mejora audit report --ref 12 -o json | jq '.counts[] | select(.by == "reason" and .what == "Acta firmada") | .changes')" -eq 1 ]
}
