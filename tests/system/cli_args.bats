#!/usr/bin/env bats
# What is typed, and the request that becomes of it. The server is a fake one that only listens.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0
load ../support/fake
setup() { fake_start '{"whoami": [{}], "due": [{}], "status": [{}], "action_list": [{}], "action_show": [{}], "action_edit": [{}],
    "progress_report": [{}], "task_done": [{}], "task_list": [{}], "audit_list": [{}], "plan_show": [{}], "plan_carry": [{}],
    "plan_list": [{}], "reminder_snooze": [{}], "person_add": [{}], "unit_add": [{}], "key_revoke": [{}], "decision_list": [{}], "reminder_list": [{}],
    "reminder_report": [{}], "decision_resolve": [{"reply": {"decision": {"decision": "3"}}}]}'; }
teardown() { fake_stop; }

# The last request: operation, reference, fields.
asked() { fake_asked 'asked[-1]["op"] + " " + asked[-1]["ref"] + " " + json.dumps(asked[-1]["fields"], ensure_ascii=False)'; }

@test "references: whole, with the profile's institution, with its plan" {
    while IFS='|' read -r typed ref; do
        run -0 mejora action show "$typed"
        echo "# $typed: $(asked)" && [ "$(asked)" = "action_show $ref {}" ]
    done <<'END'
12|inm/2023/12
2024/7|inm/2024/7
oai/2024/7|oai/2024/7
END
    mejora task 'done' 12.3
    [ "$(asked)" = "task_done inm/2023/12.3 {}" ]
    mejora plan show 2024
    [ "$(asked)" = "plan_show inm/2024 {}" ]
    mejora status
    [ "$(asked)" = "status inm/2023 {}" ]
    mejora status oai/2024
    [ "$(asked)" = "status oai/2024 {}" ]
    mejora status --institution oai
    [ "$(asked)" = "status oai {}" ]
    mejora due --within 15d
    [ "$(asked)" = 'due inm {"within_days": 15}' ]
    mejora action list --plan 2024
    [ "$(asked)" = "action_list inm/2024 {}" ]
    mejora audit list --ref 12
    [[ "$(asked)" == "audit_list inm/2023/12 "* ]]
    run -6 mejora call action_show INM/2023/12
    [[ $output == *"no es una referencia"* ]]
}

@test "fields by their type, repeated ones as often as they are said" {
    mejora progress report 12 75 --why "Acta firmada" --if-version=3
    [ "$(asked)" = 'progress_report inm/2023/12 {"percent": 75, "why": "Acta firmada", "if_version": 3}' ]
    mejora person add ana "Ana Peña" --email a@b.do --role responsable --role auditor --unit rrhh --unit dtic
    [ "$(asked)" = 'person_add inm {"code": "ana", "name": "Ana Peña", "email": "a@b.do", "roles": ["ROLE_RESPONSABLE", "ROLE_AUDITOR"], "units": ["rrhh", "dtic"]}' ]
    mejora action list --state vencida --mine
    [ "$(asked)" = 'action_list inm/2023 {"state": "STATE_OVERDUE", "mine": true}' ]
    mejora action edit 12 --end T3-2023 --start 2023-02-01 --action uno --action -dos --owner rrhh --why x
    [ "$(asked)" = 'action_edit inm/2023/12 {"actions": ["uno", "-dos"], "start_date": "2023-02-01", "end_date": "2023-09-30", "end_period": "T3-2023", "owners": ["rrhh"], "why": "x"}' ]
    mejora plan carry 2023 --year 2026 --start T4-2026
    [ "$(asked)" = 'plan_carry inm/2023 {"year": 2026, "start_date": "2026-10-01"}' ]
    mejora action edit 12 --end 30/9/2026 --comment x
    [ "$(asked)" = 'action_edit inm/2023/12 {"comments": ["x"], "end_date": "2026-09-30"}' ]
    mejora reminder snooze 12 --until 05/03/2027
    [ "$(asked)" = 'reminder_snooze inm/2023/12 {"until": "2027-03-05"}' ]
    mejora unit add -- --raro
    [ "$(asked)" = 'unit_add inm {"name": "--raro"}' ]
}

@test "dates as people say them; today is the institution's" {
    fake_script '{"due": [{"reply": {"today": "2024-03-01"}}], "audit_list": [{}]}'
    mejora audit list --since ayer --until today --outcome refused --limit 7
    [ "$(asked)" = 'audit_list inm {"since": "2024-02-29", "until": "2024-03-01", "result": "AUDIT_OUTCOME_REFUSED", "page_size": 7}' ]
    mejora audit list --since 7d
    [[ "$(asked)" == *'"since": "2024-02-23"'* ]]
    mejora audit list --since 2023-01-31
    [[ "$(asked)" == *'"since": "2023-01-31"'* ]]
    run -2 mejora audit list --since 2023-02-30
}

