/* What a reminder looks like to whoever opens it: every mail here is read back by Python's mail parser. */
#include "client/mail/compose.h"
#include "client/mail/digest.h"
#include "common/message.h"
#include "tests/support/child.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char catalogues[512];
static const struct compose_settings settings = {
    .from = "Plan de mejora, Migración <plan@example.do>",
    .checkpoint = "mejora.test/log\n7\nAAAA\n\n— mejora.test/log BBBB\n",
    .now = 1795000000,
};

/* An action that ends in so many days, alone in a mail; tests change what they are about. */
static struct sample {
    Mejora__Mail mail;
    Mejora__MailItem item, *items[1];
} sample;

static struct sample *sample_due(int days)
{
    mejora__mail__init(&sample.mail);
    mejora__mail_item__init(&sample.item);
    sample.item.ref = (char *)"inm/2026/12";
    sample.item.action = (char *)"Elaborar el plan de señalización";
    sample.item.end_date = (char *)"2026-11-30";
    sample.item.has_days_left = 1;
    sample.item.days_left = days;
    sample.items[0] = &sample.item;
    sample.mail.message_id = (char *)"7.1@mejora.inm";
    sample.mail.address = (char *)"altagracia@example.do";
    sample.mail.name = (char *)"Altagracia Peña Núñez";
    sample.mail.institution = (char *)"inm";
    sample.mail.institution_name = (char *)"Instituto Nacional de Migración";
    sample.mail.items = sample.items;
    sample.mail.n_items = 1;
    return &sample;
}

static void set_percent(Mejora__MailItem *item, int percent)
{
    item->has_percent = 1;
    item->percent = percent;
}

/* The mail, or its part, as mail_open.py shows it. The caller frees it. */
static char *open_mail(const char *mail, const char *part)
{
    char path[] = "/tmp/compose_test.XXXXXX", *ret = NULL;
    size_t size = 0;
    int fd = mkstemp(path), out;
    assert_int_equal(write(fd, mail, strlen(mail)), strlen(mail));
    close(fd);
    pid_t pid = child_start((const char *[]){"/usr/bin/python3", "tests/support/mail_open.py", path, part, NULL}, &out);
    FILE *f = fdopen(out, "r");
    if (getdelim(&ret, &size, '\0', f) < 0)
        *ret = '\0'; /* there is no such part */
    fclose(f);
    assert_int_equal(child_wait(pid), 0);
    unlink(path);
    return ret;
}

static char *shown_part(const Mejora__Mail *mail, const char *part)
{
    enum compose_fault fault;
    message_language(digest_language(mail), catalogues);
    char *text = compose_mail(mail, &settings, &fault);
    assert_int_equal(fault, COMPOSE_OK);
    char *ret = open_mail(text, part);
    free(text);
    return ret;
}

static char *shown(const Mejora__Mail *mail)
{
    return shown_part(mail, NULL);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void mail_has_its_headers(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "To: Altagracia Peña Núñez <altagracia@example.do>\n",
        "From: \"Plan de mejora, Migración\" <plan@example.do>\n",
        "Subject: Plan de mejora: 1 acción por vencer, en 9 días\n",
        "Message-Id: <7.1@mejora.inm>\n",
        "Date: Wed, 18 Nov 2026 11:06:40 +0000\n",
        "Auto-Submitted: auto-generated\n",
        "Precedence: bulk\n",
        "X-Auto-Response-Suppress: All\n",
        "List-Id: <reminders.inm.mejora>\n",
        "List-Post: NO\n",
        "Content-Language: es\n",
        "encoding: quoted-printable utf-8\n",
    };
    char *text = shown(&sample_due(9)->mail);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_has(text, lines[i]);
    free(text);
}

static void text_says_everything_in_spanish(void **state)
{
    (void)state;
    char *tasks[] = {(char *)"Uno", (char *)"Dos", (char *)"Tres", (char *)"Cuatro", (char *)"Cinco"};
    struct sample *s = sample_due(9);
    set_percent(&s->item, 50);
    s->item.indicator = (char *)"Informe de señalización";
    s->item.unit = (char *)"Planificación";
    s->item.open_tasks = tasks;
    s->item.n_open_tasks = 5;
    char *text = shown(&s->mail);
    assert_has(text, "\n\nHola, Altagracia Peña Núñez:\n\n"
                     "Plan de mejora, Instituto Nacional de Migración: 1 acción espera su reporte.\n\n"
                     "inm/2026/12 — Elaborar el plan de señalización\n"
                     "  Vence: 30 de noviembre de 2026, en 9 días\n"
                     "  Avance: 50 %\n"
                     "  Evidencia que cuenta: Informe de señalización\n"
                     "  Unidad: Planificación\n"
                     "  Tareas pendientes:\n    - Uno\n    - Dos\n    - Tres\n    - y 2 más\n"
                     "  Para responder, con lo que hoy es cierto:\n"
                     "    mejora avance reportar inm/2026/12 75 --why \"…\"\n"
                     "  Para verla completa:\n    mejora acción mostrar inm/2026/12\n");
    free(text);
}

