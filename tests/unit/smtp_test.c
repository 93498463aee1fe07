/* What is known after an attempt, for everything a relay can do at every step, against a scripted peer. */
#include "client/notify/smtp.h"
#include "tests/support/child.h"

#include <curl/curl.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
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
static struct peer plain, slow; /* slow: takes one command after the other */

/* mode: NULL, "--one-by-one", "--tls" or "--smtps" */
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
    bool encrypted = mode && strcmp(mode, "--one-by-one") != 0;
    assert_int_equal(encrypted ? child_run(certify) : 0, 0);
    const char *args[] = {"/usr/bin/python3",
                          "tests/support/smtp_peer.py",
                          p->dir,
                          "--plan",
                          p->plan,
                          encrypted ? "--tls" : mode,
                          p->cert,
                          p->key,
                          encrypted && !strcmp(mode, "--smtps") ? mode : NULL,
                          NULL};
    if (!encrypted)
        args[mode ? 6 : 5] = NULL;
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
    return (struct smtp_settings){
        .url = url, .sender = "plan@example.do", .tls = SMTP_PLAIN, .connect_ms = 5000, .total_ms = 10000};
}

static void send_until(struct smtp *s, int64_t until, struct smtp_result *ret)
{
    const struct smtp_letter l = {.address = "ana@example.do", .text = mail, .size = sizeof mail - 1, .until = until};
    smtp_send(s, &l, NULL, ret);
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

static void outcomes_follow(const struct peer *p)
{
    char url[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct smtp_settings set = settings_for(p, url);
        int kept = peer_kept(p);
        if (strstr(rows[i].plan, "hold") || strstr(rows[i].plan, "slow"))
            set.total_ms = 300;
        peer_plan(p, rows[i].plan);
        struct smtp_result r = try_once(&set);
        kept = peer_kept(p) - kept;
        if (r.outcome != rows[i].outcome || r.code != rows[i].code || r.away != rows[i].away || kept != rows[i].kept)
            fail_msg("%s: outcome %d code %d away %d kept %d, %s", rows[i].plan, r.outcome, r.code, r.away, kept,
                     r.error ? r.error : r.text);
        assert_int_equal(!r.code, r.error != NULL); /* silence is explained */
        assert_int_equal(atoi(r.text), r.code);     /* and the words are those of the code */
    }
}

static void outcome_follows_from_the_reply(void **state)
{
    (void)state;
    outcomes_follow(&plain);
    outcomes_follow(&slow);
}

/* A relay word for word: it waits for what begins like `hears`, then says `says`, a byte at a time; NULL: it hangs up, and the
 * next line is another connection's. */
struct line {
    const char *hears, *says;
};

struct talk {
    const struct line *lines;
    int listener;
    char heard[16384]; /* with a | wherever it had to wait for more */
};

static void talk_hear(struct talk *t, int fd, char *in, const char *what)
{
    char *found;
    ssize_t n = 1;
    while (!(found = strstr(in, what)) && n > 0) {
        size_t had = strlen(in);
        n = recv(fd, in + had, 8191 - had, 0);
        in[had + (n > 0 ? (size_t)n : 0)] = '\0';
        strcat(strcat(t->heard, in + had), "|");
    }
    memmove(in, found ? found + strlen(what) : "", found ? strlen(found + strlen(what)) + 1 : 1);
}

static void *talk_run(void *talk)
{
    struct talk *t = talk;
    char in[8192] = "";
    int fd = -1, one = 1;
    for (const struct line *l = t->lines; l->hears; l++) {
        if (fd < 0) {
            fd = accept(t->listener, NULL, NULL);
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            *in = '\0';
        }
        talk_hear(t, fd, in, l->hears);
        for (const char *c = l->says ? l->says : ""; *c; c++)
            send(fd, c, 1, MSG_NOSIGNAL);
        if (!l->says) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        talk_hear(t, fd, in, "what never comes"); /* up to its end */
    close(fd);
    return NULL;
}

#define GREETING                                                                                                       \
    {                                                                                                                  \
        "", "220 x\r\n"                                                                                                \
    }
#define TALK(...)                                                                                                      \
    (const struct line[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__,                                                                                                   \
        {                                                                                                              \
            NULL, NULL                                                                                                 \
        }                                                                                                              \
    }
#define GROUP "MAIL FROM:<plan@example.do>\r\nRCPT TO:<ana@example.do>\r\nDATA\r\n"
#define PIPELINING                                                                                                     \
    {                                                                                                                  \
        "EHLO", "250-x\r\n250 PIPELINING\r\n"                                                                          \
    }
#define TAKEN       "250 ok\r\n250 ok\r\n354 go\r\n"
#define X50         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1000       X50 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50
#define END_OF_TEXT "\r\n.\r\n"

static const struct {
    const char *what;
    const struct line *lines;
    Mejora__MailOutcome outcomes[2]; /* the second: of a mail that follows; UNSPECIFIED: none does */
    int code;                        /* of the last */
    const char *heard, *unheard;
} talks[] = {
    {"a group leaves at once",
     TALK(GREETING, PIPELINING, {"DATA", TAKEN}, {END_OF_TEXT, "250 ok\r\n"}),
     {SENT},
     250,
     "|" GROUP "|",
     NULL},
    {"not offered: one after the other",
     TALK(GREETING, {"EHLO", "250-pipelining.example.do\r\n250-XPIPELINING\r\n250 PIPELININGX\r\n"},
          {"MAIL", "250 ok\r\n"}, {"RCPT", "250 ok\r\n"}, {"DATA", "354 go\r\n"}, {END_OF_TEXT, "250 ok\r\n"},
          {"MAIL", "250 ok\r\n"}, {"RCPT", "250 ok\r\n"}, {"DATA", "354 go\r\n"}, {END_OF_TEXT, "250 ok\r\n"}),
     {SENT, SENT},
     250,
     "|MAIL FROM:<plan@example.do>\r\n|RCPT TO:<ana@example.do>\r\n|DATA\r\n|",
     "\r\n.\r\nMAIL"},
    {"the recipient refused, and 354 all the same",
     TALK(GREETING, PIPELINING, {"DATA", "250 ok\r\n550 nobody\r\n354 go\r\n"}),
     {NEVER},
     550,
     GROUP,
     ".\r\n"},
    {"the sender refused, with the rest after it",
     TALK(GREETING, PIPELINING, {"DATA", "451 not now\r\n503 no sender\r\n503 nobody\r\n"}),
     {LATER},
     451,
     GROUP,
     "Subject"},
    {"421 in the middle",
     TALK(GREETING, PIPELINING, {"DATA", "250 ok\r\n421 closing\r\n"}, {"", NULL}),
     {LATER},
     421,
     GROUP,
     "Subject"},
    {"half an answer, then nothing",
     TALK(GREETING, PIPELINING, {"DATA", "250 ok\r\n250 o"}, {"", NULL}),
     {LATER},
     0,
     GROUP,
     "Subject"},
    {"words without a code",
     TALK(GREETING, PIPELINING, {"DATA", "250 ok\r\nhello\r\n354 go\r\n"}),
     {LATER},
     0,
     GROUP,
     "Subject"},
    {"long answers",
     TALK(GREETING, {"EHLO", "250-" X1000 X1000 X1000 "\r\n250 PIPELINING\r\n"},
          {"DATA", "250-" X1000 X1000 X1000 "\r\n250 ok\r\n250 " X1000 "\r\n354 go\r\n"}, {END_OF_TEXT, "250 ok\r\n"}),
     {SENT},
     250,
     GROUP,
     NULL},
    {"the next one's envelope behind the text",
     TALK(GREETING, PIPELINING, {"DATA", TAKEN}, {END_OF_TEXT, "250 ok\r\n" TAKEN}, {END_OF_TEXT, "250 ok\r\n"}),
     {SENT, SENT},
     250,
     "..dos\r\n.\r\n" GROUP "|",
     NULL},
    {"so many mails to a connection: the next one's envelope goes out again",
     TALK(GREETING, PIPELINING, {"DATA", TAKEN}, {END_OF_TEXT, "250 ok\r\n421 enough\r\n"}, {"", NULL}, GREETING,
          PIPELINING, {"DATA", TAKEN}, {END_OF_TEXT, "250 ok\r\n"}),
     {SENT, SENT},
     250,
     "dos" END_OF_TEXT GROUP "|EHLO",
     NULL},
    {"the same, said of the sender",
     TALK(GREETING, PIPELINING, {"DATA", TAKEN}, {END_OF_TEXT, "250 ok\r\n452 enough\r\n"}, {"", NULL}, GREETING,
          PIPELINING, {"DATA", TAKEN}, {END_OF_TEXT, "250 ok\r\n"}),
     {SENT, SENT},
     250,
     NULL,
     NULL},
    {"gone with the first text: nobody knows of that, and the next goes",
     TALK(GREETING, PIPELINING, {"DATA", TAKEN}, {END_OF_TEXT, NULL}, GREETING, PIPELINING, {"DATA", TAKEN},
          {END_OF_TEXT, "250 ok\r\n"}),
     {UNKNOWN, SENT},
     250,
     NULL,
     NULL},
};

static void word_for_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
        static struct talk t;
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof at;
        pthread_t thread;
        struct peer p = {.pid = 0};
        char url[64];
        struct smtp_result r[2] = {{.code = 0}, {.code = 0}};
        t = (struct talk){.lines = talks[i].lines, .listener = socket(AF_INET, SOCK_STREAM, 0)};
        assert_int_equal(bind(t.listener, (struct sockaddr *)&at, sizeof at) || listen(t.listener, 4), 0);
        getsockname(t.listener, (struct sockaddr *)&at, &size);
        p.port = ntohs(at.sin_port);
        pthread_create(&thread, NULL, talk_run, &t);
        struct smtp_settings set = settings_for(&p, url);
        struct smtp *s = smtp_new(&set);
        struct smtp_letter l[2] = {
            {.address = "ana@example.do", .text = mail, .size = sizeof mail - 1, .until = smtp_now() + 60000}};
        l[1] = l[0];
        int n = talks[i].outcomes[1] ? 2 : 1;
        for (int k = 0; k < n; k++)
            smtp_send(s, &l[k], k + 1 < n ? &l[k + 1] : NULL, &r[k]);
        smtp_free(s);
        pthread_join(thread, NULL);
        close(t.listener);
        if (r[0].outcome != talks[i].outcomes[0] || r[1].outcome != talks[i].outcomes[1] ||
            r[n - 1].code != talks[i].code || (talks[i].heard && !strstr(t.heard, talks[i].heard)) ||
            (talks[i].unheard && strstr(t.heard, talks[i].unheard)))
            fail_msg("%s: outcomes %d %d code %d %s, heard %s", talks[i].what, r[0].outcome, r[1].outcome,
                     r[n - 1].code, r[n - 1].error ? r[n - 1].error : "", t.heard);
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
    peer_start(&slow, "--one-by-one");
    return 0;
}

static int end(void **state)
{
    (void)state;
    peer_stop(&plain);
    peer_stop(&slow);
    curl_global_cleanup();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcome_follows_from_the_reply),
        cmocka_unit_test(word_for_word),
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
