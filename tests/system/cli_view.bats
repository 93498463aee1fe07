#!/usr/bin/env bats
# How answers are shown: tables, JSON, CSV, TSV; on a terminal and in a pipe; in Spanish and English.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0
load ../support/fake
teardown() { fake_stop; }

ACTIONS='{"action_list": [{"reply": {"actions": [
    {"ref": "inm/2023/1", "item_no": 1, "objective": "=SUM(A1)", "subcriteria": ["1.1", "1.2"], "percent": 75, "state": "STATE_OVERDUE",
     "owners": [{"unit": "Recursos Humanos", "code": "rrhh", "lead": true}, {"unit": "DTIC"}], "versions": {"text": 4},
     "comments": ["dos\nlíneas\ty \"comillas\""], "end_date": "2023-12-31"},
    {"ref": "inm/2023/2", "item_no": 2, "objective": "\u001b]0;x\u0007 \u202e\u009b2J ñandú", "state": "STATE_NOT_REPORTED"}]}}],
  "action_show": [{"reply": {"action": {"ref": "inm/2023/1"}}}],
  "status": [{"reply": {"plan": "inm/2026", "units": [
    {"name": "Relaciones Internacionales e Interinstitucionales", "actions": 1, "percent": 25, "done": 0, "in_progress": 1, "due_soon": 0,
     "overdue": 0, "not_reported": 0},
    {"name": "Planificación y Desarrollo", "actions": 3, "done": 0, "in_progress": 0, "due_soon": 2, "overdue": 1, "not_reported": 3}]}}],
  "due": [{"reply": {"actions": [{"ref": "inm/2026/13", "action": "Mejorar el instrumento de recolección de quejas y sugerencias",
     "end_date": "2026-08-31", "days_left": -82, "state": "STATE_OVERDUE", "owners": [{"unit": "Planificación y Desarrollo"}]}]}}],
  "unit_list": [{"reply": {"units": [{"code": "rrhh", "name": "Recursos Humanos", "holder": "ana", "provisional": false},
     {"code": "dtic", "name": "DTIC", "people": ["luis"], "provisional": false}]}}],
  "institution_list": [{"reply": {}}], "plan_list": [{"reply": {"plans": []}}],
  "server_status": [{"reply": {"version": "0.1.0", "now": "1763640000123456"}}]}'

python() { /usr/bin/python3 -c "$@"; }

@test "JSON has the protocol's names, labels, and an array for every repeated field" {
    fake_start "$ACTIONS"
    mejora action list -o json >"$FAKE/json" 2>"$FAKE/said"
    python 'import json, sys
one, two = json.load(sys.stdin)["actions"]
assert one["state"] == "overdue" and one["percent"] == 75 and one["versions"] == {"text": 4}
assert one["owners"][0] == {"unit": "Recursos Humanos", "code": "rrhh", "lead": True}
assert "percent" not in two and two["owners"] == [] == two["comments"] and two["state"] == "not_reported"
assert two["objective"] == "\x1b]0;x\x07 \u202e\u009b2J ñandú"' <"$FAKE/json"
    [ ! -s "$FAKE/said" ]
}

@test "times are ISO 8601 in UTC" {
    fake_start "$ACTIONS"
    run -0 mejora server status -o json
    [[ $output == *'"now": "2025-11-20T12:00:00.123456Z"'* ]]
}

@test "CSV: every field, quotes doubled, formulas guarded, a BOM only in a file" {
    fake_start "$ACTIONS"
    mejora action list -o csv >"$FAKE/csv" 2>/dev/null
    mejora action list -o csv 2>/dev/null | cat >"$FAKE/piped"
    [ "$(head -c 3 "$FAKE/csv" | od -An -tx1)" = " ef bb bf" ]
    cmp <(tail -c +4 "$FAKE/csv") "$FAKE/piped"
    python 'import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8-sig", newline="")))
assert rows[0]["objective"] == "\x27=SUM(A1)", rows[0]
assert rows[0]["comments"] == "dos\nlíneas\ty \"comillas\""
assert rows[0]["owners"] == "Recursos Humanos; DTIC" and rows[0]["versions.text"] == "4" and rows[0]["percent"] == "75"
assert rows[1]["percent"] == "" and len(rows) == 2' "$FAKE/csv"
}

