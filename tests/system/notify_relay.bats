#!/usr/bin/env bats
# The worker, the server and a relay that people use (OpenSMTPD), up to the mailbox. The relay gets a spool and a port of its
# own, in a mount namespace: where that is not to be had, or it is not installed (./dev deps mail), the tests are left out.
bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load ../support/server

PEOPLE=50

setup() {
    command -v smtpd >/dev/null || skip 'there is no OpenSMTPD here: ./dev deps mail'
    unshare -m --propagation private mount -t tmpfs none /var/spool 2>/dev/null || skip 'a spool of its own needs root and mount'
    server_start --now 2026-06-27T16:00:00Z
    mapfile -t postmaster <"$SERVER_DIR/data/postgresql/postmaster.pid"
    DATABASE="host=${postmaster[4]} port=${postmaster[3]} user=postgres dbname=mejora"
    sql -v people=$PEOPLE -f "$BATS_TEST_DIRNAME/../bench/mails.sql" >/dev/null
    relay_start
}

teardown() {
    [ -z "${SMTPD_PID:-}" ] || kill "$SMTPD_PID" 2>/dev/null || :
    [ -z "${SERVER_DIR:-}" ] || server_stop
}

sql() { psql -qXAt -v ON_ERROR_STOP=1 "$@" "$DATABASE"; }

relay_start() {
    local port
    port=$(/usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
    RELAY=smtp://127.0.0.1:$port BOX=$SERVER_DIR/box LOG=$SERVER_DIR/relay
    install -d -o nobody "$BOX"
    cat >"$SERVER_DIR/smtpd.conf" <<-END
		listen on 127.0.0.1 port $port
		table everybody { "@example.do" = "nobody" }
		action "keep" maildir "$BOX" virtual <everybody>
		match from any for domain "example.do" action "keep"
	END
    unshare -m --propagation private sh -c 'mount -t tmpfs none /var/spool && mkdir -m 0711 /var/spool/smtpd && exec smtpd -d -f "$1"' \
        sh "$SERVER_DIR/smtpd.conf" >"$LOG" 2>&1 3>&- &
    SMTPD_PID=$!
    log_wait "$LOG" starting "$SMTPD_PID"
    mejora-notify --test first@example.do --smtp "$RELAY" --from plan@example.do --smtp-timeout 30 >/dev/null || notify_test_again
}

notify_test_again() { # it has said that it starts, and listens a moment later
    until mejora-notify --test first@example.do --smtp "$RELAY" --from plan@example.do >/dev/null; do kill -0 "$SMTPD_PID"; done
}

notify() { # [OPTION...]
    mejora-notify --once --profile "$SERVER_DIR/data/notifier.profile" --smtp "$RELAY" --from plan@example.do --lang es "$@" 2>>"$SERVER_DIR/log.notify"
}

delivered() { # N - waits until so many are in the mailbox
    [ "$(grep -m "$1" -c 'stat=Delivered' < <(timeout 60 tail -n +1 -f "$LOG" 2>/dev/null))" = "$1" ]
}

@test "killed at each step: everybody's mail is in the mailbox, and twice only under one Message-ID" {
    for step in mail_leased relay_greeted sender_named reader_named data_asked text_given mail_taken mail_reported; do
        MEJORA_FAULT=$step:kill:1 run notify --connections 1
        assert_equal "$status" 137
        sql -c "update mejora.mail set leased_until = case when leased_until is not null then now() - interval '1 s' end,
                                       not_before = '2026-06-27 15:00+00' where ended_at is null"
    done
    notify
    delivered $((PEOPLE + 2)) # the test mail, and the one that was taken and not reported
    grep -lr '^Message-Id: <mail' "$BOX" | xargs grep -h '^\(Message-Id\|To\):' | paste - - | sort | uniq -c >"$SERVER_DIR/got"
    assert_equal "$(wc -l <"$SERVER_DIR/got")" $PEOPLE
    assert_equal "$(awk '{ n[$1]++ } END { for (k in n) print n[k] "x" k }' "$SERVER_DIR/got" | sort | xargs)" '1x2 49x1'
}

@test "what it refuses is reported in its words" {
    sql -c "update mejora.person set email = 'p1@example.com' where (institution, code) = ('b1', 'p1')"
    notify
    assert_equal "$(sql -c "select outcome || ' ' || smtp_text from mejora.mail where outcome <> 'sent'")" 'never 550 Invalid recipient: <p1@example.com>'
    assert_equal "$(sql -c 'select email from mejora.address_fault')" p1@example.com
}
