# shellcheck shell=bash
# server.bash - a server of one's own in a temporary directory, for bats files and test scripts:
#
#   load ../support/server
#   setup_file() { server_start; }        arguments go to mejorad
#   teardown_file() { server_stop; }      fails when a server did not end well or a sanitizer spoke
#
# In between: server_kill (as a power cut would) and server_run (again, on the same data).
# Exports SERVER_DIR (DIR/data is the server's), SERVER_LOG, SERVER_PID, and MEJORA_PROFILE, the administrator's.

server_start() { # [ARG...]
    SERVER_DIR=$(mktemp -d /tmp/mejora.XXXXXX)
    chmod 0711 "$SERVER_DIR" # a server started as root becomes somebody who must get to its data
    export SERVER_DIR MEJORA_PROFILE=$SERVER_DIR/data/admin.profile
    server_run "$@"
}

server_run() { # [ARG...]
    SERVER_LOG=$(mktemp "$SERVER_DIR/log.XXXXXX")
    mejorad --data "$SERVER_DIR/data" --listen 'tcp://127.0.0.1:*' "$@" >"$SERVER_LOG" 2>&1 3>&- &
    SERVER_PID=$!
    export SERVER_LOG SERVER_PID
    log_wait "$SERVER_LOG" '^mejorad: ready' "$SERVER_PID" || { sed 's/^/# /' "$SERVER_LOG" >&2 && return 1; }
}

# Waits until FILE has a line like PATTERN, woken by the writes to it; fails when the process PID ends without one.
log_wait() { # FILE PATTERN PID
    grep -q -m1 -E "$2" < <(timeout 90 tail -n +1 -f --pid="$3" "$1" 2>/dev/null)
}

# Its own child or not: waits for its end. The status is known of a child only.
process_wait() { # PID
    local status=0
    wait "$1" 2>/dev/null || status=$?
    if [ $status -eq 127 ]; then timeout 60 tail -f --pid="$1" /dev/null && status=0; fi
    return $status
}

server_kill() {
    kill -KILL "$SERVER_PID"
    process_wait "$SERVER_PID" || :
}

server_stop() {
    local status=0
    kill -TERM "$SERVER_PID" 2>/dev/null && { process_wait "$SERVER_PID" || status=$?; }
    if [ $status -ne 0 ] || grep -E 'Sanitizer|runtime error:' "$SERVER_DIR"/log.*; then
        echo "# the server ended with status $status" && sed 's/^/# /' "$SERVER_LOG" && return 1
    fi >&2
    rm -rf "$SERVER_DIR"
}
