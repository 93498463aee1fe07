#!/usr/bin/env bats
# A server that cannot keep its promises does not start, and says why.

bats_require_minimum_version 1.5.0

setup() {
    D=$(mktemp -d /tmp/mejora.XXXXXX)
    chmod 0711 "$D"
}

teardown() { rm -rf "$D"; }

@test "one that would let strangers in" {
    MEJORA_FAULT=guarded:error:1 run -1 timeout 90 mejorad --data "$D/data" --listen 'tcp://127.0.0.1:*'
    [[ $output == *"keys: a stranger was not refused"* ]]
    [[ $output != *"ready at"* ]]
}

@test "a database that is away" {
    run -1 timeout 60 mejorad --database 'host=127.0.0.1 port=1 dbname=mejora' --state "$D/state" --listen 'tcp://127.0.0.1:*'
    [[ $output == *"Connection refused"* ]]
    [[ $output != *"ready at"* ]]
}