@test "TSV: one line each, tabs and newlines escaped" {
    fake_start "$ACTIONS"
    run -0 --separate-stderr mejora action list -o tsv
    [ "${#lines[@]}" -eq 3 ]
    [[ $output == *'dos\nlíneas\ty "comillas"'* ]]
    [ "$(awk -F'\t' 'NR == 1 { n = NF } NF != n { bad = 1 } END { print bad + 0 }' <<<"$output")" -eq 0 ]
}

@test "an empty list still has its header" {
    fake_start "$ACTIONS"
    run -0 --separate-stderr mejora institution list -o tsv
    [ "$output" = "$(printf 'code\tname\ttime_zone\tplans')" ]
    run -0 --separate-stderr mejora institution list -o json
    [ "$(tr -d ' \n' <<<"$output")" = '{"institutions":[]}' ]
    run -0 --separate-stderr mejora institution list
    [ -z "$output" ] && [ "$stderr" = "0 filas" ]
}

@test "a pipe gets no colour, nothing is cut, and nothing hidden passes" {
    fake_start "$ACTIONS"
    COLUMNS=20 run -0 --separate-stderr mejora action list
    [[ $output == *"Recursos Humanos; DTIC"* && $output == *'\u001b]0;x\u0007 \u202e\u009b2J ñandú'* ]]
    [[ $output != *$'\e'* && $output == *"✖ vencida"* && $output == *"sin reporte"* && $output == *"sin asignar"* ]]
    [ "$stderr" = "2 filas" ]
}

