#!/usr/bin/env bats
# What the command line makes of every way a call can end. The server is a fake one that does as told.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0
load ../support/fake
load ../support/server
teardown() { fake_stop; }

@test "an answer is data on stdout and exit 0" {
    fake_start '{"whoami": [{"reply": {"person": "ana", "institution": "inm"}}]}'
    run --separate-stderr mejora whoami
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == *ana ]]
    [ -z "$stderr" ]
}

@test "every outcome has its exit code" {
    fake_start '{}'
    while read -r outcome code; do
        fake_script "{\"whoami\": [{\"outcome\": \"$outcome\", \"error\": \"internal\"}]}"
        run --separate-stderr mejora whoami --timeout 0.4
        echo "# $outcome: $status" && [ "$status" -eq "$code" ]
        [ -z "$output" ] && [[ $stderr == *"El servidor no pudo hacerlo"* ]]
    done <<<"INVALID 6
DENIED 4
NOT_FOUND 3
CONFLICT 5
ID_REUSED 5
BUSY 7
UNAVAILABLE 7
UNSUPPORTED 1
TOO_LARGE 6
INTERNAL 1"
}

@test "a busy server is asked again with the same request id" {
    fake_start '{"whoami": [{"outcome": "BUSY"}, {"outcome": "UNAVAILABLE"}, {"reply": {"person": "ana"}}]}'
    run -0 mejora whoami
    [ "$(fake_asked 'len(asked)')" -eq 3 ]
    [ "$(fake_asked 'len({a["id"] for a in asked})')" -eq 1 ]
    [ "$(fake_asked 'asked[0]["protocol"]')" -eq 1 ]
    [ "$(fake_asked '0 < asked[2]["patience_ms"] < asked[0]["patience_ms"] <= 10000')" = True ]
}

@test "asking again pauses longer and longer, each a little at random" {
    fake_start '{"whoami": [{"outcome": "BUSY"}]}'
    for run in 1 2; do
        : >"$FAKE/requests.jsonl"
        run -7 mejora whoami --timeout 3
        # pauses of 0.1 doubling to 2 s, of which up to a half is taken away; with what answering takes
        pauses=$(fake_asked '[b["at"] - a["at"] for a, b in zip(asked, asked[1:])]')
        /usr/bin/python3 -c 'import sys
for n, pause in enumerate(eval(sys.argv[1])): assert pause >= min(0.1 * 2 ** n, 2) / 2 - 0.01, (n, pause)' "$pauses"
        [ "$(fake_asked '4 <= len(asked) <= 7 and len({a["peer"] for a in asked}) == 1')" = True ] # all on one connection
        declare "run$run=$(fake_asked '[round(b["at"] - a["at"], 2) for a, b in zip(asked, asked[1:])]')"
    done
    echo "# $run1 $run2"
    [ "$run1" != "$run2" ]
}

@test "silence: the request goes again with the same id, and the answer counts" {
    fake_start '{"progress_report": [{"silent": true}, {"reply": {"ref": "inm/2023/12", "percent": 75, "version": 1}}]}'
    run -0 mejora progress report 12 75 --timeout 4
    [ "$(fake_asked 'len(asked), len({a["id"] for a in asked})')" = "(2, 1)" ]
    [ "$(fake_asked 'len({a["peer"] for a in asked})')" -eq 2 ] # a fresh connection
    [[ $output == "inm/2023/12: sin reporte → 75 % (versión 1)" ]]
}

@test "frames that are no answer count as silence" {
    fake_start '{"whoami": [{"garbage": true}, {"reply": {"person": "ana"}}]}'
    run -0 mejora whoami --timeout 4
}

@test "no answer to a write is exit 8 with its id; to a read exit 7" {
    fake_start '{"task_done": [{"silent": true}], "task_list": [{"silent": true}]}'
    run -8 mejora task 'done' 12.1 --timeout 1
    [[ $output == *"$(fake_asked 'asked[-1]["id"]')"* ]]
    run -7 mejora task list 12 --timeout 1
}

@test "a write that the database may have taken is exit 8, not 7" {
    fake_start '{"task_done": [{"outcome": "UNAVAILABLE"}]}'
    run -8 mejora task 'done' 12.1 --timeout 1
}

@test "an unknown key is said at once" {
    fake_start '{}'
    SECONDS=0
    run -4 mejora --profile "$FAKE/stranger.profile" whoami --timeout 30
    [ "$SECONDS" -lt 10 ]
    [[ $output == *"no está registrada"* ]]
}

