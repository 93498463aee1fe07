#!/usr/bin/env bats
# The demonstration as somebody types it: it ends in success and leaves everything running, twice in a row and after a stop.

bats_require_minimum_version 1.5.0

setup_file() {
    MEJORA_DEMO=$(mktemp -d /var/tmp/mejora.XXXXXX)
    chmod 0711 "$MEJORA_DEMO"
    export MEJORA_DEMO MEJORA_DEMO_LISTEN='tcp://127.0.0.1:*' LC_ALL=C.UTF-8
    demo/run >"$BATS_FILE_TMPDIR/first" 2>&1 3>&- || { tail -n 30 "$BATS_FILE_TMPDIR/first" >&2 && return 1; }
}

teardown_file() {
    demo/stop
    rm -rf "$MEJORA_DEMO"
}

first() { # PATTERN - a line of the first run
    grep -qE -- "$1" "$BATS_FILE_TMPDIR/first" || { echo "no line like: $1" >&2 && return 1; }
}

as() { # PERSON COMMAND...
    MEJORA_PROFILE=$MEJORA_DEMO/$1.profile mejora "${@:2}"
}

processes() { # that have the demonstration's directory among their arguments
    grep -lsFf <(echo "$MEJORA_DEMO/") /proc/[0-9]*/cmdline | wc -l
}

@test "both plans are read, what is repaired is told, and nothing is left to decide" {
    first '^Añadidas +17$'
    first '^Añadidas +6$'
    first '^● reparado .*corrida'
    first '^▲ por decidir'
    [ "$(as admin decision list --institution inm -o tsv 2>/dev/null | wc -l)" -eq 1 ]
    [ "$(as admin decision list --institution itla -o tsv 2>/dev/null | wc -l)" -eq 1 ]
}

@test "five departments reported with keys of their own, and one of two was told of the other" {
    [ "$(grep -c ' reportado \[0\]$' "$BATS_FILE_TMPDIR/first")" -eq 10 ]
    [ "$(grep -c ' rechazado \[5\]$' "$BATS_FILE_TMPDIR/first")" -eq 1 ]
    first '^Lo cambió (Ana Peña|Luis Mota) el '
    [ "$(as elsa key list -o json 2>/dev/null | jq '[.keys[] | select(.kind == "person" and .revoked_at == null)] | length')" -eq 7 ]
    [ "$(as elsa progress history inm/2023/8 -o json 2>/dev/null | jq -c '[.entries[].version]')" = '[1,2]' ]
}

@test "the carried plan's reminder went out by mail" {
    run tests/support/mail_open.py "$(grep -l '^To: .*marta@inm.example' "$MEJORA_DEMO"/mail/*.eml)"
    [ "$status" -eq 0 ]
    [[ $output == *"inm/$(TZ=America/Santo_Domingo date +%Y)/12 "* ]]
}

@test "the auditor is answered" {
    first '^Avance +50 +Marta Rosario +[0-9: -]+La auditoría'
    [ "$(as elsa audit list --outcome refused --op progress_report -o json 2>/dev/null | jq -r '[.entries[].error] | unique | join(" ")')" = \
        'not_your_action percent_not_a_step version_stale why_missing' ]
}

@test "every line is in Spanish, or in English where asked" {
    run ! grep -E '^[0-9]\. (The|Two|Five|Into|Three|How)|Done:' "$BATS_FILE_TMPDIR/first"
    run ! grep -E '^demo/[a-z.]+: ' "$BATS_FILE_TMPDIR/first" # what the shell itself has to say
    first '^Listo: todo queda en marcha\.$'
    run -0 demo/run --lang en 3>&-
    [[ $output == *'Done: everything is running.'* && $output == *'was changed by '* && $output != *'por decidir'* ]]
}

@test "stop ends everything, twice is fine, and a run after it begins anew" {
    [ "$(processes)" -ge 3 ]
    run -0 demo/stop
    [ "$(processes)" -eq 0 ]
    run -0 demo/stop
    run -0 demo/run 3>&-
    [ "$(as admin institution list -o json 2>/dev/null | jq '.institutions | length')" -eq 2 ]
}

@test "what goes wrong is said, and ends what was started" {
    MEJORA_DEMO_LISTEN=tcp://nowhere.invalid:1 run -1 demo/run 3>&-
    [[ $output == *'El servidor no arrancó'* ]]
    [ "$(processes)" -eq 0 ]
}

@test "somebody else's directory is left alone" {
    local other=$BATS_TEST_TMPDIR/other
    mkdir "$other" && echo mine >"$other/file"
    MEJORA_DEMO=$other run -1 demo/run 3>&-
    [ "$(<"$other/file")" = mine ]
}
