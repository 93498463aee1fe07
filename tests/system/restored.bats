#!/usr/bin/env bats
# After a restore from a backup, in whatever way, no reminder goes out until somebody says so; after a move or a restart it does.

bats_require_minimum_version 1.5.0
load ../support/server

now=2026-06-16T16:00:00Z

setup() {
    server_start --now "$now"
    mejora institution add inm "Instituto"
    mejora person add ana Ana --role responsable --email ana@inm.example --institution inm
    mejora plan import "$BATS_TEST_DIRNAME/../data/plans/plan_2023.tsv" --institution inm --yes >/dev/null
    mejora unit holder rrhh ana --institution inm
}
teardown() { server_stop; }

stop() { kill -TERM "$SERVER_PID" && process_wait "$SERVER_PID"; }
held() { mejora reminder list --institution inm -o json | jq -r '.paused[]?.reason'; }
leased() { # what a worker gets
    mejora --profile "$SERVER_DIR/data/notifier.profile" call reminder_lease inm limit=10 | jq '.mails | length'
}
db() { "$@" --host="$SERVER_DIR/data" --username=postgres; }

@test "a restart, a kill and a move are no restore" {
    stop && server_run --now "$now"
    server_kill && server_run --now "$now"
    stop
    mv "$SERVER_DIR/data" "$SERVER_DIR/elsewhere" && mv "$SERVER_DIR/elsewhere" "$SERVER_DIR/data"
    server_run --now "$now"
    [ -z "$(held)" ]
    [ "$(leased)" = 1 ]
}

@test "a dump that is restored: nothing goes out until reminder resume, also after restarts" {
    db pg_dump --format=custom --file="$BATS_TEST_TMPDIR/dump" mejora
    db dropdb --force mejora
    db createdb mejora
    db pg_restore --dbname=mejora --exit-on-error "$BATS_TEST_TMPDIR/dump"
    stop && server_run --now "$now"
    [ "$(held)" = restored ]
    [ "$(leased)" = 0 ]
    stop && server_run --now "$now"
    [ "$(leased)" = 0 ]
    run -0 mejora --lang es aviso listar --institution inm
    [[ $output == *"se restauró de una copia"* ]]
    mejora reminder resume --institution inm
    [ "$(leased)" = 1 ]
    stop && server_run --now "$now"
    [ -z "$(held)" ]
}

@test "a directory that is copied" {
    stop
    cp -a "$SERVER_DIR/data" "$SERVER_DIR/copy" && mv "$SERVER_DIR/data" "$SERVER_DIR/old" && mv "$SERVER_DIR/copy" "$SERVER_DIR/data"
    server_run --now "$now"
    [ "$(held)" = restored ]
    [ "$(leased)" = 0 ]
}

@test "a database that has fallen behind what the server saw of it" {
    stop
    read -r word number <"$SERVER_DIR/data/home"
    [ "$number" -gt 0 ]
    printf '%s %20d\n' "$word" $((number + 1)) | dd of="$SERVER_DIR/data/home" conv=notrunc status=none
    server_run --now "$now"
    [ "$(held)" = restored ]
}

@test "another server of the same database is only new" {
    mkdir -m 0700 "$SERVER_DIR/second"
    local log=$SERVER_DIR/second.log
    mejorad --database "host=$SERVER_DIR/data user=postgres dbname=mejora" --state "$SERVER_DIR/second" --listen 'tcp://127.0.0.1:*' \
        --now "$now" >"$log" 2>&1 3>&- &
    local second=$!
    log_wait "$log" '^mejorad: ready' "$second"
    kill -TERM "$second" && process_wait "$second"
    [ -z "$(held)" ]
    [ "$(leased)" = 1 ]
}
