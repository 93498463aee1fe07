#!/usr/bin/env bats
# compose.bats - the composition on a real engine: up, the main job from outside the containers, down, up, all is there.

setup_file() {
    load ../support/server
    load engine
    engine_start >"$BATS_FILE_TMPDIR/why" || { export NO_ENGINE=yes && return; }
    export COMPOSE_PROJECT_NAME=mejora-test-$$ MEJORA_PUBLISH=127.0.0.1: MEJORA_HINTS=127.0.0.1: WORK=$BATS_FILE_TMPDIR
    BASE=$(engine_base)
    export BASE
    # comes back when the server is healthy: the worker waits for it
    compose --profile demo up -d --build >"$WORK/up.log" 2>&1 || { tail -n 40 "$WORK/up.log" >&2 && return 1; }
}

teardown_file() {
    load ../support/server
    load engine
    [ -z "${COMPOSE_PROJECT_NAME:-}" ] || compose --profile demo down --volumes
    engine_stop
}

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    load ../support/server
    load engine
    if [ "${NO_ENGINE:-}" ]; then skip "$(<"$BATS_FILE_TMPDIR/why")"; fi
}

as() { # PERSON COMMAND... - mejora on this machine, with that person's profile
    local profile=$WORK/$1.profile
    shift
    mejora "$@" --profile "$profile"
}

inside() { # SERVICE COMMAND...
    compose exec -T "$@" </dev/null
}

# What an administrator does once: the profile out of the container, with the address this machine reaches it by.
fetch_admin() {
    (umask 077 && inside server cat state/admin.profile |
        jq --arg at "tcp://$(compose port server 7117)" '.endpoints = [$at]' >"$WORK/admin.profile")
}

@test "everything runs, nothing as root, and only the server can be reached" {
    for service in db server notify mail; do
        run inside $service id -u
        assert_output 7117
    done
    run docker ps --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --format '{{.Ports}}'
    assert_output --regexp '127\.0\.0\.1:[0-9]+->7117/tcp, 127\.0\.0\.1:[0-9]+->7118/tcp'
    assert_equal "$(grep -c -- '->' <<<"$output")" 1
}

@test "the main job from outside the containers" {
    fetch_admin
    as admin institution add inm "Instituto Nacional de Migración"
    run as admin plan import tests/data/plans/plan_2023.tsv --institution inm --yes -o json
    assert_success
    as admin policy set --institution inm --hour 0 --why "La prueba corre a cualquier hora"
    as admin decision resolve --all accept --institution inm
    as admin plan carry inm/2023 --year "$(date +%Y)" --why "Queda sin terminar"

    local plan unit ref
    plan=inm/$(date +%Y)
    ref=$(as admin action list --plan "$plan" -o json | jq -r '.actions[0].ref')
    unit=$(as admin action list --plan "$plan" -o json | jq -r '.actions[0].owners[0].unit')
    as admin person add ana "Ana Peña" --institution inm --email ana@inm.example --role responsable --unit "$unit"
    as admin person invite ana --institution inm --file "$WORK/ana.invitation"
    as ana join "$WORK/ana.invitation"
    as ana progress report "$ref" 50 --why "Primera jornada hecha"
    run as ana audit list
    assert_failure 4
    as admin audit list --institution inm --who ana --op progress_report -o json | jq -e --arg ref "$ref" '.entries[0].ref == $ref'
    echo "$ref" >"$WORK/ref"
}

@test "the worker's mail reaches the sink" {
    grep -q -m1 outcome=sent < <(timeout 120 docker logs -f "$(compose ps -q notify)" 2>&1)
    inside mail grep -rl '^To:.*ana@inm.example' mail/box/new
}

@test "down, up: everything is still there" {
    local ref before
    ref=$(<"$WORK/ref")
    before=$(as admin action show "$ref" -o json)
    compose --profile demo down
    run as admin server status --timeout 2
    assert_failure 7
    compose --profile demo up -d
    fetch_admin
    assert_equal "$(as admin action show "$ref" -o json)" "$before"
    as admin progress history "$ref" -o json | jq -e '.entries[] | select(.percent == 50)'
}