@test "nobody listening is exit 7 within the deadline" {
    fake_start '{}'
    kill "$FAKE_PID" && wait "$FAKE_PID" || :
    SECONDS=0
    run -7 mejora whoami --timeout 1
    [ "$SECONDS" -le 2 ]
    [[ $output == *"nadie escucha"* ]]
}

@test "the next endpoint is tried when the first does not answer" {
    fake_start '{"whoami": [{"reply": {"person": "ana"}}]}'
    sed -i 's|"endpoints": \[|&"tcp://127.0.0.1:1", |' "$FAKE/profile"
    run -0 mejora whoami
}

@test "endpoints are tried in turn: one that nobody has, one that is mute, one that answers" {
    fake_start '{"progress_report": [{"reply": {"ref": "inm/2023/12", "percent": 75, "version": 1}}]}'
    coproc MUTE { exec /usr/bin/python3 -c 'import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
s.accept()[0].recv(1 << 20)
input()'; }
    read -r port <&"${MUTE[0]}"
    sed -i "s|\"endpoints\": \[|&\"tcp://127.0.0.1:1\", \"tcp://127.0.0.1:$port\", |" "$FAKE/profile"
    run -0 mejora progress report 12 75 --timeout 4
    [ "$(fake_asked 'len(asked)')" -eq 1 ]
    echo >&"${MUTE[1]}"
}

@test "whoever has another server key is not talked to" {
    fake_start '{}'
    other=$(/usr/bin/python3 -c 'import zmq; print(zmq.curve_keypair()[0].decode())')
    /usr/bin/python3 - "$FAKE/profile" "$other" <<'END'
import json, sys
profile = json.load(open(sys.argv[1]))
profile["server_key"] = sys.argv[2]
json.dump(profile, open(sys.argv[1], "w"))
END
    run -7 mejora whoami --timeout 2
    [ ! -s "$FAKE/requests.jsonl" ]
}

@test "an interrupt ends a waiting call with 130 and names the request" {
    fake_start '{"task_done": [{"silent": true}]}'
    mejora task 'done' 12.1 --timeout 60 2>"$FAKE/said" &
    pid=$!
    log_wait "$FAKE/requests.jsonl" task_done "$pid"
    kill -INT "$pid"
    wait "$pid" && status=0 || status=$?
    [ "$status" -eq 130 ]
    grep -q "$(fake_asked 'asked[-1]["id"]')" "$FAKE/said"
}

@test "a server that dies in the middle of a write leaves an unknown outcome, within the deadline" {
    fake_start '{"task_done": [{"silent": true}]}'
    SECONDS=0
    mejora task 'done' 12.1 --timeout 2 2>"$FAKE/said" &
    pid=$!
    log_wait "$FAKE/requests.jsonl" task_done "$pid"
    kill -KILL "$FAKE_PID"
    wait "$pid" && status=0 || status=$?
    [ "$status" -eq 8 ]
    [ "$SECONDS" -le 3 ]
}

@test "a conflict shows who was first, what is there now, and how to go on" {
    fake_start '{"progress_report": [{"outcome": "CONFLICT", "error": "version_stale", "error_args": ["inm/2023/12", "Luis Gómez"],
        "reply": {"ref": "inm/2023/12", "was": 25, "percent": 50, "version": 3, "changed_by": "Luis Gómez",
                  "changed_at": "1763640000000000", "changed_why": "acta"}}]}'
    TZ=UTC run -5 --separate-stderr mejora progress report 12 75 --if-version 2
    [[ $stderr == *"Luis Gómez"*"2025-11-20 12:00"*"25 % → 50 %"*"acta"*"--if-version 3"* ]]
    TZ=UTC run -5 --separate-stderr mejora progress report 12 75 --if-version 2 -o json
    [ "$(/usr/bin/python3 -c 'import json, sys
e = json.load(sys.stdin)
print(e["outcome"], e["error"], e["reply"]["version"])' <<<"$output")" = "conflict version_stale 3" ]
}

@test "a closed pipe is quiet" {
    fake_start '{"person_list": [{"reply": {"people": [{"code": "ana"}]}}]}'
    # shellcheck disable=SC2016 # the inner shell expands
    run --separate-stderr bash -c 'mejora person list 2>"$FAKE/said" | true; exit ${PIPESTATUS[0]}'
    [ "$status" -eq 0 ] || [ "$status" -eq 141 ]
    run ! grep -q mejora "$FAKE/said"
}
