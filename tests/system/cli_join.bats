#!/usr/bin/env bats
# Invitations and joining: no secret travels, nothing is lost when an answer is. The server is a fake one that does as told.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0
load ../support/fake

ME='"whoami": [{"reply": {"person": "ana", "institution": "inm", "roles": ["ROLE_RESPONSABLE"]}}]'
PLANS='"plan_list": [{"reply": {"current": "inm/2026"}}]'

setup() {
    fake_start "{\"person_invite\": [{\"reply\": {\"person\": \"ana\", \"institution\": \"inm\", \"expires_at\": \"1763640000000000\"}}],
                 \"join\": [{\"reply\": {\"person\": \"ana\"}}], $ME, $PLANS}"
    INVITATION=$FAKE/ana.invitation
    mejora person invite ana --file "$INVITATION"
    OWN=$FAKE/own/profile
    unset MEJORA_PROFILE
}
teardown() { fake_stop; }

value() { /usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2]))' "$@"; }
hex() { /usr/bin/python3 -c 'import sys, zmq.utils.z85 as z; print(z.decode(sys.argv[1].encode()).hex())' "$1"; }

@test "an invitation is for its reader alone, and its secret stays in it" {
    [ "$(stat -c %a "$INVITATION")" = 600 ]
    [ "$(value "$INVITATION" kind) $(value "$INVITATION" person) $(value "$INVITATION" expires_at)" = \
        "invitation ana 2025-11-20T12:00:00.000000Z" ]
    [ "$(fake_asked 'asked[-1]["fields"]["person"]')" = ana ]
    # base64 in protobuf's JSON
    [ "$(fake_asked '__import__("base64").b64decode(asked[-1]["fields"]["invitation_key"]).hex()')" = \
        "$(hex "$(value "$INVITATION" public_key)")" ]
    MEJORA_PROFILE=$FAKE/profile run -2 mejora person invite ana --file "$INVITATION" # another's file is not written over
}

@test "joining makes a key, registers it, burns the invitation and learns the current plan" {
    run -0 mejora join "$INVITATION" --profile "$OWN"
    [ ! -e "$INVITATION" ]
    [ "$(stat -c %a "$OWN")" = 600 ]
    [ "$(value "$OWN" institution)/$(value "$OWN" plan) $(value "$OWN" pending)" = "inm/2026 None" ]
    [ "$(fake_asked '__import__("base64").b64decode(next(a for a in asked if a["op"] == "join")["fields"]["public_key"]).hex()')" = \
        "$(hex "$(value "$OWN" public_key)")" ]
}

@test "short references follow the plan that is current, until one is chosen" {
    script() { # YEAR
        fake_script "{$ME, \"join\": [{}], \"plan_list\": [{\"reply\": {\"current\": \"inm/$1\"}}], \"action_show\": [{}], \"task_done\": [{}], \"status\": [{}]}"
        : >"$FAKE/requests.jsonl"
    }
    asked() { fake_asked '" ".join(a["op"] + ":" + a["ref"] for a in asked)'; }
    own() { mejora "$@" --profile "$OWN"; }
    own join "$INVITATION"
    script 2027 # the plan of 2026 was carried on
    run -0 --separate-stderr own action show 12
    [ "$(asked)" = "plan_list:inm action_show:inm/2027/12" ]
    [ "$stderr" = "Ahora 12 significa inm/2027/12." ]
    script 2027
    run -0 --separate-stderr own action show 12
    [ -z "$stderr" ]
    own action show 2025/3
    own status
    own task 'done' 12.1 --queue
    [ "$(asked)" = "plan_list:inm action_show:inm/2027/12 action_show:inm/2025/3 status:inm task_done:inm/2027/12.1" ]
    own use inm/2025
    script 2028
    own action show 12
    own status
    [ "$(asked)" = "action_show:inm/2025/12 status:inm/2025" ]
    own use inm
    script 2028
    own action show 12
    [ "$(asked)" = "plan_list:inm action_show:inm/2028/12" ]
}

@test "an answer that is lost does not lose the key" {
    fake_script "{\"join\": [{\"silent\": true}], $ME, $PLANS}"
    run -0 mejora join "$INVITATION" --profile "$OWN" --timeout 1
    [ ! -e "$INVITATION" ]
    [ "$(value "$OWN" pending)" = None ]
}

@test "a join cut off goes on with the same key" {
    fake_script '{"join": [{"silent": true}], "whoami": [{"silent": true}]}'
    run -8 mejora join "$INVITATION" --profile "$OWN" --timeout 1
    key=$(value "$OWN" public_key)
    [ "$(value "$OWN" pending)" = True ]
    [ -e "$INVITATION" ]
    fake_script "{\"join\": [{\"outcome\": \"DENIED\", \"error\": \"role_denied\", \"error_args\": [\"join\"]}], $ME, $PLANS}"
    run -0 mejora join "$INVITATION" --profile "$OWN"
    [ "$(value "$OWN" public_key) $(value "$OWN" pending)" = "$key None" ]
}

@test "an invitation that was used says so" {
    fake_script '{"join": [{"outcome": "DENIED", "error": "key_revoked"}], "whoami": [{"outcome": "DENIED", "error": "key_revoked"}]}'
    run -4 mejora join "$INVITATION" --profile "$OWN"
    [ -e "$INVITATION" ]
}

@test "nobody's profile is written over, and a profile is no invitation" {
    run -2 mejora join "$INVITATION" --profile "$FAKE/profile"
    run -2 mejora join "$FAKE/profile" --profile "$OWN"
    chmod 644 "$INVITATION"
    run -1 mejora join "$INVITATION" --profile "$OWN"
    [[ $output == *"chmod 600"* ]]
    [ ! -e "$OWN" ]
}
