# shellcheck shell=bash
# relay.bash - a mail relay of one's own (smtp_peer.py) for bats files:
#
#   relay_start [OPTION...]      in setup or in the test; RELAY is its URL, RELAY_DIR holds mails, events and the plan
#   relay_plan 'rcpt 450 1'      what it does from the next connection on
#   relay_mails                  how many it has kept
#   relay_event PATTERN [N]      waits until N of its events (one) look like that
#   relay_stop                   in teardown

relay_start() {
    RELAY_DIR=$(mktemp -d)
    : >"$RELAY_DIR/plan"
    : >"$RELAY_DIR/events"
    exec {RELAY_OUT}< <(exec "$BATS_TEST_DIRNAME/../support/smtp_peer.py" "$RELAY_DIR" --plan "$RELAY_DIR/plan" "$@" 2>"$RELAY_DIR/errors" 3>&-)
    RELAY_PID=$!
    read -r -t 60 ready port <&"$RELAY_OUT" && [ "$ready" = ready ] && export RELAY=smtp://127.0.0.1:$port
}

relay_plan() {
    printf '%s\n' "$@" >"$RELAY_DIR/plan.new"
    mv "$RELAY_DIR/plan.new" "$RELAY_DIR/plan"
}

relay_mails() { find "$RELAY_DIR" -name '*.eml' | wc -l; }

relay_event() { # PATTERN [N]
    [ "$(grep -m "${2:-1}" -c "$1" < <(timeout 60 tail -n +1 -f "$RELAY_DIR/events" 2>/dev/null))" = "${2:-1}" ]
}

relay_open() { # N - the Nth mail, as a reader's program shows it
    "$BATS_TEST_DIRNAME/../support/mail_open.py" "$(printf '%s/%04d.eml' "$RELAY_DIR" "$1")"
}

relay_stop() {
    [ -z "${RELAY_PID:-}" ] || kill "$RELAY_PID" 2>/dev/null || :
    [ -z "${RELAY_DIR:-}" ] || rm -rf "$RELAY_DIR"
}