static void text_says_everything_in_english(void **state)
{
    (void)state;
    struct sample *s = sample_due(1);
    s->mail.language = (char *)"en";
    set_percent(&s->item, 75);
    char *text = shown(&s->mail);
    assert_has(text, "Subject: Improvement plan: 1 action due, tomorrow\n");
    assert_has(text, "Content-Language: en\n");
    assert_has(text, "  Ends: 30 November 2026, tomorrow\n  Progress: 75 %\n");
    assert_has(text, "    mejora progress report inm/2026/12 100 --evidence \"…\"\n");
    free(text);
}

static void subject_says_how_many_and_how_soon(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        int days[3];
        const char *subject;
    } rows[] = {
        {3, {30, 5, 7}, "Plan de mejora: 3 acciones por vencer, la primera en 5 días"},
        {1, {0}, "Plan de mejora: 1 acción por vencer, hoy"},
        {2, {1, 3}, "Plan de mejora: 2 acciones por vencer, la primera mañana"},
        {1, {-1}, "Plan de mejora: 1 acción vencida, terminaba ayer"},
        {2, {-7, -21}, "Plan de mejora: 2 acciones vencidas, la primera terminaba hace 21 días"},
        {3, {-7, 3, 15}, "Plan de mejora: 1 acción vencida y 2 por vencer, la próxima en 3 días"},
        {3, {-7, -14, 0}, "Plan de mejora: 2 acciones vencidas y 1 por vencer, la próxima hoy"},
    };
    message_language("es", catalogues);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sample *s = sample_due(0);
        Mejora__MailItem copies[3] = {s->item, s->item, s->item}, *items[] = {&copies[0], &copies[1], &copies[2]};
        for (size_t j = 0; j < 3; j++)
            copies[j].days_left = rows[i].days[j];
        s->mail.items = items;
        s->mail.n_items = rows[i].n;
        char *subject = digest_subject(&s->mail);
        assert_string_equal(subject, rows[i].subject);
        free(subject);
    }
}

static void not_reported_is_never_zero(void **state)
{
    (void)state;
    struct sample *s = sample_due(-1);
    char *text = shown(&s->mail);
    assert_has(text, "  Vencida: terminaba el 30 de noviembre de 2026, ayer\n  Avance: sin reporte\n");
    assert_has(text, "mejora avance reportar inm/2026/12 25 --why");
    free(text);
    set_percent(&s->item, 0);
    text = shown(&s->mail);
    assert_has(text, "  Avance: 0 %\n");
    free(text);
}

static void a_long_digest_is_one_mail(void **state)
{
    (void)state;
    struct sample *s = sample_due(5);
    Mejora__MailItem *many[5000];
    for (size_t i = 0; i < 5000; i++)
        many[i] = &s->item;
    s->mail.items = many;
    s->mail.n_items = 5000;
    char *text = shown(&s->mail);
    assert_has(text, "Subject: Plan de mejora: 5000 acciones por vencer, la primera en 5 días\n");
    assert_has(text, "\nY 4960 acciones más: mejora vence\n");
    free(text);
}

