#!/usr/bin/env bats
# Calendar, policy and pauses as a planner uses them, in Spanish, against a server.

bats_require_minimum_version 1.5.0
load ../support/server

setup_file() {
    server_start --now 2026-06-01T12:00:00Z
    export LANG=es_DO.UTF-8
    mejora institution add inm "Instituto"
    mejora person add ana Ana --role responsable --email ana@inm.example --institution inm
    mejora plan import "$BATS_TEST_DIRNAME/../data/plans/plan_2023.tsv" --institution inm --yes >/dev/null
    mejora use inm/2023
}
teardown_file() { server_stop; }

@test "holidays in the person's words; one is added and taken back" {
    run -0 mejora feriado listar --year 2026
    [[ $output == *"2026-11-09"*"Constitución"*"2026-11-06"* && $output == *"Viernes Santo"* ]]
    run -0 mejora feriado agregar 2026-12-24 Nochebuena
    [[ $output == *"de la institución"* ]]
    run -5 --separate-stderr mejora feriado agregar 2026-12-25 Navidad
    [[ $stderr == *"El 2026-12-25 ya es feriado"* ]] || false
    run -0 mejora feriado quitar 2026-12-24
    [ "$output" = "2026-12-24 (Nochebuena): quitado" ]
}

@test "the policy is shown, set for a plan, and given back" {
    run -0 mejora aviso política ver
    [[ $output == *"30,15,7,3,1,0"* && $output != *"Fijada para"* ]]
    run -0 mejora reminder policy set --before 15,5,0 --after-start "" --working-days sí --plan 2023 --why "Acordado"
    [[ $output == *"15,5,0"*"Fijada para"*"inm/2023"* ]]
    run -0 mejora policy show --plan 2023 -o json
    [ "$(jq -c .policy <<<"$output")" = '{"days_before":"15,5,0","days_after_start":"","overdue_every":7,"hour":8,"working_days":true,"set_for":"inm/2023","escalation":"deputy:5,manager:10,planner:15,authority:20","silent_weeks":0,"asks":"report,evidence"}' ]
    run -0 mejora reminder policy set --reset --plan 2023
    [[ $output == *"30,15,7,3,1,0"* && $output != *"Fijada para"* ]]
    run -0 mejora audit list --op reminder_policy_set -o json
    [ "$(jq -r '.entries[-1].why, (.entries[-1].before_json, .entries[-1].after_json | fromjson.days_before)' <<<"$output" | paste -sd ' ')" = \
        "Acordado 30,15,7,3,1,0 15,5,0" ]
}

@test "a pause is seen wherever reminders are" {
    run -0 mejora aviso pausar --plan 2023 --why "Vacaciones colectivas"
    run -0 mejora aviso listar
    [[ $output == *"En pausa: no sale nada"*"inm/2023"*"Vacaciones colectivas"* ]]
    run -0 mejora aviso reanudar --plan 2023
    run -0 mejora aviso listar
    [[ $output != *"En pausa"* ]]
}

@test "what will go out, and why something did or did not" {
    mejora action edit 5 --start 2026-01-01 --end 2026-06-15 --owner rrhh --why "Prueba" >/dev/null
    mejora person add luz Luz --role responsable --email luz@inm.example --unit rrhh --institution inm >/dev/null
    run -0 mejora aviso simular --until 2026-06-15 -o json
    [ "$(jq -r '.mails[] | select(.refs | index("inm/2023/5")) | .date + " " + .person' <<<"$output" | paste -sd ' ')" = \
        "2026-06-01 luz 2026-06-08 luz 2026-06-12 luz 2026-06-14 luz 2026-06-15 luz" ]
    run -0 mejora aviso simular --until 2026-06-15
    [[ $output == *"2026-06-08"*"luz@inm.example"*"7 días antes del fin: inm/2023/5"* ]] || false
    [[ $output == *"2026-06-15"*"luz@inm.example"*"el día del fin: inm/2023/5"* ]] || false
    run -0 mejora aviso explicar 5
    [[ $output == *"Sale el 2026-06-15, desde las 8:00."* && $output == *"30,15,7,3,1,0"* ]] || false
    [[ $output == *"el día del fin"* && $output == *"suplente:5,superior:10,planificación:15,autoridad:20"* ]] || false
    mejora progress report 5 100 --evidence Acta
    run -0 mejora reminder explain 5
    [[ $output == *"inm/2023/5 está terminada"* ]]
    run -6 --separate-stderr mejora aviso simular --until 2028-01-01
}
