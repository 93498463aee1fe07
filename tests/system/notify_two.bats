#!/usr/bin/env bats
# Workers beside each other on a real server: each mail once, and what one leaves behind goes out later.
bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load ../support/server
load ../support/relay

PEOPLE=12

setup() {
    WORKERS=()
    server_start --now "$(date +%F)T16:00:00Z" # noon where the institutions are: reminders go out from eight on
    relay_start
    plan_with_ends_near >"$SERVER_DIR/plan.tsv"
    mejora institution add inm 'Instituto Nacional de Migración'
    mejora plan import "$SERVER_DIR/plan.tsv" --institution inm --yes
    for i in $(seq $PEOPLE); do
        mejora person add "p$i" "Persona $i Peña" --email "p$i@example.do" --role responsable --unit "Unidad $i" --institution inm
    done >"$SERVER_DIR/people"
}

teardown() {
    for pid in "${WORKERS[@]}"; do kill -KILL "$pid" 2>/dev/null || :; done
    relay_stop
    server_stop
}

# One action for each unit, ending in three days: the reminder of that day is due at once.
plan_with_ends_near() {
    printf 'PLAN DE MEJORA INSTITUCIONAL %s\n\n' "$(date +%Y)"
    printf 'No.\tCriterios No.\tSubcriterio No.\tÁrea de Mejora\tObjetivo\tAcción de Mejora\tTareas\tTiempo\t\tRecursos necesarios\tIndicador\tResponsable de seguimiento\tComentarios\n'
    printf '\t\t\t\t\t\t\tInicio\tFin\t\t\t\t\n'
    for i in $(seq $PEOPLE); do
        printf '%s\tCRITERIO 3: PERSONAS\tSubcriterio 3.1.\tÁrea\tObjetivo\tSeñalizar %s\tTarea\t%s\t%s\tHumanos\tInforme\tUnidad %s\t\n' \
            "$i" "$i" "$(date -d '-60 days' +%F)" "$(date -d '+3 days' +%F)" "$i"
    done
}

worker_start() { # NAME [OPTION...]
    mejora-notify --workers-name "$1" --profile "$SERVER_DIR/data/notifier.profile" --lang es --smtp "$RELAY" --from plan@example.do \
        "${@:2}" 2>"$RELAY_DIR/log.$1" 3>&- &
    WORKERS+=($!)
}

receivers() { # who got how many
    grep -ho '"to": \["[^"]*' "$RELAY_DIR/events" | sort | uniq -c | awk '{ print $1 }' | sort | uniq -c | awk '{ print $1 "x" $2 }'
}

states() { # of the reminders, counted
    mejora reminder list inm -o json | jq -r '[.reminders[] | select(.state != "cancelled" and .state != "pending") | .state] | group_by(.) | map("\(length) \(.[0])") | join(", ")'
}

@test "two workers at once: everybody hears once, and the ledger says so" {
    worker_start uno --once
    worker_start dos --once
    for pid in "${WORKERS[@]}"; do wait "$pid"; done
    assert_equal "$(receivers)" "${PEOPLE}x1"
    assert_equal "$(states)" "$PEOPLE sent"
    worker_start tres --once
    wait "${WORKERS[2]}"
    assert_equal "$(relay_mails)" $PEOPLE
}

@test "a worker killed in the middle of a mail: it and the rest of its lease go out later, once" {
    mkfifo "$RELAY_DIR/go"
    relay_plan 'rcpt pause 1'
    worker_start uno --lease 15
    exec 4>"$RELAY_DIR/go" # opens when the relay has the sender and waits
    kill -KILL "${WORKERS[0]}"
    wait "${WORKERS[0]}" || :
    exec 4>&-
    worker_start dos --interval 1
    relay_event '"kept"' $PEOPLE
    kill -TERM "${WORKERS[1]}"
    wait "${WORKERS[1]}"
    assert_equal "$(receivers)" "${PEOPLE}x1"
    assert_equal "$(states)" "$PEOPLE sent"
}

@test "taken, but the answer was lost: it goes out once more, under the same Message-ID" {
    relay_plan 'dot keep-drop 1'
    worker_start uno --once
    wait "${WORKERS[0]}"
    assert_equal "$(grep -c 'outcome=unknown' "$RELAY_DIR/log.uno")" 1
    assert_equal "$(states)" "$((PEOPLE - 1)) sent"
    mapfile -t postmaster <"$SERVER_DIR/data/postgresql/postmaster.pid" # a quarter of an hour passes
    psql --no-psqlrc --quiet "host=${postmaster[4]} port=${postmaster[3]} user=postgres dbname=mejora" \
        --command "update mejora.mail set not_before = created_at where ended_at is null"
    worker_start dos --once
    wait "${WORKERS[1]}"
    assert_equal "$(states)" "$PEOPLE sent"
    assert_equal "$(relay_mails)" $((PEOPLE + 1))
    assert_equal "$(grep -h '^Message-Id:' "$RELAY_DIR"/*.eml | sort -u | wc -l)" $PEOPLE
}