@test "Spanish words for every command" {
    while IFS='|' read -r spanish op; do
        read -r -a words <<<"$spanish"
        run mejora "${words[@]}"
        [ "$status" -eq 0 ]
        echo "# $spanish: $(asked)" && [[ "$(asked)" == "$op "* ]]
    done <<'END'
quien-soy|whoami
estado|status
tablero|status
vence|due
vencimientos|due
acción listar|action_list
accion mostrar 3|action_show
avance reportar 3 50|progress_report
tarea hecha 3.1|task_done
auditoría listar|audit_list
plan trasladar 2023 --year 2026|plan_carry
clave revocar 3 --why x|key_revoke
decisión listar|decision_list
decisión resolver 3 aceptar|decision_resolve
aviso listar|reminder_list
llamar whoami|whoami
END
}

@test "any operation by its fields" {
    mejora call reminder_report mail=7 token=2 result=never smtp_code=550 >/dev/null
    [ "$(asked)" = 'reminder_report  {"mail": "7", "token": 2, "result": "MAIL_OUTCOME_NEVER", "smtp_code": 550}' ]
    mejora call action_edit 12 owners=rrhh owners=dtic why=a=b >/dev/null
    [ "$(asked)" = 'action_edit inm/2023/12 {"owners": ["rrhh", "dtic"], "why": "a=b"}' ]
    run -2 mejora call nothing_such
    [[ $output == *"call --list"* || $output == *"llamar --list"* ]]
    run -2 mejora call whoami x=1
    run -2 mejora call due within_days=soon
    run -6 mejora call reminder_report mail=7 result=maybe
    [[ $output == *"sent, later, never, unknown"* ]]
}

@test "wrong usage is exit 2, names the place, and asks nobody" {
    while read -r -a words; do
        run mejora "${words[@]}"
        echo "# ${words[*]}: $status $output" && [ "$status" -eq 2 ]
    done <<'END'
progress report
progress report 12
progress report 12 mucho
progress report 12 75 76
progress report 12 75 --wh x
progress report 12 75 --why
progress report 12 75 --if-version
action list --mine=yes
action list --stat overdue
action annul 12
due --within soon
whoami -o yaml
whoami --timeout never
decision resolve 3
decision resolve --all perhaps
completion tcsh
plan carry 2023 --year 2026 --start spring
END
    [ ! -s "$FAKE/requests.jsonl" ]
    run -2 mejora progress report 12 mucho
    [[ $output == *"PORCENTAJE no admite «mucho». Se admite: 0, 25, 50, 75, 100."* ]]
}

@test "which version" {
    run -0 --separate-stderr mejora --version
    [[ $output =~ ^mejora\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    [ "$(mejorad --version)" = "mejorad ${output#mejora }" ]
}

@test "did you mean" {
    run -2 mejora progres report
    [[ $output == *"mejora avance reportar"* ]]
    run -2 mejora acion listar
    [[ $output == *"mejora acción listar"* ]]
    run -2 mejora --lang en plan inport
    [[ $output == *"mejora plan import"* ]]
    run -2 mejora plan
    [[ $output == *"mejora plan trasladar"* ]]
    run -2 mejora $'\e]0;x\a'
    [[ $output != *$'\e'* ]]
}

@test "a profile that others can read is refused with what to type" {
    chmod 640 "$FAKE/profile"
    run -4 mejora whoami
    [[ $output == *"chmod 600 $FAKE/profile"* ]]
    chmod 600 "$FAKE/profile"
    echo '{' >"$FAKE/broken" && chmod 600 "$FAKE/broken"
    run -4 mejora --profile "$FAKE/broken" whoami
    [[ $output == *"JSON"* ]]
    run -4 mejora --profile "$FAKE/none" whoami
    [[ $output == *"unirse"* ]]
}

@test "the profile: option, then MEJORA_PROFILE, then XDG_CONFIG_HOME" {
    mkdir -p "$FAKE/xdg/mejora" && cp "$FAKE/profile" "$FAKE/xdg/mejora/profile"
    XDG_CONFIG_HOME=$FAKE/xdg run -0 env -u MEJORA_PROFILE mejora whoami
    MEJORA_PROFILE=$FAKE/none run -4 mejora whoami
    MEJORA_PROFILE=$FAKE/none run -0 mejora --profile "$FAKE/profile" whoami
}

@test "use sets what short references mean" {
    mejora use oai/2026
    mejora action show 3
    [ "$(asked)" = "action_show oai/2026/3 {}" ]
    mejora use 2027
    mejora action show 3
    [ "$(asked)" = "action_show oai/2027/3 {}" ]
    mejora usar inm
    run -2 mejora status --plan 3000 || run -6 mejora status --plan 3000
    run -2 mejora action list
    [[ $output == *"mejora usar inm"* ]]
    [ "$(stat -c %a "$FAKE/profile")" = 600 ]
}

@test "completion offers nouns, verbs, options and the plan's actions" {
    fake_script '{"action_list": [{"reply": {"actions": [{"item_no": 12, "objective": "Capacitar"}]}}]}'
    run -0 mejora __complete pl
    [[ $output == plan* ]]
    run -0 mejora __complete plan ''
    [[ $output == *carry* && $output == *import* ]]
    run -0 mejora __complete avance reportar 12 75 --i
    [[ $output == --if-version* ]]
    run -0 mejora __complete progress report ''
    [ "$output" = $'12\tCapacitar' ]
    for shell in bash zsh fish; do
        run -0 mejora completion "$shell"
        [[ $output == *"mejora __complete"* ]]
    done
    bash -n <(mejora completion bash)
}
