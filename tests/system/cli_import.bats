#!/usr/bin/env bats
# Importing a plan into a real server: look first, ask, apply; and the ways it can be refused.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0
load ../support/server
load ../support/fake

PLANS=$BATS_TEST_DIRNAME/../data/plans

setup_file() {
    export LANG=C.UTF-8
    server_start
    for code in a b c d e; do mejora institution add "$code" "Institución $code"; done
}
teardown_file() { server_stop; }

plans() { mejora plan list --institution "$1" -o tsv 2>/dev/null | sed -n '2,$p' | cut -f1,5; }

@test "off a terminal it only shows" {
    run -0 --separate-stderr mejora plan import "$PLANS/plan_2023.tsv" --institution a
    [[ $output == *"a/2023"*"17"*"por decidir"* ]]
    [[ $stderr == *"--yes"* ]]
    [[ $output == *"una columna a la izquierda"* ]]
    for kind in reparado "por decidir"; do # the sums are those of the lines above
        [[ $stderr == *"$kind: $(grep -c "^. $kind" <<<"$output")"* ]]
    done
    [ -z "$(plans a)" ]
    run -0 mejora plan import "$PLANS/plan_2023.tsv" --institution a --dry-run --yes
    [ -z "$(plans a)" ]
}

@test "on a terminal it asks, and takes no for an answer" {
    answer() { printf '%s\n' "$1" | TERM=xterm script -qec "mejora plan import '$PLANS/plan_2024.tsv' --institution b" /dev/null; }
    run -0 answer n
    [[ $output == *"[s/N]"* ]]
    [ -z "$(plans b)" ]
    run -0 answer ""
    [ -z "$(plans b)" ]
    run -0 answer s
    [[ "$(plans b)" == b/2024$'\t'* ]]
}

@test "--yes applies, JSON says what; a second time nothing changes" {
    run -0 --separate-stderr mejora plan import "$PLANS/plan_2023.tsv" --institution c --yes -o json
    [ "$(/usr/bin/python3 -c 'import json, sys
r = json.load(sys.stdin)
kinds = {n["kind"] for n in r["notes"]}
assert kinds <= {"repaired", "to_decide", "hint"} and "to_decide" in kinds, kinds
assert all(n["reason"] and n["code"] for n in r["notes"])
print(r["plan"], r["added"], r["changed"], r["unchanged"], r["applied"])' <<<"$output")" = "c/2023 17 0 0 True" ]
    run -0 --separate-stderr mejora plan import "$PLANS/plan_2023.tsv" --institution c --yes -o json
    [ "$(/usr/bin/python3 -c 'import json, sys
r = json.load(sys.stdin)
print(r["added"], r["changed"], r["unchanged"])' <<<"$output")" = "0 0 17" ]
}

@test "what is refused is exit 6, names line and column, and changes nothing" {
    sed 's/T1-2023/primavera/' "$PLANS/plan_2023.tsv" >"$BATS_TEST_TMPDIR/plan.tsv"
    run -6 --separate-stderr mejora plan import "$BATS_TEST_TMPDIR/plan.tsv" --institution d --yes
    [[ ${lines[1]} == " "*7*"Inicio"*"«primavera»"* && $stderr == *"No se importó nada"* ]]
    [ "${#lines[@]}" -eq "$((1 + $(grep -o primavera "$BATS_TEST_TMPDIR/plan.tsv" | wc -l)))" ]
    [ -z "$(plans d)" ]
    printf 'a\0b\n' >"$BATS_TEST_TMPDIR/nul.tsv"
    run -6 mejora plan import "$BATS_TEST_TMPDIR/nul.tsv" --institution d --yes
    [[ $output == *nulo* ]]
    run -6 mejora plan import /nowhere.tsv --institution d
    head -c 9000000 /dev/zero | tr '\0' a >"$BATS_TEST_TMPDIR/large.tsv"
    run -6 mejora plan import "$BATS_TEST_TMPDIR/large.tsv" --institution d
}

@test "notes as a sheet to work through" {
    run -0 --separate-stderr mejora plan import "$PLANS/plan_2023.tsv" --institution e -o csv
    [[ ${lines[0]} == '"kind","line","column","item_no","was","now","code","args","reason"'* ]]
    [ "${#lines[@]}" -gt 10 ]
}

@test "decisions: one, an unknown one, all of them" {
    mejora plan import "$PLANS/plan_2023.tsv" --institution e --yes
    run -0 --separate-stderr mejora decision resolve 1 accept --institution e
    [[ $output == *aceptada* ]]
    run -3 mejora decision resolve 999 keep --institution e
    run -0 --separate-stderr mejora decision resolve --all keep --plan e/2023 -o json
    [ "$(/usr/bin/python3 -c 'import json, sys
print({d["state"] for d in json.load(sys.stdin)["decisions"]})' <<<"$output")" = "{'kept'}" ]
    run -0 --separate-stderr mejora decision list --institution e
    [ "$stderr" = "0 filas" ]
}

@test "a workbook is not read as a table: how to save it is said" {
    printf 'PK\003\004\024\000"' >"$BATS_TEST_TMPDIR/plan.xlsx"
    run -6 --separate-stderr mejora plan import "$BATS_TEST_TMPDIR/plan.xlsx" --institution e
    [[ $stderr == *"plan.xlsx: "*"CSV UTF-8"* ]]
}

@test "what is left to decide says how to decide it" {
    mejora institution add g "Institución g"
    mejora plan import "$PLANS/plan_2023.tsv" --institution g --yes >/dev/null 2>&1
    run -0 --separate-stderr mejora decision list --institution g
    [[ $stderr == *"Para decidir: mejora decisión resolver $(awk '/○/ { print $1; exit }' <<<"$output") aceptar"* ]]
    mejora decision resolve --all aceptar --institution g >/dev/null
    run -0 --separate-stderr mejora decision list --institution g
    [[ $stderr != *"resolver"* ]]
}

@test "what is not there cannot be chosen, and who may not is told who may" {
    before=$(cat "$MEJORA_PROFILE")
    run -3 --separate-stderr mejora use e/1999
    [[ $stderr == *"No existe el plan e/1999"* ]]
    run -3 --separate-stderr mejora use nadie
    [[ $stderr == *"nadie"* ]]
    [ "$(cat "$MEJORA_PROFILE")" = "$before" ]
    mejora person add lia Lía --role viewer --institution e
    mejora person invite lia --institution e --file "$BATS_TEST_TMPDIR/lia.invitation" 2>&1
    mejora join "$BATS_TEST_TMPDIR/lia.invitation" --profile "$BATS_TEST_TMPDIR/lia.profile" 2>&1
    run -0 mejora key list --person lia --institution e
    [[ $output == *"se usó para unirse"* ]]
    run -4 --separate-stderr mejora audit list --profile "$BATS_TEST_TMPDIR/lia.profile"
    [[ $stderr == *"Lo puede hacer: administración, planificación, auditoría"* ]]
    run -6 --separate-stderr mejora person add leo Leo --institution e
    [[ $stderr == *"Falta el campo --role."*"Vea: mejora persona agregar -h"* ]]
}
