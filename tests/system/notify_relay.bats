#!/usr/bin/env bats
# The worker, the server and a relay that people use (OpenSMTPD), up to the mailbox. Where it cannot be had the tests are
# left out.
bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load ../support/server
load ../support/relay

PEOPLE=50

setup() {
    relay_real || skip 'OpenSMTPD (./dev deps mail), with a spool of its own, needs root and mount'
    server_start --now 2026-06-27T16:00:00Z
    mapfile -t postmaster <"$SERVER_DIR/data/postgresql/postmaster.pid"
    DATABASE="host=${postmaster[4]} port=${postmaster[3]} user=postgres dbname=mejora"
    sql -v people=$PEOPLE -f "$BATS_TEST_DIRNAME/../bench/mails.sql" >/dev/null
    relay_real_start
}

teardown() {
    relay_stop
    [ -z "${SERVER_DIR:-}" ] || server_stop
}

sql() { psql -qXAt -v ON_ERROR_STOP=1 "$@" "$DATABASE"; }

notify() { # [OPTION...]
    mejora-notify --once --profile "$SERVER_DIR/data/notifier.profile" --smtp "$RELAY" --from plan@example.do --lang es "$@" 2>>"$SERVER_DIR/log.notify"
}

delivered() { # N - waits until so many are in the mailbox
    [ "$(grep -m "$1" -c 'stat=Delivered' < <(timeout 60 tail -n +1 -f "$RELAY_DIR/log" 2>/dev/null))" = "$1" ]
}

@test "killed at each step: everybody's mail is in the mailbox, and twice only under one Message-ID" {
    for step in mail_leased relay_greeted sender_named reader_named data_asked text_given mail_taken mail_reported; do
        MEJORA_FAULT=$step:kill:1 run notify --connections 1
        assert_equal "$status" 137
        sql -c "update mejora.mail set leased_until = case when leased_until is not null then now() - interval '1 s' end,
                                       not_before = '2026-06-27 15:00+00' where ended_at is null"
    done
    notify
    delivered $((PEOPLE + 1)) # the one that was taken and not reported
    grep -lr '^Message-Id: <mail' "$RELAY_DIR/box" | xargs grep -h '^\(Message-Id\|To\):' | paste - - | sort | uniq -c >"$SERVER_DIR/got"
    assert_equal "$(wc -l <"$SERVER_DIR/got")" $PEOPLE
    assert_equal "$(awk '{ n[$1]++ } END { for (k in n) print n[k] "x" k }' "$SERVER_DIR/got" | sort | xargs)" '1x2 49x1'
}

@test "what it refuses is reported in its words" {
    sql -c "update mejora.person set email = 'p1@example.com' where (institution, code) = ('b1', 'p1')"
    notify
    assert_equal "$(sql -c "select outcome || ' ' || smtp_text from mejora.mail where outcome <> 'sent'")" 'never 550 Invalid recipient: <p1@example.com>'
    assert_equal "$(sql -c 'select email from mejora.address_fault')" p1@example.com
}
