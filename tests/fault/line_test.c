/* What may happen to a line, and what may come over one that is good: cut anywhere, silent, slow, played again, too many of
 * them, too much on one, and everything that a message can have wrong with it that the tables of tests/ops do not know.
 *
 *     line_test            what takes seconds
 *     line_test long       what takes a minute or more: ./dev soak */
#include "action.pb-c.h"
#include "common/clock.h"
#include "tests/support/lib/load.h"
#include "tests/support/lib/proxy.h"
#include "tests/support/lib/sanitized.h"
#include "tests/support/lib/shell.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { EXIT_UNREACHABLE = 7, EXIT_UNKNOWN = 8, CLOSE_MS = 60000 };

static struct mejorad server;
static struct keys keys;
static struct load *load;
static void *good;
static char profile[64];
static struct reply r, again;

static int start(void **state)
{
    (void)state;
    mejorad_start(&server, NULL);
    world_make(&server);
    load = load_new(&server);
    keys = world_person(&server, "inm", "buena", "{planner}", "{}");
    good = peer_open(&server, &keys);
    snprintf(profile, sizeof profile, "%s/profile", server.dir);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    load_free(load);
    peers_end();
    mejorad_remove(&server);
    return 0;
}

static void assert_goes_on(const char *after)
{
    assert_reply(asked(good, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, after);
    void *newcomer = peer_open(&server, &keys);
    assert_reply(asked(newcomer, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, after);
    peer_close(newcomer);
}

static long reports(const char *why)
{
    return sql_long(&server, "select count(*) from mejora.progress where why = '%s'", why);
}

/* A report by the command line; its exit code. */
static int type(const char *why, const char *timeout)
{
    char said[SAID];
    int status = mejora_run(NULL, said,
                            (const char *const[]){"mejora", "--profile", profile, "progress", "report", "inm/2023/1",
                                                  "25", "--why", why, "--timeout", timeout, NULL});
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void settle(void)
{
    char said[SAID];
    assert_int_equal(
        mejora_run(NULL, said, (const char *const[]){"mejora", "--profile", profile, "retry", "--all", NULL}), 0);
}

/* ---- the line ---- */

/* In steps through the whole conversation, until it is over before the line is cut. */
static void a_line_cut_anywhere_is_asked_over_another(void **state)
{
    enum { STEP = SANITIZED ? 200 : 130 };
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        int cuts = 1, n = 0;
        for (; cuts; n++) {
            char why[32];
            struct proxy *line = proxy_new(server.endpoint);
            snprintf(why, sizeof why, "cortada %d %d", way, n * STEP);
            profile_make(&server, proxy_endpoint(line), &keys, profile);
            proxy_order(line, &(struct line_fault){.way = (enum way)way, .cut = true, .after = n * STEP, .times = 1});
            assert_int_equal(type(why, "20"), 0);
            assert_int_equal(reports(why), 1);
            cuts = proxy_cuts(line);
            proxy_free(line);
        }
        assert_true(n > 2);
    }
}

/* The exit code of a report over a line that falls silent; what is not known is settled once it speaks again. */
static int fall_silent(enum way way, long after)
{
    char why[32];
    struct proxy *line = proxy_new(server.endpoint);
    snprintf(why, sizeof why, "muda %d %ld", (int)way, after);
    profile_make(&server, proxy_endpoint(line), &keys, profile);
    proxy_order(line, &(struct line_fault){.way = way, .silent = true, .after = after});
    int64_t began = clock_ms();
    int code = type(why, "1");
    assert_in_range(clock_ms() - began, 0, SANITIZED ? 30000 : 5000);
    assert_goes_on("a silent line");
    proxy_order(line, &(struct line_fault){0});
    if (code == EXIT_UNKNOWN)
        settle();
    else if (code)
        assert_int_equal(code, EXIT_UNREACHABLE);
    assert_int_equal(reports(why), code != EXIT_UNREACHABLE);
    proxy_free(line);
    return code;
}

/* The later it falls silent, the more is known: nobody there, then done or not, then done. */
static void a_silent_line_ends_in_time_and_is_settled_later(void **state)
{
    enum { STEP = 90 };
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        int unknown = 0, code = EXIT_UNREACHABLE;
        for (long after = 0; code; after += STEP) {
            code = fall_silent((enum way)way, after);
            unknown += code == EXIT_UNKNOWN;
            assert_true(code != EXIT_UNREACHABLE || !unknown);
        }
        assert_true(unknown > 0);
    }
}

static void a_slow_line_is_only_slow(void **state)
{
    (void)state;
    struct proxy *line = proxy_new(server.endpoint);
    profile_make(&server, proxy_endpoint(line), &keys, profile);
    proxy_order(line, &(struct line_fault){.delay_ms = 10, .bytes = 20});
    struct mejorad far = server;
    snprintf(far.endpoint, sizeof far.endpoint, "%s", proxy_endpoint(line));
    void *peer = peer_open(&far, &keys);
    report(peer, "inm/2023/1", NULL, 25, "despacio");
    for (int i = 0; i < 50; i++)
        assert_goes_on("a slow line");
    hear(peer, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "a slow line");
    assert_int_equal(type("despacio", "30"), 0);
    assert_int_equal(reports("despacio"), 2);
    peer_close(peer);
    proxy_free(line);
}

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)strtoul(strrchr(server.endpoint, ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void wait_hung_up(int fd)
{
    char bytes[4096];
    struct pollfd on = {.fd = fd, .events = POLLIN};
    ssize_t n = 1;
    while (n > 0) {
        if (poll(&on, 1, CLOSE_MS) <= 0)
            fail_msg("it was not hung up on");
        n = recv(fd, bytes, sizeof bytes, 0);
    }
    close(fd);
}

static void a_conversation_played_again_is_nothing(void **state)
{
    static char recorded[PROXY_RECORD];
    (void)state;
    struct proxy *line = proxy_new(server.endpoint);
    struct mejorad tapped = server;
    snprintf(tapped.endpoint, sizeof tapped.endpoint, "%s", proxy_endpoint(line));
    void *peer = peer_open(&tapped, &keys);
    report(peer, "inm/2023/1", NULL, 25, "grabada");
    hear(peer, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "over a line that is tapped");
    size_t size = proxy_recorded(line, recorded);
    assert_in_range(size, 500, sizeof recorded - 1);
    for (int i = 0; i < 3; i++) {
        int fd = dial();
        assert_int_equal(send(fd, recorded, size, MSG_NOSIGNAL), size);
        wait_hung_up(fd);
    }
    assert_int_equal(reports("grabada"), 1);
    assert_goes_on("a conversation played again");
    peer_close(peer);
    proxy_free(line);
}

static const struct {
    const char *what, *bytes;
    size_t size;
} intrusions[] = {
    {"a frame of 1 GiB announced", "\x02\0\0\0\0\x40\0\0\0 et cetera", 19},
    {"a frame of 2^63 - 1 announced", "\x02\x7f\xff\xff\xff\xff\xff\xff\xff etc.", 14},
    {"a message that nobody sealed", "\0\x05hello", 7},
    {"reserved flags", "\xf8\x05hello", 7},
};

static void what_is_slipped_into_a_good_line_ends_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof intrusions / sizeof *intrusions; i++) {
        struct proxy *line = proxy_new(server.endpoint);
        struct mejorad tapped = server;
        snprintf(tapped.endpoint, sizeof tapped.endpoint, "%s", proxy_endpoint(line));
        void *peer = peer_open(&tapped, &keys);
        assert_reply(asked(peer, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "before");
        long before = mejorad_rss_kib(&server);
        proxy_say(line, intrusions[i].bytes, intrusions[i].size);
        proxy_wait_closed(line);
        assert_goes_on(intrusions[i].what);
        assert_true(mejorad_rss_kib(&server) - before < 16 << 10);
        assert_reply(asked(peer, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "over a new connection");
        peer_close(peer);
        proxy_free(line);
    }
}

static void asking_and_leaving_costs_nobody_anything(void **state)
{
    enum { LEAVERS = 100 };
    (void)state;
    for (int i = 0; i < LEAVERS; i++) {
        struct proxy *line = proxy_new(server.endpoint);
        struct mejorad far = server;
        snprintf(far.endpoint, sizeof far.endpoint, "%s", proxy_endpoint(line));
        void *peer = peer_open(&far, &keys);
        assert_reply(asked(peer, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "before");
        proxy_order(line, &(struct line_fault){.way = TO_SERVER, .cut = true, .after = 1 << 20});
        report(peer, "inm/2022/1", NULL, 25, "y se fue");
        proxy_wait_passed(line, TO_SERVER, 100);
        peer_close(peer);
        proxy_free(line);
    }
    assert_goes_on("those who left");
}

/* ---- many ---- */

static struct keys others(const char *code)
{
    return world_person(&server, "inm", code, "{planner}", "{}");
}

/* Who takes somebody else's routing id gets nothing of his. */
static void a_routing_id_is_nobodys_name(void **state)
{
    (void)state;
    struct keys of[2] = {others("primera"), others("segunda")};
    void *two[2];
    for (int i = 0; i < 2; i++) {
        two[i] = peer_bare();
        zmq_setsockopt(two[i], ZMQ_ROUTING_ID, "yo", 2);
        zmq_setsockopt(two[i], ZMQ_CURVE_SERVERKEY, server.key, 40);
        zmq_setsockopt(two[i], ZMQ_CURVE_PUBLICKEY, of[i].public, 40);
        zmq_setsockopt(two[i], ZMQ_CURVE_SECRETKEY, of[i].secret, 40);
        assert_int_equal(zmq_connect(two[i], server.endpoint), 0);
        if (i == 0)
            assert_reply(asked(two[0], "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "the first");
    }
    report(two[1], "inm/2022/1", NULL, 25, "con su nombre");
    for (int i = 0; i < 50; i++) {
        uint8_t id[PEER_ID];
        id_make(id);
        ask(two[0], "whoami", NULL, id, NULL);
        hear(two[0], &r);
        assert_memory_equal(r.id, id, PEER_ID);
        assert_goes_on("two of one name");
    }
    assert_int_equal(reports("con su nombre"), 0);
    assert_false(hear_within(two[1], 0, &r));
    peer_close(two[0]);
    peer_close(two[1]);
}

static int files_open(pid_t pid)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

static void run_again(const char *log)
{
    char kept[64];
    mejorad_stop(&server);
    snprintf(kept, sizeof kept, "%s", server.log);
    snprintf(server.log, sizeof server.log, "%s", log ? log : kept);
    mejorad_run(&server, NULL);
    snprintf(server.log, sizeof server.log, "%s", kept);
    peer_close(good);
    good = peer_open(&server, &keys);
}

static void out_of_files_the_others_go_on(void **state)
{
    enum { FILES = 100, LINES = 150 };
    int fds[LINES];
    (void)state;
    server.files = FILES;
    run_again(NULL);
    server.files = 0;
    assert_goes_on("few files");
    for (int i = 0; i < LINES; i++)
        fds[i] = dial();
    while (files_open(server.pid) < FILES) /* it takes them in by and by */
        assert_reply(asked(good, "action_list", "inm/2023", NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "few files left");
    for (int i = 0; i < 50; i++)
        assert_reply(asked(good, "action_list", "inm/2023", NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "no file left");
    for (int i = 0; i < LINES; i++)
        close(fds[i]);
    assert_goes_on("files again");
    run_again(NULL);
}

static void come_and_go(int times)
{
    for (int i = 0; i < times; i++) {
        int fd = dial();
        if (i % 2) /* some say something first */
            send(fd, "\xff\0\0\0\0\0\0\0\x01\x7f", 10, MSG_NOSIGNAL);
        close(fd);
    }
}

static void coming_and_going_leaves_nothing_behind(void **state)
{
    enum { TIMES = 2000 };
    (void)state;
    come_and_go(TIMES);
    assert_goes_on("some came and went");
    long before = mejorad_rss_kib(&server);
    come_and_go(TIMES);
    assert_goes_on("as many again");
    assert_true(mejorad_rss_kib(&server) - before < 4 << 10 || SANITIZED);
}

/* Its connections whose timer is this one: 1 until what was sent is acknowledged, 2 for the kernel's question whether the
 * peer is still there, which a cable that was pulled does not answer. */
static unsigned timers(unsigned wanted)
{
    enum { ESTABLISHED = 1, HERTZ = 100, SOON_S = 60 };
    unsigned port, peer_port, tcp, timer, when, found = 0;
    char text[512];
    FILE *f = fopen("/proc/net/tcp", "r");
    assert_non_null(f);
    while (fgets(text, sizeof text, f))
        found += sscanf(text, " %*d: %*8x:%4x %*8x:%4x %2x %*8x:%*8x %2x:%8x", &port, &peer_port, &tcp, &timer,
                        &when) == 5 &&
                 tcp == ESTABLISHED && port == strtoul(strrchr(server.endpoint, ':') + 1, NULL, 10) &&
                 timer == wanted && when <= SOON_S * HERTZ;
    fclose(f);
    return found;
}

static void the_kernel_asks_whether_a_peer_is_there(void **state)
{
    (void)state;
    assert_goes_on("a connection");
    for (int64_t until = clock_ms() + 10000; timers(1) && clock_ms() < until;)
        ;
    assert_true(timers(2) > 0);
    assert_int_equal(timers(0), 0);
}

/* Nobody new gets in while nobody can be asked who he is; and then he does, by himself. */
static void nobody_is_let_in_unknown(void **state)
{
    (void)state;
    PGconn *psql = database_connect(&server, "postgres");
    int before = mejorad_said(&server, "keys: refused code=300");
    PQclear(PQexec(psql, "begin"));
    PQclear(PQexec(psql, "lock table road.key in access exclusive mode"));
    struct mejorad at = server;
    void *newcomer = peer_open(&at, &keys);
    ask(newcomer, "whoami", NULL, NULL, NULL);
    mejorad_wait_said(&server, "keys: refused code=300", before + 1);
    assert_false(hear_within(newcomer, 0, &r));
    PQclear(PQexec(psql, "rollback"));
    PQfinish(psql);
    hear(newcomer, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "once it can be asked");
    peer_close(newcomer);
}

static void stopped_and_continued_it_goes_on(void **state)
{
    (void)state;
    load_connect(load);
    for (int i = 0; i < 50; i++) {
        kill(server.pid, SIGSTOP);
        kill(server.pid, SIGCONT);
        assert_true(load_run(load, 20));
    }
    load_settle(load);
    load_check(load);
    assert_int_equal(load->again, 0);
    load_disconnect(load);
}

static void a_log_that_takes_nothing_stops_nobody(void **state)
{
    (void)state;
    run_again("/dev/full");
    for (int i = 0; i < 50; i++) {
        ask_bytes(good, "whoami", NULL, NULL, "\xff", 1); /* a line in the log each */
        hear(good, &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "malformed", "a log that is full");
    }
    assert_goes_on("a log that is full");
    run_again(NULL);
}

/* ---- messages ---- */

static uint8_t bulk[10 << 20];

static size_t fill(const char *unit, size_t unit_size, size_t size)
{
    for (size_t at = 0; at < size; at += unit_size)
        memcpy(bulk + at, unit, unit_size);
    return size / unit_size * unit_size;
}

static const struct {
    const char *what, *unit; /* the unit again and again */
    size_t unit_size, size;
    Mejora__Outcome outcome;
    const char *error;
} bodies[] = {
    {"a million empty strings", "\x1a", 2, 1 << 20, MEJORA__OUTCOME__OUTCOME_TOO_LARGE, "too_large"},
    {"a hundred thousand owners", "\x62\x03oym", 5, 500000, MEJORA__OUTCOME__OUTCOME_TOO_LARGE, "too_large"},
    {"fields from the future", "\xf8\x3e\x01", 3, 1 << 20, MEJORA__OUTCOME__OUTCOME_TOO_LARGE, "too_large"},
    {"a few of those", "\xf8\x3e\x01", 3, 30, MEJORA__OUTCOME__OUTCOME_INVALID, "field_unknown"},
    {"more than a body may be", "\x1a\x01x", 3, (1 << 20) + 3, MEJORA__OUTCOME__OUTCOME_TOO_LARGE, "too_large"},
};

static void more_than_anybody_needs_is_refused_in_little_memory(void **state)
{
    (void)state;
    long before = mejorad_rss_kib(&server);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        size_t size = fill(bodies[i].unit, bodies[i].unit_size, bodies[i].size);
        ask_bytes(good, "action_edit", "inm/2023/1", NULL, bulk, size);
        hear(good, &r);
        assert_reply(&r, bodies[i].outcome, bodies[i].error, bodies[i].what);
        assert_goes_on(bodies[i].what);
    }
    assert_true(mejorad_rss_kib(&server) - before < 24 << 10 || SANITIZED);
}

/* What is longer than a frame may be is not even taken off the line. */
static void ten_megabytes_are_hung_up_on(void **state)
{
    (void)state;
    struct proxy *line = proxy_new(server.endpoint);
    struct mejorad far = server;
    snprintf(far.endpoint, sizeof far.endpoint, "%s", proxy_endpoint(line));
    void *peer = peer_open(&far, &keys);
    assert_reply(asked(peer, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "before");
    long before = mejorad_rss_kib(&server);
    ask_bytes(peer, "action_edit", "inm/2023/1", NULL, bulk, sizeof bulk);
    proxy_wait_closed(line);
    assert_goes_on("ten megabytes");
    assert_true(mejorad_rss_kib(&server) - before < 8 << 10 || SANITIZED);
    peer_close(peer);
    proxy_free(line);
}

static void ask_with(uint32_t protocol, bool has_protocol, const char *op, size_t id_size)
{
    Mejora__RequestHead head = MEJORA__REQUEST_HEAD__INIT;
    uint8_t id[64] = {1};
    head.has_protocol = has_protocol;
    head.protocol = protocol;
    head.has_request_id = 1;
    head.request_id = (ProtobufCBinaryData){id_size, id};
    head.op = (char *)(uintptr_t)op;
    ask_head(good, &head, NULL, 0);
    hear_any(&good, 1, &r);
}

static char long_name[3000];

static void a_head_that_means_nothing_is_answered(void **state)
{
    static const struct {
        const char *what, *op;
        uint32_t protocol;
        bool has_protocol;
        Mejora__Outcome outcome;
        const char *error;
    } heads[] = {
        {"the protocol of tomorrow", "whoami", 2, true, MEJORA__OUTCOME__OUTCOME_UNSUPPORTED, "protocol_unsupported"},
        {"the largest number", "whoami", UINT32_MAX, true, MEJORA__OUTCOME__OUTCOME_UNSUPPORTED,
         "protocol_unsupported"},
        {"no protocol", "whoami", 0, false, MEJORA__OUTCOME__OUTCOME_UNSUPPORTED, "protocol_unsupported"},
        {"the operation of tomorrow", "coffee_make", 1, true, MEJORA__OUTCOME__OUTCOME_UNSUPPORTED, "op_unknown"},
        {"no operation", "", 1, true, MEJORA__OUTCOME__OUTCOME_UNSUPPORTED, "op_unknown"},
        {"an answer's name", "WhoamiReply", 1, true, MEJORA__OUTCOME__OUTCOME_UNSUPPORTED, "op_unknown"},
        {"a name of 3 kB", long_name, 1, true, MEJORA__OUTCOME__OUTCOME_UNSUPPORTED, "op_unknown"},
        {"a name with SQL", "whoami'; drop table road.audit; --", 1, true, MEJORA__OUTCOME__OUTCOME_UNSUPPORTED,
         "op_unknown"},
    };
    (void)state;
    memset(long_name, 'a', sizeof long_name - 1);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        ask_with(heads[i].protocol, heads[i].has_protocol, heads[i].op, PEER_ID);
        assert_reply(&r, heads[i].outcome, heads[i].error, heads[i].what);
    }
    for (size_t size = 0; size <= 64; size += size == 15 ? 2 : 1) {
        if (size == PEER_ID)
            continue;
        ask_with(1, true, "whoami", size);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "malformed", "an id of another size");
    }
}

static void a_percent_that_is_no_step_is_refused(void **state)
{
    static const struct {
        const char *what, *bytes;
        size_t size;
    } percents[] = {
        {"101", "\x08\x65", 2},
        {"26", "\x08\x1a", 2},
        {"-1", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},
        {"the least 32 bits", "\x08\x80\x80\x80\x80\xf8\xff\xff\xff\xff\x01", 11},
        {"the most 32 bits", "\x08\xff\xff\xff\xff\x07", 6},
        {"the least 64 bits", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11},
        {"2^32 + 25", "\x08\x99\x80\x80\x80\x10", 6},
    };
    (void)state;
    long before = sql_long(&server, "select count(*) from mejora.progress");
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        ask_bytes(good, "progress_report", "inm/2023/1", NULL, percents[i].bytes, percents[i].size);
        hear(good, &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, NULL, percents[i].what);
    }
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress"), before);
}

static void an_id_belongs_to_a_key(void **state)
{
    uint8_t id[PEER_ID];
    (void)state;
    struct keys other = others("tercera"), viewer = world_person(&server, "sns", "mirona", "{viewer}", "{}");
    void *hers = peer_open(&server, &other), *strange = peer_open(&server, &viewer);
    id_make(id);
    for (int i = 0; i < 3; i++) {
        report(good, "inm/2022/2", id, 25, "mi número");
        hear(good, i ? &again : &r);
        assert_true(!i || same_reply(&r, &again));
    }
    report(hers, "inm/2022/2", id, 25, "mi número");
    hear(hers, &again);
    assert_reply(&again, MEJORA__OUTCOME__OUTCOME_OK, NULL, "the same id, another key");
    assert_false(same_reply(&r, &again));
    report(strange, "inm/2022/2", id, 25, "mi número");
    hear(strange, &again);
    assert_reply(&again, MEJORA__OUTCOME__OUTCOME_DENIED, NULL, "the same id, a key that may not");
    assert_int_equal(again.size, 0);
    assert_int_equal(reports("mi número"), 2);
    peer_close(hers);
    peer_close(strange);
}

static void text_is_text_and_never_sql(void **state)
{
    static const char *const texts[] = {
        "'; drop table mejora.action; --",
        "$$; select pg_sleep(60); $$",
        "\\'; delete from road.audit; --",
        "%s %n %d",
        "{\"a\": \"\\u0000\"}",
        "100 % _ \\ % '",
        "{a,b}",
        "(1,2)",
        "null",
        "\\x00",
        "=1+1",
        "../../etc/passwd",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Mejora__ActionEditRequest m = MEJORA__ACTION_EDIT_REQUEST__INIT;
        char *text = (char *)(uintptr_t)texts[i];
        m.objective = m.indicator = m.why = text;
        m.n_comments = m.n_resources = 1;
        m.comments = m.resources = &text;
        assert_reply(asked(good, "action_edit", "inm/2022/1", &m.base), MEJORA__OUTCOME__OUTCOME_OK, NULL, texts[i]);
        Mejora__ActionShowReply *shown =
            reply_open(asked(good, "action_show", "inm/2022/1", NULL), &mejora__action_show_reply__descriptor);
        assert_string_equal(shown->action->objective, texts[i]);
        assert_string_equal(shown->action->resources[0], texts[i]);
        assert_string_equal(shown->action->comments[i], texts[i]);
        protobuf_c_message_free_unpacked(&shown->base, NULL);
    }
}

/* ---- what takes long ---- */

static void coming_and_going_for_a_minute_leaves_nothing_behind(void **state)
{
    enum { A_SECOND = 1000, SECONDS = 60 };
    (void)state;
    come_and_go(10 * A_SECOND);
    assert_goes_on("the first ones");
    long before = mejorad_rss_kib(&server);
    for (int i = 0; i < SECONDS; i++) {
        come_and_go(A_SECOND);
        assert_goes_on("many came and went");
    }
    print_message("# from %ld to %ld KiB\n", before, mejorad_rss_kib(&server));
    assert_true(mejorad_rss_kib(&server) < before + before / 10 + (2 << 10));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_cut_anywhere_is_asked_over_another),
        cmocka_unit_test(a_silent_line_ends_in_time_and_is_settled_later),
        cmocka_unit_test(a_slow_line_is_only_slow),
        cmocka_unit_test(a_conversation_played_again_is_nothing),
        cmocka_unit_test(what_is_slipped_into_a_good_line_ends_it),
        cmocka_unit_test(asking_and_leaving_costs_nobody_anything),
        cmocka_unit_test(a_routing_id_is_nobodys_name),
        cmocka_unit_test(out_of_files_the_others_go_on),
        cmocka_unit_test(coming_and_going_leaves_nothing_behind),
        cmocka_unit_test(the_kernel_asks_whether_a_peer_is_there),
        cmocka_unit_test(nobody_is_let_in_unknown),
        cmocka_unit_test(stopped_and_continued_it_goes_on),
        cmocka_unit_test(a_log_that_takes_nothing_stops_nobody),
        cmocka_unit_test(more_than_anybody_needs_is_refused_in_little_memory),
        cmocka_unit_test(ten_megabytes_are_hung_up_on),
        cmocka_unit_test(a_head_that_means_nothing_is_answered),
        cmocka_unit_test(a_percent_that_is_no_step_is_refused),
        cmocka_unit_test(an_id_belongs_to_a_key),
        cmocka_unit_test(text_is_text_and_never_sql),
    };
    const struct CMUnitTest longer[] = {
        cmocka_unit_test(coming_and_going_for_a_minute_leaves_nothing_behind),
    };
    if (argc > 1 && !strcmp(argv[1], "long"))
        return cmocka_run_group_tests(longer, start, stop);
    return cmocka_run_group_tests(tests, start, stop);
}
