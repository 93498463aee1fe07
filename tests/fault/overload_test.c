/* More than the server can do at the moment: it says so, at once, and neither forgets nor doubles anything. What holds the lane
 * up is its backend, stopped by a signal, so nothing depends on how fast the machine is. */
#include "action.pb-c.h"
#include "people.pb-c.h"
#include "tests/support/lib/sanitized.h"
#include "tests/support/lib/world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SHARE = 256, POOL = 4096, CROWD = POOL / SHARE + 1, TOO_MANY = SHARE + 44, REST_KIB = 64 << 10 };

static struct mejorad server;
static struct keys keys[CROWD];
static void *crowd[CROWD], *bystander;
static struct reply r;
static pid_t writer;

static int start(void **state)
{
    static const char *const one_lane[] = {"--writers", "1", NULL}; /* the one to hold up */
    (void)state;
    mejorad_start(&server, one_lane);
    world_make(&server);
    for (int i = 0; i < CROWD; i++) {
        char code[24];
        snprintf(code, sizeof code, "muchos-%d", i);
        keys[i] = world_person(&server, "inm", code, "{planner}", "{}");
        crowd[i] = peer_open(&server, &keys[i]);
    }
    struct keys k = world_person(&server, "inm", "tranquila", "{planner}", "{}");
    bystander = peer_open(&server, &k);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    peers_end();
    mejorad_remove(&server);
    return 0;
}

static void assert_small(const char *when)
{
    long kib = mejorad_rss_kib(&server);
    print_message("# %s: %ld KiB\n", when, kib);
    assert_true(kib > 0);
    if (!SANITIZED)
        assert_in_range(kib, 1, REST_KIB);
}

static void at_rest_it_is_small(void **state)
{
    (void)state;
    assert_small("at rest");
}

/* Nothing is written until writer_go. */
static void writer_stop(void)
{
    report(bystander, "inm/2022/1", NULL, 0, "para encontrarlo");
    hear(bystander, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "a first write");
    writer = (pid_t)sql_long(
        &server, "select pid from pg_stat_activity where application_name = 'mejorad' and query like 'with r %%'");
    assert_true(writer > 1);
    assert_int_equal(kill(writer, SIGSTOP), 0);
}

static void writer_go(void)
{
    assert_int_equal(kill(writer, SIGCONT), 0);
    writer = 0;
}

static int go_in_any_case(void **state)
{
    (void)state;
    if (writer > 1)
        writer_go();
    return 0;
}

static void id_of(uint8_t id[PEER_ID], int who, int n)
{
    memset(id, 0, PEER_ID);
    memcpy(id, &who, sizeof who);
    memcpy(id + 4, &n, sizeof n);
}

static void ask_nth(int who, int n)
{
    uint8_t id[PEER_ID];
    char ref[32];
    id_of(id, who, n);
    snprintf(ref, sizeof ref, "inm/2023/%d", n % WORLD_ACTIONS + 1);
    report(crowd[who], ref, id, 25, "a la cola");
}

static void reads_go_on(void)
{
    struct reply *read = asked(bystander, "action_list", "inm/2023", NULL);
    assert_reply(read, MEJORA__OUTCOME__OUTCOME_OK, NULL, "a read meanwhile");
}

static void hear_all(void *peer, int n, Mejora__Outcome outcome, const char *error)
{
    for (int i = 0; i < n; i++) {
        hear(peer, &r);
        assert_reply(&r, outcome, error, "one of many");
    }
}

static void more_than_a_keys_share_is_busy(void **state)
{
    (void)state;
    long before = sql_long(&server, "select count(*) from mejora.progress where plan = 2023");
    writer_stop();
    for (int n = 0; n < TOO_MANY; n++)
        ask_nth(0, n);
    hear_all(crowd[0], TOO_MANY - SHARE, MEJORA__OUTCOME__OUTCOME_BUSY, "too_many_requests");
    reads_go_on();
    writer_go();
    hear_all(crowd[0], SHARE, MEJORA__OUTCOME__OUTCOME_OK, NULL);
    for (int n = SHARE; n < TOO_MANY; n++)
        ask_nth(0, n);
    hear_all(crowd[0], TOO_MANY - SHARE, MEJORA__OUTCOME__OUTCOME_OK, NULL);
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where plan = 2023"), before + TOO_MANY);
}

static void more_than_the_pool_is_busy(void **state)
{
    (void)state;
    writer_stop();
    for (int who = 0; who < CROWD; who++)
        for (int n = 0; n < SHARE; n++)
            ask_nth(who, 1000 + n);
    for (int n = 0; n < CROWD * SHARE - POOL; n++) {
        hear_any(crowd, CROWD, &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_BUSY, "busy", "beyond the pool");
    }
    writer_go();
    for (int n = 0; n < POOL; n++) {
        hear_any(crowd, CROWD, &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "of the pool");
    }
    assert_small("after a burst");
}

