#!/usr/bin/env bats
# --queue: what is changed without a connection waits on disk and is sent later, in order, each once. The servers: a fake one
# that does as told, and a real one that comes and goes.

# shellcheck disable=SC2153,SC2154 # bats and server.bash set them
bats_require_minimum_version 1.5.0
load ../support/fake
load ../support/server
teardown() {
    fake_stop
    [ -z "${SERVER_DIR:-}" ] || server_stop
}

DONE='{"reply": {"ref": "inm/2023/12", "percent": 75, "version": 1}}'

fake_away() { # nobody listens where the profile says
    cp "$FAKE/profile" "$FAKE/here"
    sed -i 's|tcp://127.0.0.1:[0-9]*|tcp://127.0.0.1:1|' "$FAKE/profile"
}
fake_back() { cp "$FAKE/here" "$FAKE/profile"; }
queued() { mejora queue list -o json | jq -r "[.requests[] | $1] | join(\" \")"; }
asked() { fake_asked '[(a["op"], a["ref"]) for a in asked]'; }

@test "reachable: --queue changes nothing" {
    fake_start "{\"progress_report\": [$DONE]}"
    run -0 --separate-stderr mejora progress report 12 75 --queue
    [ "$output" = "inm/2023/12: sin reporte → 75 % (versión 1)" ]
    [ -z "$stderr" ]
    fake_script '{"progress_report": [{"outcome": "INVALID", "error": "evidence_missing"}]}'
    run -6 mejora progress report 12 100 --queue
    run -0 --separate-stderr mejora queue list
    [ "$stderr" = "La cola está vacía." ]
}

@test "nobody there: exit 0 says that it waits; send keeps the order, goes past refusals and keeps them visible" {
    fake_start '{}'
    fake_away
    run -0 mejora progress report 12 75 --if-version 3 --queue --timeout 0.3
    [ "$output" = "En cola: 1 en espera. Para enviarla: mejora cola enviar" ]
    run -0 mejora progress report 11 100 --queue --timeout 0.3
    run -0 mejora task 'done' 12.1 --queue --timeout 0.3
    [[ $output == *"3 en espera"* ]]
    [ "$(queued .state)" = "waiting waiting waiting" ]
    fake_back
    [ "$(find "$FAKE/profile.d/queue" -type f -perm 600 | wc -l)" -eq 3 ]
    fake_script "{\"progress_report\": [$DONE, {\"outcome\": \"INVALID\", \"error\": \"evidence_missing\"}], \"task_done\": [{}]}"
    run -6 mejora cola enviar
    [ "$(asked)" = "[('progress_report', 'inm/2023/12'), ('progress_report', 'inm/2023/11'), ('task_done', 'inm/2023/12.1')]" ]
    [ "$(fake_asked 'asked[0]["fields"]')" = "{'percent': 75, 'if_version': 3}" ]
    [[ $output == *"inm/2023/12: sin reporte → 75 %"*"inm/2023/11"*"evidencia"* ]]
    run -0 mejora queue list
    [[ $output == *"inm/2023/11"*rechazad*"evidencia"* ]]
    id=$(queued .id)
    run -0 mejora queue send # a refusal is not sent again
    [ "$(fake_asked 'len(asked)')" -eq 3 ]
    run -0 mejora queue drop "${id:0:8}"
    run -3 mejora queue drop "$id"
}

@test "sending stops at the first that cannot be sent" {
    fake_start '{}'
    fake_away
    mejora progress report 12 75 --queue --timeout 0.3
    mejora task 'done' 12.1 --queue --timeout 0.3
    run -7 mejora queue send --timeout 0.3
    [ "$(queued .state)" = "waiting waiting" ]
    fake_back
    fake_script '{"progress_report": [{"silent": true}]}'
    run -8 mejora queue send --timeout 0.6
    [ "$(queued .state)" = "unanswered waiting" ]
    [[ $output != *reintentar* ]]
    run ! grep -q task_done "$FAKE/requests.jsonl"
    fake_script '{"progress_report": [{"outcome": "DENIED", "error": "key_revoked"}]}' # says nothing about the first time
    run -4 mejora queue send
    [ "$(queued .state)" = "unanswered waiting" ]
    fake_script "{\"progress_report\": [$DONE], \"task_done\": [{}]}"
    run -0 mejora queue send
    [ "$(fake_asked 'len({a["id"] for a in asked})')" -eq 2 ]
    [ -z "$(queued .id)" ]
}

@test "no answer: it waits with the id it was sent with, and not also for retry" {
    fake_start '{"task_done": [{"silent": true}]}'
    run -0 mejora task 'done' 12.1 --queue --timeout 0.6
    [ "$(queued .state)" = unanswered ]
    run -0 --separate-stderr mejora retry
    [ -z "$output" ]
    fake_script '{"task_done": [{}]}'
    run -0 mejora queue send
    [ "$(fake_asked 'len({a["id"] for a in asked})')" -eq 1 ]
}

@test "what waits goes first" {
    fake_start '{}'
    fake_away
    mejora progress report 12 75 --queue --timeout 0.3
    fake_back
    fake_script "{\"progress_report\": [$DONE], \"task_done\": [{\"outcome\": \"NOT_FOUND\", \"error\": \"no_such_task\", \"error_args\": [\"x\"]}]}"
    run -3 mejora task 'done' 12.9 --queue # its own exit code
    [ "$(asked)" = "[('progress_report', 'inm/2023/12'), ('task_done', 'inm/2023/12.9')]" ]
    [ "$(queued .state)" = refused ]
}

@test "a clock that was put back does not change the order" {
    case $MEJORA_BUILD in */build/*) skip "faketime and a sanitizer both want to be loaded first, and wait for each other" ;; esac
    fake_start '{}'
    fake_away
    mejora progress report 12 75 --queue --timeout 0.3
    faketime '2001-01-01' mejora progress report 12 100 --queue --timeout 0.3 --evidence acta
    [ "$(queued .what | grep -o 'percent=[0-9]*' | tr '\n' ' ')" = "percent=75 percent=100 " ]
}

@test "only what can wait may be queued" {
    fake_start '{}'
    for words in "whoami" "status" "person invite ana" "join file" "action list" ""; do
        # shellcheck disable=SC2086 # words
        run -2 mejora $words --queue
    done
    run -2 mejora plan import plan.tsv --queue
    [ ! -e "$FAKE/profile.d" ]
    run -0 mejora help task 'done'
    [[ $output == *--queue* ]]
    run -0 mejora help status
    [[ $output != *--queue* ]]
}

@test "queued while the server is down, sent after it is back: each once, in order, and a stale version is refused" {
    export LANG=C.UTF-8 && unset LC_ALL LC_MESSAGES
    server_start
    mejora institution add inm Instituto
    mejora plan import "$BATS_TEST_DIRNAME/../data/plans/plan_2023.tsv" --institution inm --yes >/dev/null
    mejora progress report inm/2023/1 25
    kill -TERM "$SERVER_PID" && process_wait "$SERVER_PID"
    mejora progress report inm/2023/1 50 --queue --timeout 0.3
    mejora progress report inm/2023/1 75 --if-version 1 --queue --timeout 0.3 # stale by then
    mejora progress report inm/2023/2 75 --queue --timeout 0.3
    server_run
    run -5 mejora queue send
    [ "$(queued '.ref, .code')" = "inm/2023/1 version_stale" ]
    [ "$(mejora progress history inm/2023/1 -o json | jq -c '[.entries[].percent] | sort')" = "[25,50]" ]
    [ "$(mejora progress history inm/2023/2 -o json | jq -c '[.entries[].percent]')" = "[75]" ]
}
