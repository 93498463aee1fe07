#!/usr/bin/env bats
# Asking again: what was asked is on disk until it is answered, and is asked with the id it had. The servers: a fake one that
# does as told, and a real one that is killed in the middle.

# shellcheck disable=SC2153,SC2154 # bats and server.bash set them
bats_require_minimum_version 1.5.0
load ../support/fake
load ../support/server
teardown() {
    fake_stop
    [ -z "${SERVER_DIR:-}" ] || server_stop
}

DONE='{"reply": {"ref": "inm/2023/12", "percent": 75, "version": 1}}'

pending() { find "$MEJORA_PROFILE.d/pending" -type f; }
ids() { fake_asked 'len(asked), len({(a["id"], a["op"], a["ref"], str(a["fields"])) for a in asked})'; }

@test "a write is on disk for its owner alone before it is sent, and gone when it is answered" {
    fake_start '{"progress_report": [{"silent": true}]}'
    mejora progress report 12 75 --timeout 60 2>"$FAKE/said" &
    pid=$!
    log_wait "$FAKE/requests.jsonl" progress_report "$pid"
    [[ $(basename "$(pending)") == *-$(fake_asked 'asked[0]["id"]') ]]
    [ "$(stat -c %a "$(pending)")" = 600 ]
    [ "$(stat -c %a "$MEJORA_PROFILE.d")" = 700 ]
    kill -KILL "$pid"
    wait "$pid" || :
    fake_script "{\"progress_report\": [$DONE]}"
    run -0 mejora progress report 11 25 # its own is answered; the other stays
    [ "$(pending | wc -l)" -eq 1 ]
    run -0 mejora retry
    [[ $output == *"$(fake_asked 'asked[0]["id"]')"*"inm/2023/12"*"progress report percent=75"* ]]
}

@test "what was refused, or never left, is not kept" {
    fake_start '{"progress_report": [{"outcome": "INVALID", "error": "evidence_missing"}]}'
    run -6 mejora progress report 12 100
    kill "$FAKE_PID" && wait "$FAKE_PID" || :
    run -7 mejora progress report 12 75 --timeout 1
    [ -z "$(pending)" ]
    run -0 --separate-stderr mejora retry
    [[ $stderr == "Nada espera respuesta." ]]
}

@test "retry asks the same with the same id and shows what the command would have shown" {
    fake_start '{"progress_report": [{"silent": true}]}'
    run -8 mejora progress report 12 75 --why 'acta «3»' --timeout 1
    id=$(fake_asked 'asked[0]["id"]')
    [[ $output == *"mejora reintentar $id"* ]]
    fake_script "{\"progress_report\": [$DONE]}"
    run -0 --separate-stderr mejora reintentar "${id:0:6}"
    [ "$output" = "inm/2023/12: sin reporte → 75 % (versión 1)" ]
    [[ $(ids) == *", 1)" ]]
    [ -z "$(pending)" ]
    run -3 mejora retry "$id"
}

@test "a retry that is not answered either, or not by one who looked, stays" {
    fake_start '{"task_done": [{"silent": true}]}'
    run -8 mejora task 'done' 12.1 --timeout 1
    id=$(fake_asked 'asked[0]["id"]')
    while read -r code step; do
        fake_script "{\"task_done\": [$step]}"
        run "-$code" mejora retry "$id" --timeout 0.6
        [ "$(pending | wc -l)" -eq 1 ]
    done <<'END'
8 {"silent": true}
8 {"garbage": true}
8 {"outcome": "UNAVAILABLE"}
7 {"outcome": "BUSY"}
4 {"outcome": "DENIED", "error": "key_revoked"}
1 {"outcome": "INTERNAL", "error": "internal"}
END
    kill "$FAKE_PID" && wait "$FAKE_PID" || :
    run -7 mejora retry "$id" --timeout 0.6
    [ "$(pending | wc -l)" -eq 1 ]
    [[ $(ids) == *", 1)" ]]
    run -0 mejora retry "$id" --drop
    [ -z "$(pending)" ]
}

