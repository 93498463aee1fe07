#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr comes from run --separate-stderr
# The worker between a server and a relay that do as told: what it sends, what it says became of it, and how it ends.
bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load ../support/fake
load ../support/relay

MAIL='{"mail": 7, "token": 1, "message_id": "<mail.7@inm.mejora>", "address": "ana@example.do", "name": "Ana Peña",
       "institution": "inm", "institution_name": "Instituto Nacional de Migración", "today": "2026-11-25",
       "items": [{"ref": "inm/2026/12", "action": "Señalizar la sede", "end_date": "2026-11-30", "days_left": 5}]}'
OTHER=${MAIL//7/8}

setup() {
    relay_start
}

teardown() {
    [ -z "${WORKER_PID:-}" ] || kill -KILL "$WORKER_PID" 2>/dev/null || :
    fake_stop
    relay_stop
}

server_gives() { # MAILS [ANSWERS-TO-REPORTS] - and then nothing more
    fake_start '{"reminder_lease": [{"reply": {"mails": ['"$1"']}}, {}], "reminder_check": [{}], "reminder_report": ['"${2:-"{}"}"']}'
}

once() { # [OPTION...]
    run --separate-stderr mejora-notify --once --lang es --smtp "$RELAY" --from 'Plan de mejora <plan@example.do>' "$@"
}

worker_start() { # [OPTION...]
    mejora-notify --lang es --smtp "$RELAY" --from plan@example.do "$@" 2>"$RELAY_DIR/log" 3>&- &
    WORKER_PID=$!
}

worker_ends() { # STATUS
    local status=0
    wait "$WORKER_PID" || status=$?
    WORKER_PID=
    assert_equal "$status" "$1"
}

log_has() { # PATTERN - waits for it
    grep -q -m1 "$1" < <(timeout 60 tail -n +1 -f "$RELAY_DIR/log" 2>/dev/null)
}

reported() { # the fields of every report
    fake_asked '[r["fields"] for r in asked if r["op"] == "reminder_report"]'
}

@test "what is due goes out, one mail to one person, and is reported" {
    server_gives "$MAIL, $OTHER"
    once --workers-name uno
    assert_success
    assert_equal "$(relay_mails)" 2
    assert_equal "$(grep -c '"kept".*"sender": "plan@example.do", "to": \["ana@example.do"\]' "$RELAY_DIR/events")" 2
    run relay_open 1
    assert_success
    assert_line 'From: Plan de mejora <plan@example.do>'
    assert_line 'To: Ana Peña <ana@example.do>'
    assert_line 'Subject: Plan de mejora: 1 acción por vencer, en 5 días'
    assert_line 'Message-Id: <mail.7@inm.mejora>'
    assert_line '  Vence: 30 de noviembre de 2026, en 5 días'
    assert_equal "$(reported)" "[{'mail': '7', 'token': 1, 'result': 'MAIL_OUTCOME_SENT', 'smtp_code': 250, 'smtp_text': '250 2.0.0 kept', 'leaving': '8', 'leaving_token': 1}, {'mail': '8', 'token': 1, 'result': 'MAIL_OUTCOME_SENT', 'smtp_code': 250, 'smtp_text': '250 2.0.0 kept'}]"
}

@test "what is no longer true when the one before it is reported does not leave" {
    fake_start '{"reminder_lease": [{"reply": {"mails": ['"$MAIL, $OTHER"']}}, {}], "reminder_report": [{"reply": {"leaving_error": "mail_stale"}}],
                 "reminder_check": [{}, {"outcome": "CONFLICT", "error": "mail_stale", "error_args": ["8", "inm/2026/12"]}]}'
    once
    assert_success
    assert_equal "$(relay_mails)" 1
    assert_equal "$(reported | grep -o "'mail': '.'\|MAIL_OUTCOME_[A-Z]*" | xargs)" "mail: 7 MAIL_OUTCOME_SENT mail: 8 MAIL_OUTCOME_LATER"
}

@test "the log has a line for each mail, and nobody's address or words" {
    server_gives "$MAIL"
    once --workers-name uno
    [[ $stderr =~ "worker=uno mail=7 token=1 outcome=sent code=250 ms=" ]]
    [[ ! $stderr =~ ana|Ana|example|Señal ]]
}

@test "nothing due: no mail, and a good end" {
    server_gives ''
    once
    assert_success
    assert_equal "$(relay_mails)" 0
    assert_equal "$(reported)" '[]'
}

@test "a refused recipient is reported as never, with the relay's words; the next mail goes out" {
    server_gives "$MAIL, $OTHER"
    relay_plan 'rcpt 550 1'
    once
    assert_success
    assert_equal "$(relay_mails)" 1
    assert_equal "$(fake_asked '[(r["fields"]["mail"], r["fields"]["result"], r["fields"]["smtp_code"]) for r in asked if "report" in r["op"]]')" \
        "[('7', 'MAIL_OUTCOME_NEVER', 550), ('8', 'MAIL_OUTCOME_SENT', 250)]"
}

