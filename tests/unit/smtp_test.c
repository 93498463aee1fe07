/* What is known after an attempt, for everything a relay can do at every step, against a scripted peer. */
#include "client/notify/smtp.h"
#include "tests/support/child.h"

#include <curl/curl.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SENT    MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT
#define LATER   MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_LATER
#define NEVER   MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_NEVER
#define UNKNOWN MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_UNKNOWN

static const char mail[] = "Subject: prueba\r\n\r\nhola\r\n.\r\n..dos\r\n";

struct peer {
    char dir[32], plan[64], cert[64], key[64];
    pid_t pid;
    int port;
};
static struct peer plain;

/* mode: NULL, "--tls" or "--smtps" */
static void peer_start(struct peer *p, const char *mode)
{
    int out;
    strcpy(p->dir, "/tmp/smtp_test.XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->plan, sizeof p->plan, "%s/plan", p->dir);
    snprintf(p->cert, sizeof p->cert, "%s/cert", p->dir);
    snprintf(p->key, sizeof p->key, "%s/key", p->dir);
    fclose(fopen(p->plan, "we"));
    /* clang-format off */
    const char *certify[] = {
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", p->key, "-out", p->cert, NULL};
    /* clang-format on */
    assert_int_equal(mode ? child_run(certify) : 0, 0);
    const char *args[] = {"/usr/bin/python3",
                          "tests/support/smtp_peer.py",
                          p->dir,
                          "--plan",
                          p->plan,
                          mode ? "--tls" : NULL,
                          p->cert,
                          p->key,
                          mode && !strcmp(mode, "--smtps") ? mode : NULL,
                          NULL};
    p->pid = child_start(args, &out);
    FILE *f = fdopen(out, "r");
    assert_int_equal(fscanf(f, "ready %d", &p->port), 1);
    fclose(f);
}

static void peer_stop(struct peer *p)
{
    kill(p->pid, SIGTERM);
    child_wait(p->pid);
    assert_int_equal(child_run((const char *[]){"rm", "-rf", p->dir, NULL}), 0);
}

static void peer_plan(const struct peer *p, const char *plan)
{
    char part[80];
    snprintf(part, sizeof part, "%s.part", p->plan);
    FILE *f = fopen(part, "we");
    fprintf(f, "%s\n", plan);
    fclose(f);
    assert_int_equal(rename(part, p->plan), 0);
}

static int peer_kept(const struct peer *p)
{
    int n = 0;
    DIR *d = opendir(p->dir);
    for (struct dirent *e; (e = readdir(d));)
        n += strstr(e->d_name, ".eml") && !strstr(e->d_name, ".part");
    closedir(d);
    return n;
}

static struct smtp_settings settings_for(const struct peer *p, char url[64])
{
    snprintf(url, 64, "smtp://127.0.0.1:%d", p->port);
    return (struct smtp_settings){.url = url,
                                  .sender = "plan@example.do",
                                  .tls = SMTP_PLAIN,
                                  .connect_ms = 5000,
                                  .total_ms = 10000,
                                  .idle_s = 10};
}

static void send_until(struct smtp *s, int64_t until, struct smtp_result *ret)
{
    const struct smtp_letter l = {.address = "ana@example.do", .text = mail, .size = sizeof mail - 1, .until = until};
    smtp_send(s, &l, ret);
}

static struct smtp_result try_once(const struct smtp_settings *set)
{
    struct smtp_result r;
    struct smtp *s = smtp_new(set);
    assert_non_null(s);
    send_until(s, smtp_now() + 60000, &r);
    smtp_free(s);
    return r;
}

static const struct row {
    const char *plan;
    Mejora__MailOutcome outcome;
    int code, kept;
    bool away;
} rows[] = {
    {"", SENT, 250, 1, false},
    {"connect 421", LATER, 421, 0, true},
    {"connect 554", LATER, 554, 0, true},
    {"connect drop", LATER, 0, 0, true},
    {"connect hold", LATER, 0, 0, true},
    {"ehlo 421", LATER, 421, 0, true},
    {"ehlo 550", LATER, 550, 0, true},
    {"ehlo drop", LATER, 0, 0, true},
    {"ehlo hold", LATER, 0, 0, true},
    {"ehlo slow", LATER, 0, 0, true},
    {"mail 421", LATER, 421, 0, true},
    {"mail 451", LATER, 451, 0, false},
    {"mail 530", LATER, 530, 0, false},
    {"mail 550", LATER, 550, 0, false}, /* it is the sender that is not welcome */
    {"mail 552", NEVER, 552, 0, false},
    {"mail drop", LATER, 0, 0, false},
    {"mail hold", LATER, 0, 0, false},
    {"rcpt 421", LATER, 421, 0, true},
    {"rcpt 450", LATER, 450, 0, false},
    {"rcpt 530", LATER, 530, 0, false},
    {"rcpt 550", NEVER, 550, 0, false},
    {"rcpt drop", LATER, 0, 0, false},
    {"rcpt hold", LATER, 0, 0, false},
    {"data 451", LATER, 451, 0, false},
    {"data 554", NEVER, 554, 0, false},
    {"data drop", LATER, 0, 0, false},
    {"data hold", LATER, 0, 0, false},
    {"dot 421", LATER, 421, 0, true},
    {"dot 451", LATER, 451, 0, false},
    {"dot 554", NEVER, 554, 0, false},
    {"dot drop", UNKNOWN, 0, 0, false},
    {"dot hold", UNKNOWN, 0, 0, false},
    {"dot slow", UNKNOWN, 0, 0, false},
    {"dot keep-drop", UNKNOWN, 0, 1, false},
    {"dot keep-hold", UNKNOWN, 0, 1, false}, /* accepted too late */
};

static void outcome_follows_from_the_reply(void **state)
{
    (void)state;
    char url[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct smtp_settings set = settings_for(&plain, url);
        int kept = peer_kept(&plain);
        if (strstr(rows[i].plan, "hold") || strstr(rows[i].plan, "slow"))
            set.total_ms = 300;
        peer_plan(&plain, rows[i].plan);
        struct smtp_result r = try_once(&set);
        kept = peer_kept(&plain) - kept;
        if (r.outcome != rows[i].outcome || r.code != rows[i].code || r.away != rows[i].away || kept != rows[i].kept)
            fail_msg("%s: outcome %d code %d away %d kept %d, %s", rows[i].plan, r.outcome, r.code, r.away, kept,
                     r.error ? r.error : r.text);
        assert_int_equal(!r.code, r.error != NULL); /* silence is explained */
        assert_int_equal(atoi(r.text), r.code);     /* and the words are those of the code */
    }
}

static void mail_arrives_byte_for_byte(void **state)
{
    (void)state;
    char url[64], path[64], text[sizeof mail + 16];
    peer_plan(&plain, "");
    struct smtp_settings set = settings_for(&plain, url);
    assert_int_equal(try_once(&set).outcome, SENT);
    snprintf(path, sizeof path, "%s/%04d.eml", plain.dir, peer_kept(&plain));
    FILE *f = fopen(path, "re");
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    assert_int_equal(n, sizeof mail - 1);
    assert_memory_equal(text, mail, n);
}

static void relay_that_does_not_listen_is_away(void **state)
{
    (void)state;
    struct smtp_settings set = settings_for(&plain, (char[64]){0});
    set.url = "smtp://127.0.0.1:1";
    struct smtp_result r = try_once(&set);
    assert_int_equal(r.outcome, LATER);
    assert_true(r.away);
    assert_non_null(r.error);
}

static void send_planned(struct smtp *s, const char *plan, Mejora__MailOutcome outcome)
{
    struct smtp_result r;
    peer_plan(&plain, plan);
    send_until(s, smtp_now() + 60000, &r);
    if (r.outcome != outcome)
        fail_msg("%s: outcome %d code %d, %s", plan, r.outcome, r.code, r.error ? r.error : r.text);
}

static void connection_is_kept_while_it_answers(void **state)
{
    (void)state;
    char url[64];
    struct smtp_settings set = settings_for(&plain, url);
    set.total_ms = 500;
    static const struct {
        const char *plan; /* read by connections: one that is kept goes by the plan before */
        Mejora__MailOutcome outcome;
    } steps[] =
        {
            {"", SENT}, {"rcpt 550", SENT}, {"dot keep-hold", SENT}, /* one connection */
        },
      afresh[] = {
          {"dot keep-hold", UNKNOWN}, {"rcpt 550", NEVER}, {"", SENT}, {"mail 451", SENT}, /* each failure costs one */
      };
    struct smtp *s = smtp_new(&set);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        send_planned(s, steps[i].plan, steps[i].outcome);
    smtp_free(s);
    s = smtp_new(&set);
    for (size_t i = 0; i < sizeof afresh / sizeof *afresh; i++)
        send_planned(s, afresh[i].plan, afresh[i].outcome);
    smtp_free(s);
}

static void nothing_leaves_after_the_lease(void **state)
{
    (void)state;
    char url[64];
    peer_plan(&plain, "");
    struct smtp_settings set = settings_for(&plain, url);
    struct smtp *s = smtp_new(&set);
    struct smtp_result r;
    int kept = peer_kept(&plain);
    send_until(s, smtp_now(), &r);
    smtp_free(s);
    assert_int_equal(r.outcome, LATER);
    assert_false(r.away);
    assert_int_equal(peer_kept(&plain), kept);
}

/* The worker stops, another gets the lease, and then the relay asks the first one for the mail. */
static void nothing_leaves_when_stopped_past_the_lease(void **state)
{
    (void)state;
    char url[64], pipe_path[64];
    struct smtp_settings set = settings_for(&plain, url);
    int kept = peer_kept(&plain), status;
    int64_t until = smtp_now() + 1000;
    snprintf(pipe_path, sizeof pipe_path, "%s/go", plain.dir);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    peer_plan(&plain, "data pause");
    pid_t child = fork();
    if (!child) {
        struct smtp_result r;
        send_until(smtp_new(&set), until, &r);
        _exit((int)r.outcome);
    }
    int go = open(pipe_path, O_WRONLY); /* returns when the peer is there */
    kill(child, SIGSTOP);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    for (int64_t left; (left = until - smtp_now()) > 0;)
        poll(NULL, 0, (int)left);
    close(go);
    kill(child, SIGCONT);
    assert_int_equal(child_wait(child), LATER);
    assert_int_equal(peer_kept(&plain), kept);
}

static void encryption_is_never_given_up(void **state)
{
    (void)state;
    static const struct {
        const char *what, *peer, *scheme;
        enum smtp_tls tls;
        bool trusted;
        Mejora__MailOutcome outcome;
    } cases[] = {
        {"STARTTLS", "--tls", "smtp", SMTP_STARTTLS, true, SENT},
        {"STARTTLS with a stranger's certificate", "--tls", "smtp", SMTP_STARTTLS, false, LATER},
        {"TLS from the start", "--smtps", "smtps", SMTP_IMPLICIT, true, SENT},
        {"TLS from the start with a stranger's certificate", "--smtps", "smtps", SMTP_IMPLICIT, false, LATER},
        {"STARTTLS that is not offered", NULL, "smtp", SMTP_STARTTLS, true, LATER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer p;
        char url[64];
        peer_start(&p, cases[i].peer);
        struct smtp_settings set = settings_for(&p, url);
        snprintf(url, sizeof url, "%s://localhost:%d", cases[i].scheme, p.port);
        set.tls = cases[i].tls;
        set.ca_file = cases[i].trusted && cases[i].peer ? p.cert : NULL;
        struct smtp_result r = try_once(&set);
        if (r.outcome != cases[i].outcome || r.away != (r.outcome == LATER) || peer_kept(&p) != (r.outcome == SENT))
            fail_msg("%s: outcome %d, %s", cases[i].what, r.outcome, r.error ? r.error : r.text);
        peer_stop(&p);
    }
}

static void url_says_how_to_speak(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        int tls; /* -1: not a relay */
    } urls[] = {
        {"smtp://relay.example.do", SMTP_STARTTLS},
        {"smtp://10.0.0.5:587", SMTP_STARTTLS},
        {"smtps://relay.example.do", SMTP_IMPLICIT},
        {"smtps://localhost", SMTP_IMPLICIT},
        {"smtp://localhost:2525", SMTP_PLAIN},
        {"smtp://127.0.0.1:2525", SMTP_PLAIN},
        {"smtp://[::1]:2525", SMTP_PLAIN},
        {"smtp://127.0.0.1.example.do", SMTP_STARTTLS},
        {"smtp://localhost.example.do", SMTP_STARTTLS},
        {"http://relay.example.do", -1},
        {"file:///etc/passwd", -1},
        {"relay.example.do", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        enum smtp_tls tls;
        bool ok = smtp_tls_of(urls[i].url, &tls);
        if ((ok ? (int)tls : -1) != urls[i].tls)
            fail_msg("%s", urls[i].url);
    }
}

static int start(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    peer_start(&plain, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    peer_stop(&plain);
    curl_global_cleanup();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcome_follows_from_the_reply),
        cmocka_unit_test(mail_arrives_byte_for_byte),
        cmocka_unit_test(relay_that_does_not_listen_is_away),
        cmocka_unit_test(connection_is_kept_while_it_answers),
        cmocka_unit_test(nothing_leaves_after_the_lease),
        cmocka_unit_test(nothing_leaves_when_stopped_past_the_lease),
        cmocka_unit_test(encryption_is_never_given_up),
        cmocka_unit_test(url_says_how_to_speak),
    };
    return cmocka_run_group_tests_name("smtp", tests, start, end);
}