@test "a terminal gets colour and lines that fit; NO_COLOR and TERM=dumb none" {
    fake_start "$ACTIONS"
    run -0 on_terminal mejora action list
    [[ $output == *$'\e[31m'* && $output != *$'\e]0'* ]]
    [ "$(sed 's/\x1b\[[0-9;]*m//g; s/\r//' <<<"$output" | python 'import sys
print(max(len(line.rstrip("\n")) for line in sys.stdin))')" -le 80 ]
    NO_COLOR=1 run -0 on_terminal mejora action list
    [[ $output != *$'\e'* ]]
    run -0 on_terminal env TERM=dumb mejora action list
    [[ $output != *$'\e'* ]]
}

widest() { sed 's/\x1b\[[0-9;]*m//g; s/\r//' | python 'import sys; print(max(len(line.rstrip("\n")) for line in sys.stdin))'; }

@test "80 columns hold the board and what is due: names and headings go over several lines, an action's text is cut" {
    fake_start "$ACTIONS"
    NO_COLOR=1 run -0 on_terminal mejora status
    [ "$(widest <<<"$output")" -le 80 ]
    names=$(python 'import sys
lines = sys.stdin.read().replace("\r", "").split("\n")
head = next(i for i, line in enumerate(lines) if line.startswith("Nombre"))
print("".join(line[:lines[head].index("Acciones")]for line in lines[head + 1:]).replace(" ", ""))' <<<"$output")
    [[ $names == *"RelacionesInternacionaleseInterinstitucionalesPlanificaciónyDesarrollo"* ]] || false
    [[ $output != *"…"* ]]
    NO_COLOR=1 run -0 on_terminal mejora due
    [ "$(widest <<<"$output")" -le 80 ]
    [[ $output == *"inm/2026/13  Mejorar"*"…  2026-08-31"*"-82"*"✖"?"vencida"*"Planificación"*"Desarrollo"* ]]
}

@test "a column in which nothing stands is left out, progress never" {
    fake_start "$ACTIONS"
    run -0 --separate-stderr mejora unit list --lang en
    [ "$(head -n 1 <<<"$output" | tr -s ' ')" = "Code Name Holder People" ]
    run -0 --separate-stderr mejora unit list -o csv
    [[ $output == '"code","name",'*'"provisional"'* ]]
    run -0 --separate-stderr mejora due --lang en
    [[ $output == *"Progress"*"not reported"* ]]
}

@test "a terminal too narrow for the table shows one row below the other" {
    fake_start "$ACTIONS"
    COLUMNS=30 run -0 on_terminal mejora action list
    [[ $output == *"Referencia "*"inm/2023/1"*"Objetivo "*"=SUM(A1)"*"Referencia "*"inm/2023/2"* ]]
    [ "$(sed 's/\x1b\[[0-9;]*m//g; s/\r//' <<<"$output" | python 'import sys
print(max(len(line.rstrip("\n")) for line in sys.stdin))')" -le 30 ]
}

@test "help fits the terminal and breaks no word" {
    words() { sed 's/\x1b\[[0-9;]*m//g; s/\r//' | tr -s '[:space:]' '\n'; }
    fake_start '{}'
    for command in help "plan import -h"; do
        # shellcheck disable=SC2086 # words
        COLUMNS=50 run -0 on_terminal mejora $command
        shown=$output
        # shellcheck disable=SC2086 # words
        run -0 --separate-stderr comm -3 <(words <<<"$output" | sort) <(mejora $command | words | sort)
        [ -z "$output" ]
        # what is indented by its own left column may not fit: a usage, an example
        [ "$(sed 's/\x1b\[[0-9;]*m//g; s/\r//' <<<"$shown" | grep -v '^  mejora ' | python 'import sys
print(max(len(line.rstrip()) for line in sys.stdin))')" -le 50 ]
    done
}

@test "JSON on a terminal is still JSON, and harmless" {
    fake_start "$ACTIONS"
    run -0 on_terminal mejora action list -o json
    [[ $output != *$'\e'* && $output != *$'\u202e'* ]]
    [ "$(python 'import json, sys; print(json.load(sys.stdin)["actions"][1]["objective"])' <<<"$output")" = $'\e]0;x\a \u202e\u009b2J ñandú' ]
}

@test "the language: an option, else the environment, else Spanish" {
    fake_start "$ACTIONS"
    run -0 env LANG=C mejora plan list
    [[ $output == "0 filas" ]]
    run -0 env LANG=C LC_ALL=en_US.UTF-8 mejora plan list
    [[ $output == "0 rows" ]]
    run -0 env LANG=en_US.UTF-8 LC_MESSAGES=es_DO.UTF-8 mejora plan list
    [[ $output == "0 filas" ]]
    run -0 env LANG=es_DO.UTF-8 mejora --lang en plan list
    [[ $output == "0 rows" ]]
    run -0 env LANG=en_US.UTF-8 mejora plan list --lang es
    [[ $output == "0 filas" ]]
    run -2 mejora plan list --lang fr
}

@test "every text of every help is Spanish in Spanish" {
    fake_start '{}'
    mejora help | sed -nE '/^Órdenes/,/^Opciones/ s/^  ([^ ]+( [^ ]+)*)  .*/\1/p' >"$FAKE/commands"
    [ "$(wc -l <"$FAKE/commands")" -gt 70 ]
    while read -r -a command; do
        run -0 mejora "${command[@]}" -h
        [[ $output == "Ejemplo:"*"mejora ${command[0]}"* ]]
        run ! grep -wE 'the|its|this|and|what|FILE|PERCENT|DATE' <<<"$output"
    done <"$FAKE/commands"
    run -0 mejora help plan
    [[ $output == *"  plan plazo agregar  "* && $output != *"avance"* ]]
    run -0 mejora ayuda aviso política fijar
    [[ $output == *"mejora aviso política fijar --before"*"En inglés: mejora reminder policy set"* ]]
    run -0 mejora --lang en help reminder policy set
    [[ $output == *"mejora reminder policy set --before"*"In Spanish: mejora aviso política fijar"* ]]
}