@test "a mail that cannot be composed never reaches the relay" {
    server_gives "${MAIL/ana@example.do/ana@example.do\\r\\nRCPT TO:<x@example.com>}"
    once
    assert_success
    assert_equal "$(cat "$RELAY_DIR/events")" ''
    assert_equal "$(reported)" "[{'mail': '7', 'token': 1, 'result': 'MAIL_OUTCOME_NEVER', 'smtp_text': 'bad_address', 'address_refused': True}]"
}

@test "cut after the dot: unknown" {
    server_gives "$MAIL"
    relay_plan 'dot keep-drop 1'
    once
    assert_success
    assert_equal "$(reported)" "[{'mail': '7', 'token': 1, 'result': 'MAIL_OUTCOME_UNKNOWN'}]"
}

@test "a relay that takes nothing: one mail is tried, the rest is left, and a person is told" {
    server_gives "$MAIL, $OTHER"
    relay_plan 'connect 421'
    once
    assert_failure 1
    [[ $stderr =~ "no recibe correo en este momento" ]]
    assert_equal "$(reported)" "[{'mail': '7', 'token': 1, 'result': 'MAIL_OUTCOME_LATER', 'smtp_code': 421, 'smtp_text': '421 4.0.0 as planned'}]"
}

@test "the person's language, not the worker's" {
    server_gives "${MAIL/\"token\"/\"language\": \"en\", \"token\"}, $OTHER"
    once
    run relay_open 1
    assert_line 'Subject: Improvement plan: 1 action due, in 5 days'
    run relay_open 2
    assert_line 'Subject: Plan de mejora: 1 acción por vencer, en 5 días'
}

@test "no server: exit 7" {
    server_gives "$MAIL"
    kill "$FAKE_PID"
    wait "$FAKE_PID" || :
    once
    assert_failure 7
    [[ $stderr =~ "no se puede alcanzar el servidor" ]]
}

@test "a key that the server does not know: exit 4" {
    server_gives "$MAIL"
    once --profile "$FAKE/stranger.profile"
    assert_failure 4
    [[ $stderr =~ "rol notifier" ]]
}

@test "a role that may not: exit 4, without --once too" {
    fake_start '{"reminder_lease": [{"outcome": "DENIED", "error": "role_denied"}]}'
    worker_start
    worker_ends 4
}

@test "a report is repeated with its request id until the server has heard it" {
    server_gives "$MAIL" '{"outcome": "BUSY"}, {"outcome": "UNAVAILABLE"}, {}'
    once
    assert_success
    assert_equal "$(fake_asked 'len([r for r in asked if "report" in r["op"]]), len({r["id"] for r in asked if "report" in r["op"]})')" '(3, 1)'
}

@test "SIGTERM: the mail in hand is finished and reported, the next is left" {
    server_gives "$MAIL, $OTHER"
    mkfifo "$RELAY_DIR/go"
    relay_plan 'rcpt pause 1'
    worker_start
    exec 4>"$RELAY_DIR/go" # opens when the relay waits
    kill -TERM "$WORKER_PID"
    exec 4>&-
    worker_ends 0
    assert_equal "$(relay_mails)" 1
    assert_equal "$(fake_asked '[r["fields"]["mail"] for r in asked if "report" in r["op"]]')" "['7']"
}

@test "SIGTERM while nothing is due: it ends at once" {
    server_gives ''
    worker_start --interval 86400
    log_has started
    kill -TERM "$WORKER_PID"
    worker_ends 0
}

@test "a long queue shows how far it is, on a terminal" {
    fake_start '{"reminder_lease": [{"reply": {"mails": ['"$MAIL, $OTHER"']}}, {}], "reminder_check": [{}], "reminder_report": [{}],
                 "server_status": [{"reply": {"reminders_pending": 9}}]}'
    run on_terminal mejora-notify --once --lang es --smtp "$RELAY" --from plan@example.do
    assert_success
    assert_output --partial '2 enviados, 0 para después, 0 imposibles, 0 en duda; 9 avisos en espera'
    refute_output --partial 'worker='
}

certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$FAKE/tls.key" -out "$FAKE/tls.pem" 2>"$FAKE/errors"
}

