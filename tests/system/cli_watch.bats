#!/usr/bin/env bats
# mejora watch: everything once and in order, whatever happens to the server, the watcher and the hints meanwhile.

# shellcheck disable=SC2153,SC2154 # bats and server.bash set them
bats_require_minimum_version 1.5.0
load ../support/server
setup() { server_start; }
teardown() { server_stop; }

endpoint() { sed -n 's/^mejorad: ready at //p' "$SERVER_LOG"; }
plan_import() {
    mejora institution add inm Instituto >/dev/null
    mejora plan import "$BATS_TEST_DIRNAME/../data/plans/plan_2023.tsv" --institution inm --yes >/dev/null
}

# report_many WRITER - fifteen of them; every one gets through, whatever happens to the server
report_many() {
    local i
    for i in $(seq 15); do
        mejora progress report "inm/2023/$1" $((i % 4 * 25)) --why "$1/$i" --timeout 60 >/dev/null || return 1
    done
}

@test "writers at once, a server killed in the middle, a watcher that sleeps: all of it, once, in one order" {
    plan_import
    at=$(endpoint)
    for watcher in awake slow; do
        mejora watch --institution inm --since 0 -o json --count 61 >"$SERVER_DIR/$watcher" 2>"$SERVER_DIR/$watcher.said" 3>&- &
        declare "$watcher=$!"
    done
    log_wait "$SERVER_DIR/slow" plan_import "$slow"
    kill -STOP "$slow"
    writers=
    for writer in 1 2 3 4; do
        report_many $writer 3>&- &
        writers="$writers $!"
    done
    log_wait "$SERVER_DIR/awake" progress_report "$awake"
    server_kill
    server_run --listen "$at"
    for pid in $writers; do wait "$pid"; done
    wait "$awake"
    kill -CONT "$slow"
    wait "$slow"
    [ "$(wc -l <"$SERVER_DIR/awake")" -eq 61 ]
    cmp "$SERVER_DIR/awake" "$SERVER_DIR/slow"
    [ "$(jq -s '[.[].n] | . == (sort | unique)' "$SERVER_DIR/awake")" = true ]
    mejora audit list --ref inm/2023 --op progress_report --outcome ok --limit 1000 -o json | jq -c '.entries[] | [.ref, .at, .after_json]' | sort >"$SERVER_DIR/audit"
    [ "$(wc -l <"$SERVER_DIR/audit")" -eq 60 ]
    jq -c 'select(.op == "progress_report") | [.ref, .at, .after_json]' "$SERVER_DIR/awake" | sort | cmp - "$SERVER_DIR/audit"

    # one that was killed after five lines goes on where it was
    head -n 5 "$SERVER_DIR/awake" >"$SERVER_DIR/parts"
    last=$(tail -n 1 "$SERVER_DIR/parts" | jq .n)
    mejora watch --institution inm --since "$last" -o json --count 56 >>"$SERVER_DIR/parts"
    cmp "$SERVER_DIR/awake" "$SERVER_DIR/parts"
}

@test "^C ends it with 130 and says how to go on; without --since it is only what comes" {
    plan_import
    mejora watch --institution inm --since 0 --count 1 # it has its place: now is after it
    mejora --lang es observar --institution inm >"$SERVER_DIR/out" 2>"$SERVER_DIR/said" 3>&- &
    pid=$!
    # what it takes for the past ends before its first question is answered, so what is reported until it shows some is new
    for percent in 25 50 75 25 50 75 25 50 75; do
        mejora progress report inm/2023/1 $percent --why "sigue en $percent" >/dev/null
        if timeout 5 grep -q -m1 Avance < <(tail -n +1 -f "$SERVER_DIR/out" 2>/dev/null); then break; fi
    done
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    [ $status -eq 130 ]
    run ! grep -q plan_import "$SERVER_DIR/out"
    grep -qE '^[0-9]+  20..-..-.. ..:..  Admin  inm/2023/1  avance reportar  Avance: ' "$SERVER_DIR/out"
    [ "$(cat "$SERVER_DIR/said")" = "Para seguir desde aquí: mejora observar --since $(mejora server status -o json | jq .audit_sealed)" ]
}

@test "without hints it looks every few seconds; and what cannot be is said" {
    kill -TERM "$SERVER_PID"
    process_wait "$SERVER_PID"
    server_run --hints none
    plan_import
    [ "$(mejora call change_list inm | jq .hint_port)" = null ]
    mejora watch --institution inm --since 0 --count 2 >"$SERVER_DIR/out" 3>&- &
    pid=$!
    log_wait "$SERVER_DIR/out" "plan import" "$pid"
    mejora progress report inm/2023/1 25
    wait "$pid"
    grep -q "progress report\|avance reportar" "$SERVER_DIR/out"
    run -3 mejora --lang en watch --institution inm --since 100000
    [[ $output == *"not come to change 100000"* ]]
    run -0 --separate-stderr mejora watch --institution inm --since 0 --count 2 -o tsv
    [ "$(cut -f 1-4 <<<"$output" | head -n 1)" = "$(printf 'n\tat\tref\top')" ]
    [ "$(cut -f 3,4 <<<"$output" | tail -n 2 | tr '\n' ' ')" = "$(printf 'inm/2023\tplan_import inm/2023/1\tprogress_report ')" ]
    run -2 mejora watch --institution inm --count 0
    run -2 mejora watch --institution inm --since ayer
    run -4 mejora watch --profile "$SERVER_DIR/data/notifier.profile"
}
