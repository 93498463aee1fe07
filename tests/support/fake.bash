# shellcheck shell=bash
# fake.bash - a server that does as told (fake_server.py) for bats files, and a terminal where one is needed:
#
#   fake_start '{"whoami": [{"reply": {"person": "ana"}}]}'    in setup or in the test; then mejora finds it
#   fake_stop                                                  in teardown
#   fake_asked EXPRESSION                                      the requests so far, in Python, as a list called asked

fake_start() { # SCRIPT
    FAKE=$(mktemp -d)
    export FAKE MEJORA_PROFILE=$FAKE/profile LANG=C.UTF-8
    unset LC_ALL LC_MESSAGES NO_COLOR
    printf '%s' "$1" >"$FAKE/script.json"
    : >"$FAKE/requests.jsonl"
    coproc SERVER { exec "$BATS_TEST_DIRNAME/../support/fake_server.py" "$FAKE" 2>"$FAKE/errors" 3>&-; }
    FAKE_PID=$SERVER_PID
    read -r -t 60 ready <&"${SERVER[0]}" && [ "$ready" = ready ]
}

fake_script() { printf '%s' "$1" >"$FAKE/script.json"; }

fake_stop() {
    [ -z "${FAKE_PID:-}" ] || kill "$FAKE_PID" 2>/dev/null || :
    [ -z "${FAKE:-}" ] || rm -rf "$FAKE"
}

fake_asked() { # EXPRESSION over `asked`
    /usr/bin/python3 -c 'import json, sys
asked = [json.loads(line) for line in open(sys.argv[1])]
print(eval(sys.argv[2]))' "$FAKE/requests.jsonl" "$1"
}

# What a command writes to a terminal of $COLUMNS (80) columns.
on_terminal() { # COMMAND…
    local line
    printf -v line '%q ' "$@"
    TERM=xterm script -qec "stty cols ${COLUMNS:-80} rows 24; $line" /dev/null </dev/null
}
