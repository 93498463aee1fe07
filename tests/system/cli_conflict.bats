#!/usr/bin/env bats
# Two people at one action: different groups of fields never conflict; the same group shows what there was, theirs and mine,
# and whatever is chosen, the text that lost is kept. Against a real server, with two people's keys.

# shellcheck disable=SC2153,SC2154 # bats and server.bash set them
bats_require_minimum_version 1.5.0
load ../support/server
setup_file() {
    export LANG=C.UTF-8 TZ=UTC && unset LC_ALL LC_MESSAGES NO_COLOR
    server_start
    mejora institution add inm Instituto
    mejora plan import "$BATS_TEST_DIRNAME/../data/plans/plan_2023.tsv" --institution inm --yes >/dev/null
    OWN=$(mktemp -d "$SERVER_DIR/own.XXXXXX") && export OWN
    for who in ana luis; do
        mejora person add --institution inm "$who" "${who^} Peña" --role planner
        mejora person invite --institution inm "$who" --file "$OWN/$who.invitation"
        mejora join "$OWN/$who.invitation" --profile "$OWN/$who"
        mejora use inm/2023 --profile "$OWN/$who"
    done
}
teardown_file() { server_stop; }

ana() { mejora --profile "$OWN/ana" "$@"; }
luis() { mejora --profile "$OWN/luis" "$@"; }
version() { ana action show "$1" -o json | jq ".action.versions.$2"; }
percent() { ana action show "$1" -o json | jq .action.percent; }
last_conflict() { luis conflict list -o json | jq -r ".requests[-1] | $1"; }
on_tty() { # ANSWERS COMMAND…
    local line answers=$1
    shift
    printf -v line '%q ' "$@"
    printf '%s\n' "$answers" | TERM=xterm script -qec "stty cols 120; $line" /dev/null
}

@test "two people who change different groups of one action never conflict" {
    texts=$(version 3 text) dates=$(version 3 dates) owners=$(version 3 owners) reports=$(ana action show 3 -o json | jq '.action.versions.progress // 0')
    run -0 ana action edit 3 --indicator 'Acta de ana' --if-text-version "$texts"
    run -0 luis action edit 3 --start 2023-02-01 --if-dates-version "$dates"
    run -0 ana progress report 3 25 --if-version "$reports"
    run -0 luis action edit 3 --comment 'De luis' --if-text-version "$texts"
    run -0 luis action edit 3 --owner "$(ana unit list -o json | jq -r '.units[0].name')" --if-owners-version "$owners"
    ana action show 3 -o json | jq -e '.action | .indicator == "Acta de ana" and .start_date == "2023-02-01" and .percent == 25 and .comments[-1] == "De luis"'
    run -0 --separate-stderr luis conflict list
    [ "$stderr" = "No hay conflictos." ]
}

@test "evidence for what was reported conflicts with nothing, neither before nor after a report" {
    ana progress report 7 25
    run -0 luis progress evidence 7 'Acta de luis'
    [ "$output" = "inm/2023/7: evidencia de 25 % (versión 2)" ]
    run -0 ana progress report 7 50 --if-version 1 # nobody reported anything else since
    run -0 luis avance evidencia 7 'Foto de luis'
    ana progress history 7 -o json | jq -e '[.entries[] | [.percent, .evidence]] | sort == ([[25, null], [25, "Acta de luis"], [50, null], [50, "Foto de luis"]] | sort)'
    run -6 luis progress evidence 8 'Acta de nada'
    [[ $output == *percent* ]]
}

@test "a report that is too late, with nobody to ask: exit 5, and what was to be said is kept" {
    ana progress report 1 25 --evidence 'Base'
    ana progress report 1 50 --why 'De ana'
    run -5 luis progress report 1 75 --why 'De luis' --if-version 1
    [[ $output == *"Ana Peña"*"conflicto ver "* ]]
    [ "$(percent 1)" -eq 50 ]
    id=$(last_conflict .id)
    run -0 luis conflicto ver "${id:0:8}"
    [[ $output == *"Ana Peña"* ]]
    [[ $output == *"25 %"*"50 %"*"75 %"* ]]
    [[ $output == *"De ana"*"De luis"* ]]
    [ "$(last_conflict .choice)" = open ]
    [ "$(stat -c %a "$OWN/luis.d/conflict"/*)" = 600 ]
    run -0 luis conflict drop "$id"
    run -3 luis conflict show "$id"
}

