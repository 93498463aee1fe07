/* The server dies in the middle, at every step of the road and at any moment: nothing acknowledged is lost, nothing happens
 * twice, and who asks again with the same id gets the answer there was. MEJORA_SEED repeats a run. */
#include "common/fault.h"
#include "tests/support/lib/load.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CYCLES = 5, REPEATED = 40 };

static struct mejorad server;
static struct load *load;
static unsigned seed;

static const char *const points[] = {
#define POINT(name) #name,
#include "common/fault.def"
#undef POINT
};

static int start(void **state)
{
    (void)state;
    const char *given = getenv("MEJORA_SEED");
    seed = given ? (unsigned)strtoul(given, NULL, 10) : randombytes_random();
    print_message("# MEJORA_SEED=%u\n", seed);
    mejorad_start(&server, NULL);
    world_make(&server);
    load = load_new(&server);
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

static int some(int from, int to)
{
    seed = seed * 1103515245 + 12345;
    return from + (int)(seed >> 8) % (to - from);
}

/* What was heard before the end counts; the rest is asked again of the next one. */
static void recover(void)
{
    load_drain(load);
    load_disconnect(load);
    server.fault = NULL;
    mejorad_run(&server, NULL);
    load_connect(load);
    load_settle(load);
    load_repeat(load, REPEATED);
}

static void restart_with(const char *order)
{
    load_disconnect(load);
    mejorad_stop(&server);
    server.fault = order;
    mejorad_run(&server, NULL);
    load_connect(load);
}

static void killed_at_any_moment(void **state)
{
    (void)state;
    load_connect(load);
    for (int i = 0; i < CYCLES; i++) {
        assert_true(load_run(load, some(20, 400)));
        mejorad_kill(&server);
        recover();
    }
    load_check(load);
}

static void killed_at_each_step(void **state)
{
    (void)state;
    for (int point = 0; point < FAULT_POINTS; point++) {
        char order[64];
        snprintf(order, sizeof order, "%s:kill:%d", points[point], some(2, 12));
        restart_with(order);
        if (load_run(load, LOAD_MAX))
            fail_msg("it did not die of %s", order);
        mejorad_wait(&server);
        recover();
    }
    load_check(load);
}

/* The connection to PostgreSQL breaks, before and after the commit: nobody notices. */
static void broken_off_at_each_step(void **state)
{
    (void)state;
    for (int point = FAULT_batch_begun; point <= FAULT_committed; point++) {
        char order[64];
        int before = mejorad_said(&server, "fault: point=");
        snprintf(order, sizeof order, "%s:error:%d", points[point], some(2, 6));
        restart_with(order);
        assert_true(load_run(load, 300));
        assert_int_equal(mejorad_said(&server, "fault: point="), before + 1);
        load_settle(load);
    }
    assert_int_equal(load->again, 0);
    load_check(load);
}

/* A request or an answer that is lost on the way: asking again with the same id tells. */
static void lost_on_the_way(void **state)
{
    static const int lost[] = {FAULT_received, FAULT_admitted, FAULT_settled};
    static struct reply r, again;
    (void)state;
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        char order[64];
        uint8_t id[PEER_ID];
        int before = mejorad_said(&server, "fault: point=");
        snprintf(order, sizeof order, "%s:error:1", points[lost[i]]);
        restart_with(order);
        void *peer = peer_open(&server, &load->keys[0]);
        id_make(id);
        report(peer, "inm/2023/1", id, 25, "perdida");
        mejorad_wait_said(&server, "fault: point=", before + 1);
        report(peer, "inm/2023/1", id, 25, "perdida");
        hear(peer, &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, points[lost[i]]);
        report(peer, "inm/2023/1", id, 25, "perdida");
        hear(peer, &again);
        assert_true(same_reply(&r, &again));
        assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where why = 'perdida'"), (long)i + 1);
        peer_close(peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment),
        cmocka_unit_test(killed_at_each_step),
        cmocka_unit_test(broken_off_at_each_step),
        cmocka_unit_test(lost_on_the_way),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
