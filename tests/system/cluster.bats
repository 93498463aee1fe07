#!/usr/bin/env bats
# What the private PostgreSQL promises: it comes up whatever happened before, with what was committed, and goes with its owner.
# As root the owner becomes user postgres; without root those tests are skipped that need it.
# shellcheck disable=SC2030,SC2031 # every test is a shell of its own, and means to be

bats_require_minimum_version 1.5.0

setup() {
    D=$(mktemp -d /tmp/mejora.XXXXXX)
    chmod 0711 "$D" # who was root must still get to its data
    DATA=$D/data
    OWNERS=() CLEAN=() ORDINARY=()
    [ "$(id -u)" -ne 0 ] || ORDINARY=(setpriv --reuid=postgres --regid=postgres --clear-groups)
}

teardown() {
    local pid
    for pid in "${OWNERS[@]}"; do kill -KILL "$pid" 2>/dev/null || :; done
    [ -z "${OUT-}" ] || end_wait
    for pid in "${CLEAN[@]}"; do kill -KILL "$pid" 2>/dev/null || :; done
    rm -rf "$D"
}

as_root() { [ "$(id -u)" -eq 0 ] || skip "needs root"; }

# own [COMMAND...] - an owner of $DATA in the background. READY is its word that PostgreSQL answers, empty if it has failed.
own() {
    rm -f "$D/in" "$D/out"
    mkfifo "$D/in" "$D/out"
    "$@" "$MEJORA_BUILD/tests/support/cluster_owner" "$DATA" <"$D/in" >"$D/out" 2>>"$D/log" 3>&- &
    OWNER=$!
    OWNERS+=("$OWNER")
    exec {LIFE}>"$D/in" {OUT}<"$D/out"
    READY=
    read -r -t 90 -u "$OUT" READY || :
    CONNINFO=${READY#ready }
}

# The owner is told to end, and does so with this status, 0 unless told otherwise.
release() { # [STATUS]
    exec {LIFE}>&-
    local status=0
    wait "$OWNER" || status=$?
    end_wait
    [ "$status" -eq "${1:-0}" ]
}

# Until the last holder of the owner's standard output is gone: the supervisor, after PostgreSQL.
end_wait() {
    timeout 90 cat <&"$OUT" >/dev/null
    exec {OUT}<&- {LIFE}>&-
    unset OUT
}

ask() { psql --no-psqlrc -qtAX "$CONNINFO" -c "$1"; }
postmaster() { head -n 1 "$DATA/postgresql/postmaster.pid"; }
parent() { awk '/^PPid/ { print $2 }' "/proc/$1/status"; }
remember() { ask 'create table kept (n int)' && ask 'insert into kept values (1), (2)'; }
remembered() { [ "$(ask 'select sum(n) from kept')" = 3 ]; }
said() { grep -q -e "$1" "$D/log" || { sed 's/^/# /' "$D/log" && return 1; }; }

# Waits until the pattern was written to PostgreSQL's log so many times.
logged() { # COUNT PATTERN
    local n
    n=$(grep -c -m "$1" -e "$2" < <(timeout 60 tail -n +1 -f "$DATA/postgresql.log" 2>/dev/null))
    [ "$n" = "$1" ]
}

@test "the first start makes a durable cluster that only its owner reaches" {
    own
    [ -n "$READY" ]
    [ "$(for s in data_checksums fsync full_page_writes synchronous_commit listen_addresses server_encoding timezone; do
        ask "show $s"; done | paste -sd,)" = on,on,on,on,,UTF8,UTC ]
    [ "$(ask 'select current_database()')" = mejora ]
    [ "$(stat -c %a "$DATA")" = 700 ]
    [ "$(stat -c %a "$DATA/.s.PGSQL.5432")" = 700 ]
    release
    [ ! -e "$DATA/postgresql/postmaster.pid" ]
    [ ! -e "$DATA/.s.PGSQL.5432" ]
}

@test "a second start finds what the first one kept" {
    own && remember
    release
    own && remembered
    release
}

@test "an ordinary user needs no root" {
    mkdir "$DATA"
    [ "$(id -u)" -ne 0 ] || chown postgres: "$DATA"
    own "${ORDINARY[@]}" && remember
    release
    own "${ORDINARY[@]}" && remembered
    release
}

@test "root becomes user postgres for good" {
    as_root
    own
    [ "$(awk '/^Uid/ { print $2, $3, $4, $5 }' "/proc/$OWNER/status" | tr ' ' '\n' | sort -u)" = "$(id -u postgres)" ]
    [ "$(awk '/^Gid/ { print $2, $3, $4, $5 }' "/proc/$OWNER/status" | tr ' ' '\n' | sort -u)" = "$(id -g postgres)" ]
    [ -z "$(awk '/^Groups/ { print $2 }' "/proc/$OWNER/status")" ]
    [ "$(stat -c %U "$DATA")" = postgres ]
    release
}

@test "root becomes the owner of a directory that has one" {
    as_root
    mkdir "$DATA" && chown nobody "$DATA"
    own && remember
    [ "$(stat -c %U "/proc/$(postmaster)")" = nobody ]
    release
}

@test "a directory that the user cannot reach is named, and nothing is made" {
    as_root
    mkdir -m 0700 "$D/closed"
    DATA=$D/closed/data
    own
    [ -z "$READY" ]
    release 1
    said "user postgres cannot reach it: $D/closed: Permission denied.*/var/lib/mejora"
    [ ! -e "$DATA" ]
}

@test "somebody else's directory is left alone" {
    mkdir -m 0755 "$DATA" && touch "$DATA/thesis.odt"
    own
    [ -z "$READY" ]
    release 1
    said 'it holds something else'
    [ "$(ls -A "$DATA")" = thesis.odt ]
    [ "$(stat -c %a "$DATA")" = 755 ]
}

@test "a start at once after kill -9 of the owner" {
    own && remember
    kill -KILL "$OWNER"
    local first=$OUT
    own && remembered
    timeout 60 cat <&"$first" >/dev/null
    release
}

@test "a start at once after kill -9 of owner and supervisor" {
    own && remember
    local supervisor
    supervisor=$(parent "$(postmaster)")
    kill -KILL "$supervisor" "$OWNER"
    own && remembered
    release
}

@test "a postmaster that was left over is stopped first" {
    own && remember
    release
    "${ORDINARY[@]}" "$(cut -d' ' -f1 "$DATA/postgresql/postmaster.opts")" -D "$DATA/postgresql" -k "$DATA" \
        -c listen_addresses= >>"$DATA/postgresql.log" 2>&1 3>&- &
    local left=$!
    CLEAN+=("$left")
    logged 2 'ready to accept connections'
    own && remembered
    wait "$left"
    said "event=stopping_leftover pid=$left"
    release
}

@test "a stale pid file whose number belongs to somebody else is no obstacle" {
    own && remember
    release
    "${ORDINARY[@]}" tail -f /dev/null 3>&- &
    CLEAN+=("$!")
    printf '%s\n%s\n1\n5432\n%s\n\n  1 1\nready\n' "$!" "$DATA/postgresql" "$DATA" >"$DATA/postgresql/postmaster.pid"
    own && remembered
    kill -0 "${CLEAN[0]}"
    release
}

@test "of two at once the second is refused and told by whom" {
    own && remember
    run -1 "$MEJORA_BUILD/tests/support/cluster_owner" "$DATA" </dev/null
    [[ $output == *"already running"*"pid=$OWNER"* ]]
    remembered
    release
}

@test "kill -9 of the postmaster: it is started again" {
    own && remember
    local was
    was=$(postmaster)
    kill -KILL "$was"
    logged 2 'ready to accept connections'
    remembered
    [ "$(postmaster)" != "$was" ]
    said "event=ended_unasked pid=$was signal=9"
    release
}

@test "kill -9 of the supervisor: PostgreSQL shuts down and the owner learns of it" {
    own && remember
    kill -KILL "$(parent "$(postmaster)")"
    timeout 60 cat <&"$OUT" >/dev/null # until the owner has gone by itself
    release 1
    logged 1 'database system is shut down'
    own && remembered
    release
}

@test "kill -9 in the middle of initdb leaves nothing half done" {
    local real
    real=$(find /usr/lib/postgresql/*/bin -maxdepth 0 | sort -V | tail -n 1)
    mkdir "$D/bin"
    # shellcheck disable=SC2016 # the script's own variables
    printf '#!/bin/sh\n%s/initdb "$@"\nkill -KILL $PPID\nread -r never <%s\n' "$real" "$D/never" >"$D/bin/initdb"
    mkfifo "$D/never"
    chmod 0755 "$D/bin/initdb" "$D/bin"
    own env MEJORA_PG_BINDIR="$D/bin"
    [ -z "$READY" ]
    [ ! -e "$DATA/postgresql" ]
    [ -n "$(find "$DATA"/postgresql.new-* -maxdepth 1 -name PG_VERSION)" ]
    own && remember
    [ -z "$(find "$DATA" -maxdepth 1 -name 'postgresql.new-*')" ]
    release
}

@test "a path too long for a socket, or strange, has its socket elsewhere, removed in the end" {
    DATA=$D/$(printf 'x%.0s' {1..120})/"a, 'b'"
    mkdir -m 0755 "$(dirname "$DATA")"
    own && remember
    local sockets=${CONNINFO%% port=*}
    sockets=${sockets#host=}
    [ "$(stat -c %a "$sockets")" = 700 ]
    kill -KILL "$OWNER"
    end_wait
    [ ! -e "$sockets" ]
    own && remembered
    release
}

@test "one's own postgresql.conf is read last, but cannot make a commit lie" {
    mkdir "$DATA"
    printf 'shared_buffers = 16MB\nfsync = off\nsynchronous_commit = off\nlisten_addresses = '\''*'\''\n' >"$DATA/postgresql.conf"
    own
    [ "$(for s in shared_buffers fsync synchronous_commit listen_addresses; do ask "show $s"; done | paste -sd,)" = 16MB,on,on, ]
    release
}

@test "when PostgreSQL does not start, its reason is in our log and we end" {
    mkdir "$DATA"
    echo 'shared_buffers = plenty' >"$DATA/postgresql.conf"
    own
    [ -z "$READY" ]
    release 1
    said 'shared_buffers'
    said 'PostgreSQL does not start'
}

@test "data of a PostgreSQL that is not installed is left alone" {
    own
    release
    echo 9 >"$DATA/postgresql/PG_VERSION"
    own
    [ -z "$READY" ]
    release 1
    said 'install postgresql-9'
}