@test "--all goes through them from the oldest on, past a refusal" {
    fake_start '{"progress_report": [{"silent": true}], "task_done": [{"silent": true}]}'
    run -8 mejora progress report 12 75 --timeout 0.6
    run -8 mejora task 'done' 12.1 --timeout 0.6
    : >"$FAKE/requests.jsonl"
    fake_script '{"progress_report": [{"outcome": "INVALID", "error": "evidence_missing"}], "task_done": [{}]}'
    run -6 mejora retry --all
    [ "$(fake_asked '[a["op"] for a in asked]')" = "['progress_report', 'task_done']" ]
    [ -z "$(pending)" ]
}

@test "what another key asked, or what the server may have forgotten, is not asked again" {
    fake_start '{"task_done": [{"silent": true}]}'
    run -8 mejora task 'done' 12.1 --timeout 0.6
    id=$(fake_asked 'asked[0]["id"]')
    : >"$FAKE/requests.jsonl"
    cp "$(pending)" "$FAKE/kept"
    sed -i 's/"sent_at":"20[0-9][0-9]/"sent_at":"2020/' "$(pending)"
    run -1 mejora retry "$id"
    [[ $output == *"hace demasiado tiempo"* ]]
    sed 's/"key":"[^"]*"/"key":"somebody"/' "$FAKE/kept" >"$(pending)"
    run -1 mejora retry "$id"
    [[ $output == *"clave distinta"* ]]
    [ ! -s "$FAKE/requests.jsonl" ]
    echo '{' >"$(pending)"
    run -0 mejora retry
    [[ $output == *"dañado"* ]]
}

@test "an invitation is not kept: only who asked has its key" {
    fake_start '{"person_invite": [{"silent": true}]}'
    run -8 mejora person invite ana --file "$FAKE/ana.invitation" --timeout 0.6
    [[ $output != *reintentar* ]]
    [ ! -e "$MEJORA_PROFILE.d" ]
}

@test "a request that cannot be kept is said, and made all the same" {
    fake_start "{\"progress_report\": [$DONE]}"
    echo in the way >"$MEJORA_PROFILE.d"
    run -0 mejora progress report 12 75
    [[ $output == *"no se puede guardar"* ]]
}

@test "a server killed before or after the commit: retry tells, and it is done once" {
    export LANG=C.UTF-8 && unset LC_ALL LC_MESSAGES
    server_start
    mejora institution add inm Instituto
    for point in batch_begun committed; do
        kill -TERM "$SERVER_PID" && process_wait "$SERVER_PID"
        MEJORA_FAULT=$point:kill:1 server_run
        run -8 mejora unit add --institution inm --code "${point/_/-}" "Unidad $point" --timeout 3
        process_wait "$SERVER_PID" || :
        id=$(basename "$(pending)") && id=${id#*-}
        server_run
        run -0 --separate-stderr mejora retry "$id"
        [[ $output == *"Unidad $point"* ]]
        [ -z "$(pending)" ]
        [ "$(mejora unit list --institution inm -o json | jq "[.units[] | select(.name == \"Unidad $point\")] | length")" -eq 1 ]
        [ "$(mejora audit list --op unit_add -o json | jq "[.entries[] | select(.request_id == \"$id\")] | length")" -eq 1 ]
    done
}

@test "a client killed when it has asked, was answered, or has shown it: retry tells what it would have, and it is done once" {
    export LANG=C.UTF-8 && unset LC_ALL LC_MESSAGES
    server_start
    mejora institution add inm Instituto
    for point in asked heard shown; do
        run -137 --separate-stderr env MEJORA_FAULT="$point:kill:1" mejora unit add --institution inm --code "$point" "Unidad $point"
        [ "$(pending | wc -l)" -eq 1 ]
        told=$output
        run -0 --separate-stderr mejora retry --all
        [[ $output == *"Unidad $point"* ]]
        [ "$point" != shown ] || [ "$output" = "$told" ]
        [ -z "$(pending)" ]
        [ "$(mejora audit list --op unit_add -o json | jq '.entries | length')" -eq $((++n)) ]
    done
}
