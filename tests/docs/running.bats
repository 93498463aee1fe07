#!/usr/bin/env bats
# The backup and the restore of docs/running.md, as they stand there, with other directories.

load ../support/server

blocks() { # NAME - the page's commands of that name, for this test's directories
    awk -v name="$1" '/^```$/ { on = 0 } on; $0 == "```sh " name { on = 1 }' docs/running.md |
        sed "s,/var/lib/mejora,$SERVER_DIR/data,g; s,/backup,$BATS_TEST_TMPDIR,g" | grep .
}

@test "what was backed up is there after a restore on a new machine, and people's profiles still work" {
    local profile=$BATS_TEST_TMPDIR/people/admin.profile before
    server_start
    mejora institution add inm "Instituto Nacional de Migración"
    mejora plan import tests/data/plans/plan_2023.tsv --institution inm --yes
    mejora call progress_report inm/2023/12 percent=75 why="Acta firmada"
    before=$(mejora audit list --institution inm --op progress_report -o json)
    blocks backup | bash -euo pipefail
    mkdir "$BATS_TEST_TMPDIR/people" && cp -p "$MEJORA_PROFILE" "$profile"
    server_stop

    server_start
    kill -TERM "$SERVER_PID" && process_wait "$SERVER_PID"
    blocks keys | bash -euo pipefail
    server_run
    blocks restore | bash -euo pipefail
    kill -TERM "$SERVER_PID" && process_wait "$SERVER_PID"
    server_run
    # the new machine has another port; in the field the name stays
    jq --slurpfile now "$MEJORA_PROFILE" '.endpoints = $now[0].endpoints' "$profile" >"$profile.here" && chmod 0600 "$profile.here"
    [ "$(mejora --profile "$profile.here" audit list --institution inm --op progress_report -o json)" = "$before" ]
    [ "$(mejora --profile "$profile.here" action show inm/2023/12 -o json | jq .action.percent)" = 75 ]
    server_stop
}