@test "credentials and TLS: the right ones are let in, wrong ones wait" {
    server_gives "$MAIL"
    certificate
    relay_stop
    relay_start --tls "$FAKE/tls.pem" "$FAKE/tls.key" --smtps --auth mejora:secreto
    RELAY=smtps${RELAY#smtp}
    (umask 077 && printf 'mejora\nequivocado\n' >"$FAKE/credentials")
    once --smtp-ca "$FAKE/tls.pem" --smtp-credentials "$FAKE/credentials"
    assert_failure 1
    assert_equal "$(fake_asked '[r["fields"]["result"] for r in asked if "report" in r["op"]]')" "['MAIL_OUTCOME_LATER']"
    [[ ! $stderr =~ equivocado ]]
    fake_stop
    server_gives "$MAIL"
    (umask 077 && printf 'mejora\nsecreto\n' >"$FAKE/credentials")
    certificate
    relay_stop
    relay_start --tls "$FAKE/tls.pem" "$FAKE/tls.key" --smtps --auth mejora:secreto
    RELAY=smtps${RELAY#smtp}
    once --smtp-ca "$FAKE/tls.pem" --smtp-credentials "$FAKE/credentials"
    assert_success
    assert_equal "$(relay_mails)" 1
}

@test "what systemd hands over is taken as it is" {
    server_gives "$MAIL"
    certificate
    relay_stop
    relay_start --tls "$FAKE/tls.pem" "$FAKE/tls.key" --smtps --auth mejora:secreto
    RELAY=smtps${RELAY#smtp}
    mkdir "$FAKE/given"
    printf 'mejora\nsecreto\n' >"$FAKE/given/smtp"
    chmod 440 "$FAKE/given/smtp"
    CREDENTIALS_DIRECTORY=$FAKE/given once --smtp-ca "$FAKE/tls.pem" --smtp-credentials "$FAKE/given/smtp"
    assert_success
    assert_equal "$(relay_mails)" 1
}

@test "a test mail: every step is told, and at the one that fails what to look at" {
    server_gives ''
    run mejora reminder test ana@example.do --smtp "$RELAY" --lang es
    assert_success
    assert_line '✓ el servidor de correo recibió el correo'
    run relay_open 1
    assert_line 'Subject: Mejora: prueba del correo de recordatorios'
    while IFS='|' read -r plan words options; do
        relay_plan "$plan"
        # shellcheck disable=SC2086 # a list of words
        run mejora-notify --lang es --test ana@example.do --from plan@example.do $options
        [ "$status" = 1 ] || fail "$plan $options: $status"
        [[ $output == *"✖ $words"* ]] || fail "$plan $options: $output"
        [[ $output != *"✖"*"✓"* ]] || fail "$plan $options: $output"
    done <<-END
	|el nombre del servidor de correo tiene|--smtp smtp://no-such-relay.invalid
	|el servidor de correo acepta la conexión|--smtp smtp://127.0.0.1:1
	|la conexión está cifrada|--smtp smtps${RELAY#smtp}
	connect 554|el servidor de correo saluda|--smtp $RELAY
	mail 550|el servidor de correo recibe correo de este remitente|--smtp $RELAY
	mail 530|el servidor de correo recibe correo de este remitente|--smtp $RELAY
	rcpt 550|el servidor de correo recibe correo para esta dirección|--smtp $RELAY
	data 451|el servidor de correo pide el texto|--smtp $RELAY
	dot drop|el servidor de correo recibió el correo|--smtp $RELAY
	END
    certificate
    relay_stop
    relay_start --tls "$FAKE/tls.pem" "$FAKE/tls.key" --smtps --auth mejora:secreto
    RELAY=smtps${RELAY#smtp}
    run mejora-notify --lang es --test ana@example.do --from plan@example.do --smtp "$RELAY"
    assert_line --partial '✖ la conexión está cifrada'
    (umask 077 && printf 'mejora\nequivocado\n' >"$FAKE/credentials")
    run mejora-notify --lang es --test ana@example.do --from plan@example.do --smtp "$RELAY" --smtp-ca "$FAKE/tls.pem" --smtp-credentials "$FAKE/credentials"
    assert_line --partial '✖ el servidor de correo conoce al usuario'
    run mejora-notify --lang es --test 'ana' --from plan@example.do --smtp "$RELAY"
    assert_failure 1
    assert_output --partial 'ana no es una dirección de correo'
}

@test "what is asked wrongly is said, with what would be right" {
    server_gives ''
    printf 'a\nb\n' >"$FAKE/open"
    chmod 644 "$FAKE/open"
    while IFS='|' read -r expected words options; do
        # shellcheck disable=SC2086 # a list of words
        run --separate-stderr mejora-notify --lang es $options
        [ "$status" = "$expected" ] && [[ $stderr == *"$words"* ]] || fail "$options: $status, $stderr"
    done <<-END
	2|hacen falta --smtp y --from|--once
	2|no existe la opción --onc|--onc
	2|no existe la opción x|x
	2|necesita un valor|--smtp smtp://localhost --from
	2|no es un servidor de correo|--smtp http://localhost --from a@b.do
	2|exactamente una|--smtp smtp://localhost --from a@b.do,c@d.do
	2|de 1 a 86400, no 0|--smtp smtp://localhost --from a@b.do --interval 0
	2|de 15 a 3600, no 7x|--smtp smtp://localhost --from a@b.do --lease 7x
	2|enviaría la contraseña sin cifrar|--smtp smtp://relay.example.do --from a@b.do --insecure-plain --smtp-credentials $FAKE/open
	1|chmod 600 $FAKE/open|--smtp smtp://localhost --from a@b.do --smtp-credentials $FAKE/open
	END
}

@test "help explains every option in both languages" {
    run mejora-notify --help --lang es
    assert_success
    assert_output --partial '--insecure-plain'
    assert_output --partial 'sin cifrado: cualquiera en el camino'
    run mejora-notify --help --lang en
    assert_output --partial 'no encryption: anybody on the way'
}
