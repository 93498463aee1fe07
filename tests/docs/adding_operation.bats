#!/usr/bin/env bats
# docs/adding-an-operation.md is carried out, word for word, on a copy of the tree; then the new operation is used.

bats_require_minimum_version 1.5.0
load ../support/server

PAGE=docs/adding-an-operation.md

# The page's blocks that name a file, each into DIR/1, DIR/2 …: first the line that opens it, then what it holds.
blocks() { # DIR
    awk -v dir="$1" '/^```$/ { out = "" } out { print >out } /^```[a-z]+ [^ ]/ { out = dir "/" ++n; print substr($0, 4) >out }' "$PAGE"
}

# Puts a block where its first line says: at the end of a file, or before the first line that has a text in it.
apply() { # BLOCK TREE
    local file before text
    read -r _ file before text < <(head -n 1 "$1")
    if [ "$before" = before ]; then
        awk -v block="$1" -v text="$text" '!done && index($0, text) { while ((getline line <block) > 0) if (n++) print line; done = 1 }
            { print } END { exit !done }' "$2/$file" >"$2/$file.new" && mv "$2/$file.new" "$2/$file"
    else
        tail -n +2 "$1" >>"$2/$file"
    fi
}

setup_file() {
    export TREE=$BATS_FILE_TMPDIR/tree
    local blocks=$BATS_FILE_TMPDIR/blocks block
    mkdir "$TREE" "$blocks"
    tar --create --exclude=./build --exclude=./.git . | tar --extract --directory "$TREE"
    blocks "$blocks"
    for block in "$blocks"/*; do apply "$block" "$TREE" || { head -n 1 "$block" >&2 && return 1; }; done
    (cd "$TREE" && cmake --preset release && cmake --build --preset release --parallel 2) >"$BATS_FILE_TMPDIR/log" 2>&1 ||
        { tail -n 30 "$BATS_FILE_TMPDIR/log" >&2 && return 1; }
    export PATH=$TREE/build/bin:$PATH
    server_start
    mejora institution add inm "Instituto Nacional de Migración"
}

teardown_file() { server_stop; }

@test "the page has a block for every step" {
    [ "$(sed -n 's/^```[a-z]* \([^ ]*\).*/\1/p' "$PAGE" | tr '\n' ' ')" = \
        "proto/people.proto common/ops.def sql/ops/unit_rename.sql tests/sql/unit_rename.sql client/cli/commands.c po/es.po " ]
}

@test "the operation works for every client, and is in the audit trail" {
    mejora unit add "Recursos Humanos" --code rrhh --institution inm
    run -0 --separate-stderr mejora call unit_rename inm name=rrhh new_name="Gestión Humana" why="Nueva estructura" -o json
    [ "$(jq -c .unit.name <<<"$output")" = '"Gestión Humana"' ]
    run -0 --separate-stderr mejora audit list --op unit_rename --institution inm -o json
    [ "$(jq -r '.entries[] | [.who, .outcome, .why, (.before_json | fromjson.name), (.after_json | fromjson.name)] | join("|")' <<<"$output")" = \
        'admin|ok|Nueva estructura|Recursos Humanos|Gestión Humana' ]
}

@test "its refusals are worded" {
    run -3 mejora unit rename nada Algo --institution inm --lang es
    [[ $output == *nada* && $output != *no_such_unit* ]]
}

@test "the command is there, with its help in Spanish" {
    mejora unit add "Unidad de Prueba" --code prueba --institution inm
    run -0 mejora unit rename prueba "Otra Unidad" --institution inm --lang es
    [[ $output == *"Otra Unidad"* && $output == *"Unidad de Prueba"* ]]
    run -0 mejora unit rename -h --lang es
    [[ $output == *"dar otro nombre a una unidad"* ]]
}

@test "its test passes" {
    cd "$TREE"
    run -0 tests/support/with-database tests/support/tap tests/sql/unit_rename.sql
    [ "$(grep -c '^ok' <<<"$output")" -eq 5 ]
    [[ $output != *"not ok"* ]]
}

@test "the protocol's page is brought up to date by what the page says" {
    awk '/^```$/ { on = 0 } on; /^```sh$/ { on = 1 }' "$PAGE" >"$BATS_TEST_TMPDIR/update"
    cd "$TREE"
    bash -eu "$BATS_TEST_TMPDIR/update"
    grep -q '^### unit_rename$' proto/PROTOCOL.md
    run -0 env MEJORA_BUILD="$TREE/build" bats --tap tests/docs/protocol.bats
}