static void ask_with_patience(void *peer, uint32_t ms, const char *why)
{
    Mejora__RequestHead head = MEJORA__REQUEST_HEAD__INIT;
    Mejora__ProgressReportRequest m = MEJORA__PROGRESS_REPORT_REQUEST__INIT;
    uint8_t id[PEER_ID], body[128];
    id_make(id);
    m.has_percent = 1;
    m.percent = 75;
    m.why = (char *)(uintptr_t)why;
    head.has_protocol = head.has_request_id = head.has_patience_ms = 1;
    head.protocol = 1;
    head.patience_ms = ms;
    head.request_id = (ProtobufCBinaryData){PEER_ID, id};
    head.op = (char *)(uintptr_t) "progress_report";
    head.ref = (char *)(uintptr_t) "inm/2022/2";
    ask_head(peer, &head, body, mejora__progress_report_request__pack(&m, body));
}

/* Those that the lane has not begun when their time is over are not worked. A lane that finds nothing else goes on living. */
static void what_nobody_waits_for_any_more_is_not_done(void **state)
{
    enum { HASTY = 20 };
    (void)state;
    for (int n = 0; n < HASTY; n++) {
        ask_with_patience(crowd[0], 0, "con prisa");
        hear_all(crowd[0], 1, MEJORA__OUTCOME__OUTCOME_BUSY, "expired");
    }
    writer_stop();
    report(crowd[1], "inm/2022/2", NULL, 50, "con calma");
    for (int n = 0; n < HASTY; n++)
        ask_with_patience(crowd[0], 0, "con prisa");
    ask_with_patience(crowd[1], PEER_WAIT_MS, "con calma");
    reads_go_on();
    writer_go();
    hear_all(crowd[0], HASTY, MEJORA__OUTCOME__OUTCOME_BUSY, "expired");
    hear_all(crowd[1], 2, MEJORA__OUTCOME__OUTCOME_OK, NULL);
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where why = 'con prisa'"), 0);
    assert_int_equal(sql_long(&server, "select count(*) from road.audit where why = 'con prisa'"), 0);
}

/* Some 25 MB of answers for somebody who takes none of them: they are dropped, and nobody else waits. */
static void who_never_reads_stops_nobody(void **state)
{
    enum { ANSWERS = 4000 };
    (void)state;
    int one = 1;
    struct keys k = world_person(&server, "inm", "sorda", "{viewer}", "{}");
    void *deaf = peer_bare();
    zmq_setsockopt(deaf, ZMQ_RCVHWM, &one, sizeof one);
    zmq_setsockopt(deaf, ZMQ_RCVBUF, &(int){4096}, sizeof(int));
    zmq_setsockopt(deaf, ZMQ_CURVE_SERVERKEY, server.key, 40);
    zmq_setsockopt(deaf, ZMQ_CURVE_PUBLICKEY, k.public, 40);
    zmq_setsockopt(deaf, ZMQ_CURVE_SECRETKEY, k.secret, 40);
    assert_int_equal(zmq_connect(deaf, server.endpoint), 0);
    for (int n = 0; n < ANSWERS; n++) {
        ask(deaf, "action_list", "inm/2023", NULL, NULL);
        if (n % 100 == 0)
            reads_go_on();
    }
    reads_go_on();
    report(bystander, "inm/2022/1", NULL, 0, "yo sí leo");
    hear(bystander, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "a write meanwhile");
    peer_close(deaf);
    assert_small("after answers that nobody took");
}

/* The last test: the server ends with it. */
static void a_stopping_server_answers_what_was_sent(void **state)
{
    enum { EACH = 25 };
    (void)state;
    for (int who = 0; who < CROWD; who++) /* after an idle connection the first answer says that the line is up */
        assert_reply(asked(crowd[who], "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "before");
    long before = sql_long(&server, "select count(*) from mejora.progress");
    for (int n = 0; n < EACH; n++)
        for (int who = 0; who < CROWD; who++)
            ask_nth(who, 2000 + n);
    kill(server.pid, SIGTERM);
    for (int who = 0; who < CROWD; who++)
        hear_all(crowd[who], EACH, MEJORA__OUTCOME__OUTCOME_OK, NULL);
    mejorad_stop(&server);
    mejorad_run(&server, NULL); /* to be asked what it has */
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress"), before + EACH * CROWD);
    assert_int_equal(mejorad_said(&server, "unsent=0"), 0); /* the deaf one's answers were counted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_rest_it_is_small),
        cmocka_unit_test_teardown(more_than_a_keys_share_is_busy, go_in_any_case),
        cmocka_unit_test_teardown(more_than_the_pool_is_busy, go_in_any_case),
        cmocka_unit_test_teardown(what_nobody_waits_for_any_more_is_not_done, go_in_any_case),
        cmocka_unit_test(who_never_reads_stops_nobody),
        cmocka_unit_test(a_stopping_server_answers_what_was_sent),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
