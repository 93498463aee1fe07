#!/usr/bin/env bats
# Workers that are killed at each step of a mail, stopped past their lease, or overtaken by what people do: nobody is left
# out, a mail goes twice only where the relay may have it already and then under one Message-ID, and what is done is not
# spoken of. ROUNDS=200 for more than a glance.
bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load ../support/server
load ../support/relay

ROUNDS=${ROUNDS:-16}
# the letters of a mail's steps, from the lease to the report; from the final dot on the relay may have it
STEPS=(mail_leased relay_greeted sender_named reader_named data_asked text_given DOT mail_taken mail_reported)
PEOPLE=$(((ROUNDS / 50 + 1) * 50))

setup() {
    server_start --now 2026-06-27T16:00:00Z
    relay_start
    mapfile -t postmaster <"$SERVER_DIR/data/postgresql/postmaster.pid"
    DATABASE="host=${postmaster[4]} port=${postmaster[3]} user=postgres dbname=mejora"
    sql -v people=$PEOPLE -f "$BATS_TEST_DIRNAME/../bench/mails.sql" >/dev/null
    WORKERS=()
}

teardown() {
    for pid in "${WORKERS[@]}"; do kill -KILL "$pid" 2>/dev/null || :; done
    relay_stop
    server_stop
}

sql() { psql -qXAt -v ON_ERROR_STOP=1 "$@" "$DATABASE"; }

time_passes() { # leases run out, and the next attempts are due
    sql -c "update mejora.mail set leased_until = case when leased_until is not null then now() - interval '1 s' end,
                                   not_before = '2026-06-27 15:00+00' where ended_at is null"
}

notify() { # [OPTION...]
    mejora-notify --profile "$SERVER_DIR/data/notifier.profile" --smtp "$RELAY" --from plan@example.do --lang es --connections 1 "$@" 2>>"$RELAY_DIR/log" 3>&-
}

killed_at() { # STEP
    local status=0
    if [ "$1" = DOT ]; then # the final dot is out, and no answer comes any more
        relay_plan "dot keep-hold 1"
        notify --once &
        local pid=$!
        relay_event '"action": "hold"' $((++dots))
        kill -KILL "$(pgrep -P "$pid" -x mejora-notify || echo "$pid")"
        wait "$pid" || status=$?
        relay_plan ''
    else
        MEJORA_FAULT=$1:kill:1 notify --once || status=$?
    fi
    [ $status -eq 137 ] || fail "$1: the worker ended with $status"
}

receivers() { # who has got how many mails, and under how many Message-IDs
    for f in "$RELAY_DIR"/*.eml; do
        printf '%s %s\n' "$(sed -n 's/^To: .*<\(.*\)>.*/\1/p' "$f")" "$(sed -n 's/^Message-Id: //p' "$f")"
    done | sort | uniq -c | awk '{ n[$2] += $1; ids[$2]++ } END { for (p in n) print n[p], ids[p], p }'
}

@test "killed at each step: nobody is left out, and twice only past the final dot" {
    dots=0 twice=0 done_first=()
    for ((round = 0; round < ROUNDS; round++)); do
        step=${STEPS[round % ${#STEPS[@]}]}
        killed_at "$step"
        case $step in DOT | mail_taken) twice=$((twice + 1)) ;; esac
        if [ $((round % 8)) -eq 0 ]; then # somebody reports who is still waiting
            last=$((PEOPLE / 50)) n=$((50 - round / 8))
            mejora progress report "b$last/2026/$n" 100 --evidence Acta >/dev/null
            done_first+=("p$n.b$last@example.do")
        fi
        time_passes
    done
    notify --once
    time_passes
    notify --once
    receivers >"$RELAY_DIR/receivers"
    assert_equal "$(wc -l <"$RELAY_DIR/receivers")" $((PEOPLE - ${#done_first[@]})) # nobody lost
    assert_equal "$(awk '$2 != 1' "$RELAY_DIR/receivers")" ''                     # one Message-ID each
    assert_equal "$(awk '{ more += $1 - 1 } END { print more + 0 }' "$RELAY_DIR/receivers")" $twice
    for address in "${done_first[@]}"; do
        run grep -F " $address" "$RELAY_DIR/receivers"
        assert_failure
    done
    assert_equal "$(sql -c "select string_agg(distinct state::text, ' ') from mejora.reminder where due_on <= '2026-06-27'")" 'cancelled sent'
}

@test "done between the lease and the text: the text does not leave" {
    mkfifo "$RELAY_DIR/go"
    relay_plan 'rcpt pause 1'
    notify --once &
    WORKERS+=($!)
    exec 4>"$RELAY_DIR/go" # opens when the relay has the recipient and waits
    mejora progress report b1/2026/1 100 --evidence Acta >/dev/null
    exec 4>&-
    wait "${WORKERS[0]}"
    grep -q 'outcome=later code=0 .*reason=stale' "$RELAY_DIR/log"
    time_passes
    notify --once
    receivers >"$RELAY_DIR/receivers"
    assert_equal "$(wc -l <"$RELAY_DIR/receivers")" $((PEOPLE - 1))
    run grep 'p1.b1@' "$RELAY_DIR/receivers"
    assert_failure
    assert_equal "$(sql -c "select state || ' ' || reason from mejora.reminder where (institution, item_no) = ('b1', 1) and due_on <= '2026-06-27' and rule = -3")" 'cancelled done'
}

@test "stopped past the lease, in the middle of a mail: the other one sends it, and this one does not" {
    mkfifo "$RELAY_DIR/go"
    relay_plan 'data pause 1'
    notify --once --workers-name uno &
    WORKERS+=($!)
    exec 4>"$RELAY_DIR/go"
    worker=$(pgrep -P "${WORKERS[0]}" -x mejora-notify || echo "${WORKERS[0]}")
    kill -STOP "$worker"
    time_passes
    relay_plan ''
    notify --once --workers-name dos
    exec 4>&-
    kill -CONT "$worker"
    wait "${WORKERS[0]}"
    receivers >"$RELAY_DIR/receivers"
    assert_equal "$(awk '{ print $1 }' "$RELAY_DIR/receivers" | sort | uniq -c | xargs)" "$PEOPLE 1"
    grep -q 'worker=uno op=reminder_check .*error=lease_lost' "$RELAY_DIR/log"
    grep -q 'worker=uno op=reminder_report .*error=lease_lost' "$RELAY_DIR/log"
}