@test "--theirs leaves it, --mine goes over it, and both keep what lost" {
    ana progress report 2 25
    ana progress report 2 50
    run -0 luis progress report 2 75 --why 'De luis' --if-version 1 --theirs
    [ "$(percent 2)" -eq 50 ]
    [ "$(last_conflict .choice)" = theirs ]
    last_conflict '.differences[] | select(.field == "why") | .mine' | grep -qx 'De luis'
    run -0 --separate-stderr luis progress report 2 75 --why 'De luis' --if-version 1 --mine -o json
    [ "$(jq .version <<<"$output")" -eq 3 ] # one document, of what was done
    [ "$(percent 2)" -eq 75 ]
    [ "$(last_conflict .choice)" = mine ]
    [ "$(ana progress history 2 -o json | jq '.entries | length')" -eq 3 ]
    run -2 luis progress report 2 75 --mine --theirs
}

@test "an edit that is too late: theirs field by field, and mine over it" {
    texts=$(version 4 text)
    ana action edit 4 --objective 'Objetivo de ana' --if-text-version "$texts"
    run -5 luis action edit 4 --objective 'Objetivo de luis' --indicator 'Acta de luis' --if-text-version "$texts"
    run -0 luis conflict show "$(last_conflict .id)"
    [[ $output == *Objetivo*"Objetivo de ana"*"Objetivo de luis"* ]]
    [[ $output == *"Acta de luis"* ]]
    run -0 luis action edit 4 --objective 'Objetivo de luis' --if-text-version "$texts" --mine
    [ "$(ana action show 4 -o json | jq -r .action.objective)" = 'Objetivo de luis' ]
    [ "$(last_conflict '.differences[0].theirs')" = 'Objetivo de ana' ]
}

@test "at a terminal the person is asked" {
    ana progress report 5 25
    ana progress report 5 50
    run -5 on_tty x mejora --profile "$OWN/luis" progress report 5 75 --if-version 1
    [[ $output == *"Lo suyo"*"Lo mío"*"25 %"*"50 %"*"75 %"*"[t/m/e]"* ]]
    [ "$(percent 5)" -eq 50 ]
    [ "$(last_conflict .choice)" = open ]
    run -0 on_tty t mejora --profile "$OWN/luis" progress report 5 75 --if-version 1
    [ "$(percent 5)" -eq 50 ]
    [ "$(last_conflict .choice)" = theirs ]
    run -0 on_tty m mejora --profile "$OWN/luis" progress report 5 75 --if-version 1
    [ "$(percent 5)" -eq 75 ]
    [ "$(last_conflict .choice)" = mine ]
    run -0 on_tty $'e\n100' mejora --profile "$OWN/luis" progress report 5 75 --evidence acta --if-version 1
    [ "$(percent 5)" -eq 100 ]
    [ "$(last_conflict .choice)" = edit ]
    texts=$(version 5 text)
    ana action edit 5 --objective 'De ana' --if-text-version "$texts"
    run -0 on_tty m mejora --profile "$OWN/luis" action edit 5 --objective 'De luis' --if-text-version "$texts"
    [[ $output == *"[t/m]"* ]]
    [ "$(ana action show 5 -o json | jq -r .action.objective)" = 'De luis' ]
}

@test "a third who is first again is a conflict again, not an overwrite" {
    fake() { mejora --profile "$FAKE/profile" "$@"; }
    load ../support/fake
    stale='{"outcome": "CONFLICT", "error": "version_stale", "error_args": ["inm/2023/1", "Ana"], "reply": {"ref": "inm/2023/1", "percent": 50, "version": '
    fake_start "{\"progress_report\": [${stale}2}}, ${stale}3}}, {\"reply\": {\"ref\": \"inm/2023/1\", \"percent\": 75, \"version\": 4}}]}"
    run -0 fake progress report 1 75 --if-version 1 --mine
    [ "$(fake_asked '[a["fields"]["if_version"] for a in asked if a["op"] == "progress_report"]')" = "[1, 2, 3]" ]
    [ "$(fake_asked 'len({a["id"] for a in asked if a["op"] == "progress_report"})')" -eq 3 ]
    fake_script "{\"progress_report\": [${stale}9}}]}"
    run -5 fake progress report 1 75 --if-version 1 --mine # and not for ever
    fake_stop
}
