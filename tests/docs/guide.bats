#!/usr/bin/env bats
# Every command of docs/guia.md, in the order of the page, as Planificación of an institution types them.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0
load ../support/server

setup() {
    server_start --now 2023-06-01T16:00:00Z
    mejora institution add inm "Instituto"
    mejora person add rosa "Rosa Díaz" --role planner --email rosa@inm.example --institution inm
    PAGE=$PWD/docs/guia.md
    PLAN=$PWD/tests/data/plans/plan_2023.tsv
    mkdir "$BATS_TEST_TMPDIR/rosa"
    cd "$BATS_TEST_TMPDIR/rosa" || return
    mejora person invite rosa --institution inm 2>/dev/null
    cp "$PLAN" plan.tsv
    printf '%s\n' "Unidad,Código,Titular,Correo" "Recursos Humanos,rrhh,Ana Peña,ana@inm.example" >directorio.csv
    export MEJORA_PROFILE=$PWD/profile LANG=es_DO.UTF-8
}
teardown() { server_stop; }

@test "what the guide says can be typed" {
    local said
    grep '^    mejora' "$PAGE" >commands
    [ "$(wc -l <commands)" -gt 30 ]
    while read -r line; do
        said=$(bash -c "$line" 2>&1 </dev/null) || fail "$line: $said"
    done <commands
    run -0 --separate-stderr mejora progreso historial 12
    [[ $output == *"25 %"* ]]
}

fail() {
    echo "$*" >&2
    return 1
}
