#!/usr/bin/env bats
# The first profiles: made once, then followed or left alone.
bats_require_minimum_version 1.5.0
load ../support/server

setup() { server_start; }
teardown() { server_stop; }

restart() {
    kill -TERM "$SERVER_PID"
    process_wait "$SERVER_PID"
    server_run
}

@test "profiles are for their owner alone and follow the server to another port" {
    [ "$(stat -c %a "$MEJORA_PROFILE")" = 600 ]
    restart
    run -0 mejora whoami -o json
    [ "$(jq -r .person <<<"$output")" = admin ]
    grep -q "ready at $(jq -r '.endpoints[0]' "$MEJORA_PROFILE")\$" "$SERVER_LOG"
}

@test "a profile that was taken away is not made again" {
    mv "$MEJORA_PROFILE" "$SERVER_DIR/mine"
    restart
    [ ! -e "$MEJORA_PROFILE" ]
}

@test "a profile that others can read is no reason not to start" {
    chmod 644 "$MEJORA_PROFILE"
    restart
    grep -q 'left as it is' "$SERVER_LOG"
}