static void text_tells_how_to_answer_otherwise(void **state)
{
    (void)state;
    static const struct {
        int days; /* to the end, the 30th of November */
        const char *snooze, *propose;
    } rows[] = {
        {9, "2026-11-29", "2026-12-30"},
        {1, "2026-11-30", "2026-12-30"},
        {0, "2026-12-01", "2026-12-30"},
        {-10, "2026-12-11", "2027-01-09"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[400];
        snprintf(expected, sizeof expected,
                 "  Enterado; recuérdemela otra vez cuando venza:\n    mejora aviso enterado inm/2026/12\n"
                 "  No antes de este día:\n    mejora aviso posponer inm/2026/12 --until %s\n"
                 "  Necesita otra fecha; decide Planificación:\n"
                 "    mejora acción proponer-fecha inm/2026/12 %s --why \"…\"\n",
                 rows[i].snooze, rows[i].propose);
        char *text = shown(&sample_due(rows[i].days)->mail);
        assert_has(text, expected);
        free(text);
    }
}

/* Of whom hears in another's place, or of what the plan itself owes. */
static void text_says_why_and_what_is_owed(void **state)
{
    (void)state;
    static const struct {
        Mejora__ReminderKind kind;
        Mejora__HearsAs as;
        const char *has, *has_not;
    } rows[] = {
        {MEJORA__REMINDER_KIND__REMINDER_KIND_TERM, MEJORA__HEARS_AS__HEARS_AS_HOLDER, "Avance:", "recibe usted"},
        {MEJORA__REMINDER_KIND__REMINDER_KIND_TERM, MEJORA__HEARS_AS__HEARS_AS_DEPUTY,
         "en lugar de quien dirige la unidad", "nadie puede"},
        {MEJORA__REMINDER_KIND__REMINDER_KIND_TERM, MEJORA__HEARS_AS__HEARS_AS_PLANNER, "en la unidad nadie puede",
         "en lugar de"},
        {MEJORA__REMINDER_KIND__REMINDER_KIND_ESCALATION, MEJORA__HEARS_AS__HEARS_AS_AUTHORITY,
         "hace días que no pasa nada", "recibe usted"},
        {MEJORA__REMINDER_KIND__REMINDER_KIND_SILENCE, MEJORA__HEARS_AS__HEARS_AS_HOLDER,
         "Hace tiempo que nadie reporta sobre ella.", "recibe usted"},
        {MEJORA__REMINDER_KIND__REMINDER_KIND_DEADLINE, MEJORA__HEARS_AS__HEARS_AS_PLANNER,
         "Debe entregarse a más tardar el 30 de noviembre de 2026, en 9 días\n  En juego: 50 de 100\n"
         "  Cuando se entregue:\n    mejora plan plazo cumplido \"…\" --plan inm/2026/12\n",
         "Avance:"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sample *s = sample_due(9);
        s->item.has_kind = s->item.has_hears_as = 1;
        s->item.kind = rows[i].kind;
        s->item.hears_as = rows[i].as;
        if (s->item.kind == MEJORA__REMINDER_KIND__REMINDER_KIND_DEADLINE)
            s->item.points = (char *)"50 de 100";
        char *text = shown(&s->mail);
        assert_has(text, rows[i].has);
        assert_null(strstr(text, rows[i].has_not));
        free(text);
    }
}

static void footer_has_the_checkpoint_whole(void **state)
{
    (void)state;
    char *text = shown(&sample_due(9)->mail);
    assert_has(text, settings.checkpoint); /* its lines untouched: they are signed */
    free(text);
    text = shown_part(&sample_due(9)->mail, "html");
    assert_has(text, settings.checkpoint);
    free(text);
}

static void page_says_what_the_text_says(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "<html lang=\"es\">",
        "<title>Plan de mejora: 1 acción por vencer, en 9 días</title>",
        "<h1>Hola, Altagracia Peña Núñez:</h1>",
        "<h2>Elaborar el plan de señalización</h2>",
        "<p class=\"end\">Vence: 30 de noviembre de 2026, en 9 días</p>",
        "<p><b>Avance:</b> 50 %</p>",
        "<div style=\"width:50%\">",
        "<p><b>Evidencia que cuenta:</b> Informe</p>",
        "<li>y 2 más</li>",
        "<pre>mejora avance reportar inm/2026/12 75 --why &quot;…&quot;</pre>",
        "<pre>mejora aviso enterado inm/2026/12</pre>",
    };
    char *tasks[] = {(char *)"Uno", (char *)"Dos", (char *)"Tres", (char *)"Cuatro", (char *)"Cinco"};
    struct sample *s = sample_due(9);
    set_percent(&s->item, 50);
    s->item.indicator = (char *)"Informe";
    s->item.open_tasks = tasks;
    s->item.n_open_tasks = 5;
    char *page = shown_part(&s->mail, "html");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_has(page, parts[i]);
    free(page);
}

/* Every field that a person fills in, as markup, a template's place and an attribute's end. */
static void nothing_typed_becomes_markup(void **state)
{
    (void)state;
    static const char evil[] = "</h2><script>x</script>\" onload='y' {{name}} %s &amp;";
    static const char safe[] =
        "&lt;/h2&gt;&lt;script&gt;x&lt;/script&gt;&quot; onload=&apos;y&apos; {{name}} %s &amp;amp;";
    char *tasks[] = {(char *)evil};
    struct sample *s = sample_due(-2);
    Mejora__MailUnreached who = MEJORA__MAIL_UNREACHED__INIT, *whom[] = {&who};
    who.name = who.address = who.relay_text = (char *)evil;
    who.since = (char *)"2026-11-20";
    s->mail.name = s->mail.institution_name = (char *)evil;
    s->item.action = s->item.indicator = s->item.unit = s->item.ref = (char *)evil;
    s->item.open_tasks = tasks;
    s->item.n_open_tasks = 1;
    s->mail.unreached = whom;
    s->mail.n_unreached = 1;
    char *page = shown_part(&s->mail, "html"); /* its parser refuses a tag that does something */
    size_t times = 0;
    for (const char *c = page; (c = strstr(c, safe)); c++)
        times++;
    assert_int_equal(times, 15);
    assert_null(strstr(page, "<script"));
    free(page);
}

static void calendar_has_the_ends_to_come(void **state)
{
    (void)state;
    struct sample *s = sample_due(9);
    Mejora__MailItem late = s->item, *items[] = {&s->item, &late};
    late.days_left = -3;
    s->item.action = (char *)"Uno; dos, tres\r\nEND:VEVENT\\ y una línea que no cabe en setenta y cinco octetos, ñandú";
    s->mail.items = items;
    s->mail.n_items = 2;
    char *events = shown_part(&s->mail, "calendar");
    assert_string_equal(events,
                        "inm/2026/12@mejora 2026-11-30 2026-12-01 20261118T110640Z Vence inm/2026/12: Uno; dos, tres "
                        "END:VEVENT\\ y una línea que no cabe en setenta y cinco octetos, ñandú | mejora avance "
                        "reportar inm/2026/12 25 --why \"…\"\n");
    free(events);
}

static void who_wants_text_gets_text(void **state)
{
    (void)state;
    struct sample *s = sample_due(9);
    s->mail.has_plain = s->mail.plain = 1;
    char *page = shown_part(&s->mail, "html"), *text = shown(&s->mail);
    assert_string_equal(page, "");
    assert_has(text, "inm/2026/12");
    free(page);
    free(text);
}

static void planners_hear_of_addresses_that_are_refused(void **state)
{
    (void)state;
    struct sample *s = sample_due(9);
    Mejora__MailUnreached who = MEJORA__MAIL_UNREACHED__INIT, *whom[] = {&who};
    who.name = (char *)"Luz Díaz";
    who.address = (char *)"luz@example.do";
    who.since = (char *)"2026-11-20";
    who.relay_text = (char *)"550 5.1.1 no such user";
    s->mail.unreached = whom;
    s->mail.n_unreached = 1;
    char *text = shown(&s->mail);
    assert_has(text, "  Luz Díaz <luz@example.do>, desde el 20 de noviembre de 2026: 550 5.1.1 no such user\n");
    free(text);
    s->mail.n_items = 0; /* that alone is worth a mail */
    text = shown(&s->mail);
    assert_has(text, "Subject: Plan de mejora: a 1 persona no le llega el correo\n");
    free(text);
}

static void peoples_words_stay_words(void **state)
{
    (void)state;
    struct sample *s = sample_due(5);
    s->mail.institution_name = (char *)"INM\r\nBcc: x@example.com";
    s->item.action = (char *)"Uno\r\n.\r\nDATA\n\n\x1b[2J\xe2\x80\xae tres \xff";
    char *text = shown(&s->mail);
    assert_has(text, "Plan de mejora, INM Bcc: x@example.com: 1 acción espera su reporte.\n");
    assert_has(text, "\ninm/2026/12 — Uno . DATA [2J tres \xef\xbf\xbd\n");
    free(text);
}

static void headers_refuse_what_is_no_header(void **state)
{
    (void)state;
    static char too_long[400];
    memset(too_long, 'a', sizeof too_long - 1);
    memcpy(too_long + 380, "@example.do", 12);
    static const struct {
        const char *what, *value;
        size_t field;
        enum compose_fault fault;
    } rows[] = {
        {"line break in the name", "Ana\r\nBcc: x@example.com", offsetof(Mejora__Mail, name), COMPOSE_BAD_HEADER},
        {"bare CR in the name", "Ana\rB", offsetof(Mejora__Mail, name), COMPOSE_BAD_HEADER},
        {"control character in the name", "Ana\x1b[2J", offsetof(Mejora__Mail, name), COMPOSE_BAD_HEADER},
        {"name that is not UTF-8", "Ana \xf1", offsetof(Mejora__Mail, name), COMPOSE_BAD_HEADER},
        {"line break in the id", "1@x>\nX: y", offsetof(Mejora__Mail, message_id), COMPOSE_BAD_HEADER},
        {"no id", NULL, offsetof(Mejora__Mail, message_id), COMPOSE_INCOMPLETE},
        {"no address", NULL, offsetof(Mejora__Mail, address), COMPOSE_INCOMPLETE},
        {"line break in the address", "a@b.do\r\nRCPT TO:<c@d.do>", offsetof(Mejora__Mail, address),
         COMPOSE_BAD_ADDRESS},
        {"two addresses", "a@b.do,c@d.do", offsetof(Mejora__Mail, address), COMPOSE_BAD_ADDRESS},
        {"no @", "ana", offsetof(Mejora__Mail, address), COMPOSE_BAD_ADDRESS},
        {"two @", "a@b@c.do", offsetof(Mejora__Mail, address), COMPOSE_BAD_ADDRESS},
        {"nothing before the @", "@b.do", offsetof(Mejora__Mail, address), COMPOSE_BAD_ADDRESS},
        {"brackets", "<a@b.do>", offsetof(Mejora__Mail, address), COMPOSE_BAD_ADDRESS},
        {"beyond ASCII before the @", "peña@b.do", offsetof(Mejora__Mail, address), COMPOSE_BAD_ADDRESS},
        {"too long", too_long, offsetof(Mejora__Mail, address), COMPOSE_BAD_ADDRESS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum compose_fault fault;
        Mejora__Mail *mail = &sample_due(1)->mail;
        memcpy((char *)mail + rows[i].field, &rows[i].value, sizeof rows[i].value);
        char *text = compose_mail(mail, &settings, &fault);
        if (text || fault != rows[i].fault)
            fail_msg("%s: %s", rows[i].what, compose_fault_name(fault));
    }
}

static void nothing_due_is_no_mail(void **state)
{
    (void)state;
    enum compose_fault fault;
    struct sample *s = sample_due(1);
    s->item.end_date = NULL;
    assert_null(compose_mail(&s->mail, &settings, &fault));
    assert_int_equal(fault, COMPOSE_INCOMPLETE);
    s = sample_due(1);
    s->mail.n_items = 0;
    assert_null(compose_mail(&s->mail, &settings, &fault));
    assert_int_equal(fault, COMPOSE_INCOMPLETE);
}

static void sender_is_one_address(void **state)
{
    (void)state;
    static const struct {
        const char *from, *address; /* NULL: refused */
    } rows[] = {
        {"plan@inm.gob.do", "plan@inm.gob.do"},
        {"Plan de mejora <plan@inm.gob.do>", "plan@inm.gob.do"},
        {"\"Migración, Instituto\" <plan@inm.gob.do>", "plan@inm.gob.do"},
        {"plan", NULL},
        {"", NULL},
        {"a@b.do, c@d.do", NULL},
        {"a@b.do\r\nBcc: c@d.do", NULL},
        {"grupo: a@b.do;", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char address[COMPOSE_ADDRESS];
        bool ok = compose_sender(rows[i].from, address);
        if (ok != !!rows[i].address || (ok && strcmp(address, rows[i].address)))
            fail_msg("%s", rows[i].from);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_has_its_headers),
        cmocka_unit_test(text_says_everything_in_spanish),
        cmocka_unit_test(text_says_everything_in_english),
        cmocka_unit_test(subject_says_how_many_and_how_soon),
        cmocka_unit_test(not_reported_is_never_zero),
        cmocka_unit_test(a_long_digest_is_one_mail),
        cmocka_unit_test(text_tells_how_to_answer_otherwise),
        cmocka_unit_test(text_says_why_and_what_is_owed),
        cmocka_unit_test(footer_has_the_checkpoint_whole),
        cmocka_unit_test(page_says_what_the_text_says),
        cmocka_unit_test(nothing_typed_becomes_markup),
        cmocka_unit_test(calendar_has_the_ends_to_come),
        cmocka_unit_test(who_wants_text_gets_text),
        cmocka_unit_test(planners_hear_of_addresses_that_are_refused),
        cmocka_unit_test(peoples_words_stay_words),
        cmocka_unit_test(headers_refuse_what_is_no_header),
        cmocka_unit_test(nothing_due_is_no_mail),
        cmocka_unit_test(sender_is_one_address),
    };
    const char *build = getenv("MEJORA_BUILD");
    snprintf(catalogues, sizeof catalogues, "%s/share/locale", build ? build : "build");
    compose_start();
    return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
