/* Somebody dies in the middle: the server, its PostgreSQL, a client, at every step of the road and at any moment. Nothing
 * acknowledged is lost, nothing happens twice, and who asks again with the same id gets the answer there was.
 *
 *     kill_test                     each way to die, once
 *     kill_test MINUTES [SEED]      any of them, over and over: ./dev soak */
#include "common/clock.h"
#include "common/fault.h"
#include "tests/support/lib/death.h"
#include "tests/support/lib/load.h"
#include "tests/support/lib/proxy.h"
#include "tests/support/lib/sanitized.h"
#include "tests/support/lib/shell.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { REPEATED = 40, AFTER = 100, TOLD_EVERY_MS = 10000, CHECK_EVERY = 100 };

static struct mejorad server;
static struct load *load;
static unsigned seed = 20231;
static double minutes;

static const char *const points[] = {
#define POINT(name) #name,
#include "common/fault.def"
#undef POINT
};

static int start(void **state)
{
    (void)state;
    print_message("# seed %u\n", seed);
    mejorad_start(&server, NULL);
    world_make(&server);
    load = load_new(&server);
    load_connect(load);
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

static void go_on(void)
{
    assert_true(load_run(load, AFTER));
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

/* ---- the ways to die ---- */

static void dies_at_any_moment(int death, int unused)
{
    (void)unused;
    assert_true(load_run(load, some(20, 400)));
    death_now(&server, (enum death)death);
    if (death == DEATH_SERVER)
        recover();
    else
        go_on();
}

static void server_dies_at(int point, int unused)
{
    char order[64];
    (void)unused;
    snprintf(order, sizeof order, "%s:kill:%d", points[point], some(2, 12));
    restart_with(order);
    if (load_run(load, INT_MAX))
        fail_msg("it did not die of %s", order);
    mejorad_wait(&server);
    recover();
}

/* Nobody notices that the connection to PostgreSQL was lost. */
static void connection_breaks_at(int point, int unused)
{
    char order[64];
    (void)unused;
    int before = mejorad_said(&server, "fault: point="), again = load->again;
    snprintf(order, sizeof order, "%s:error:%d", points[point], some(2, 6));
    restart_with(order);
    assert_true(load_run(load, 300));
    assert_int_equal(mejorad_said(&server, "fault: point="), before + 1);
    load_settle(load);
    assert_int_equal(load->again, again);
}

static void dies_within(int death, int place)
{
    death_order(&server, (enum death)death, (enum place)place, some(1, 40));
    bool alive = load_run(load, death == DEATH_SERVER ? INT_MAX : 2 * AFTER);
    if (!death_came(&server))
        fail_msg("it did not come to %s when %s", death_names[death], place_names[place]);
    assert_int_equal(alive, death != DEATH_SERVER);
    if (alive) {
        go_on();
    } else {
        mejorad_wait(&server);
        recover();
    }
    death_forget(&server);
}

/* While an answer, or half of one, is on the wire: the line is cut there, and the server is no more. */
static void server_dies_at_the_wire(int unused, int unused_too)
{
    (void)unused, (void)unused_too;
    struct proxy *line = proxy_new(server.endpoint);
    proxy_order(line, &(struct line_fault){
                          .way = TO_CLIENT, .cut = true, .after = some(500, 4000), .times = 1, .kills = server.pid});
    load->through = proxy_endpoint(line);
    load_connect(load);
    assert_false(load_run(load, INT_MAX));
    mejorad_wait(&server);
    load->through = NULL;
    recover();
    proxy_free(line);
}

/* ---- the client ---- */

/* The id of the one request that waits for its answer; it is in the file's name. */
static void pending_id(const char *profile, char ret[64])
{
    char path[128];
    struct dirent *entry;
    snprintf(path, sizeof path, "%s.d/pending", profile);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    *ret = '\0';
    while ((entry = readdir(dir)))
        if (strchr(entry->d_name, '-'))
            snprintf(ret, 64, "%s", strchr(entry->d_name, '-') + 1);
    closedir(dir);
    if (!*ret)
        fail_msg("the client that died has kept nothing in %s", path);
}

static void client_dies_at(int point, int unused)
{
    char profile[64], ref[32], percent[8], why[32], order[32], id[64], told[SAID], again[SAID];
    int value, n = load_new_request(load, ref, &value, why);
    (void)unused;
    snprintf(profile, sizeof profile, "%s/profile", server.dir);
    snprintf(percent, sizeof percent, "%d", value);
    snprintf(order, sizeof order, "%s:kill:1", points[point]);
    profile_make(&server, server.endpoint, &load->keys[n % LOAD_CLIENTS], profile);
    int status = mejora_run(
        order, told,
        (const char *const[]){"mejora", "--profile", profile, "progress", "report", ref, percent, "--why", why, NULL});
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    pending_id(profile, id);
    assert_int_equal(
        mejora_run(NULL, again, (const char *const[]){"mejora", "--profile", profile, "retry", "--all", NULL}), 0);
    if (point == FAULT_shown)
        assert_string_equal(told, again);
    load_acknowledged(load, n, id);
    load_settle(load);
}

/* ---- all of them, or any ---- */

static const struct ending {
    void (*dies)(int one, int other);
    int from, to, others; /* the range of the first argument, and how many the second has */
} ways[] = {
    {dies_at_any_moment, 0, DEATHS, 1},
    {server_dies_at, FAULT_received, FAULT_asked, 1},
    {connection_breaks_at, FAULT_batch_begun, FAULT_settled, 1},
    {dies_within, 0, DEATHS_WITHIN, PLACES},
    {server_dies_at_the_wire, 0, 1, 1},
    {client_dies_at, FAULT_asked, FAULT_mail_leased, 1},
};
enum { WAYS_TO_DIE = sizeof ways / sizeof *ways };

/* Deaths of the server in between: whose PostgreSQL dies again and again waits longer each time to start it. Of pairs every
 * other one, so that each of both is there, and ./dev soak has the rest. Under a sanitizer one in three: all is slow there. */
static void each_way(const struct ending *w)
{
    int every = SANITIZED ? 3 : w->others > 1 ? 2 : 1;
    for (int other = 0; other < w->others; other++)
        for (int one = w->from; one < w->to; one++)
            if ((one + other) % every == 0)
                w->dies(one, other);
    load_check(load);
}

static void killed_at_any_moment(void **state)
{
    (void)state;
    each_way(&ways[0]);
}

static void killed_at_each_step(void **state)
{
    (void)state;
    each_way(&ways[1]);
}

static void broken_off_at_each_step(void **state)
{
    (void)state;
    each_way(&ways[2]);
}

static void killed_within_the_statement(void **state)
{
    (void)state;
    each_way(&ways[3]);
}

static void killed_with_the_answer_on_the_wire(void **state)
{
    (void)state;
    each_way(&ways[4]);
}

static void the_client_is_killed(void **state)
{
    (void)state;
    each_way(&ways[5]);
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

/* ---- the checker itself ---- */

static const struct {
    const char *finds, *done;
} wrongs[] = {
    {"lost", "delete from mejora.progress where why = (select max(why) from ledger)"},
    {"lost", "insert into ledger values (gen_random_uuid(), 'carga inventada', 'x')"},
    {"repeats answered differently", "update ledger set digest = ctid::text"},
    {"done twice", "insert into mejora.progress (institution, plan, item_no, version, person, percent, why)"
                   " select institution, plan, item_no, 1000000, person, percent, why"
                   " from mejora.progress where why = (select max(why) from ledger)"},
    {"without request row", "delete from road.request where id = (select max(id::text)::uuid from ledger)"},
    {"changes without one audit entry", "delete from road.audit where why = (select max(why) from ledger)"},
    {"changes without one audit entry",
     "update road.audit set item_no = item_no + 1 where why = (select max(why) from ledger)"},
    {"audit entries without a change",
     "update road.audit set why = 'otra cosa' where why = (select max(why) from ledger)"},
    {"gaps in the versions", "update mejora.progress set version = version + 1000000"
                             " where why = (select max(why) from ledger)"},
};

static void the_checker_sees_what_is_wrong(void **state)
{
    (void)state;
    assert_true(load_run(load, AFTER));
    load_settle(load);
    load_repeat(load, REPEATED);
    load_check(load);
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        sql(&server, "begin; set local session_replication_role = replica");
        sql(&server, "%s", wrongs[i].done);
        if (load_count(load, wrongs[i].finds) == 0)
            fail_msg("it does not see: %s", wrongs[i].done);
        sql(&server, "rollback");
    }
}

/* ---- ./dev soak ---- */

static void tell(int cycles, int64_t began)
{
    print_message("%3lld s  %d cycles, %d acknowledgements, told to ask again %d\n",
                  (long long)(clock_ms() - began) / 1000, cycles, load->acked, load->again);
    fflush(stdout);
}

static void somebody_dies_again_and_again(void **state)
{
    (void)state;
    int64_t began = clock_ms(), told = began, until = began + (int64_t)(minutes * 60000);
    int cycles = 0;
    while (clock_ms() < until) {
        const struct ending *w = &ways[some(0, WAYS_TO_DIE)];
        w->dies(some(w->from, w->to), some(0, w->others));
        cycles++;
        if (cycles % CHECK_EVERY == 0)
            load_check(load);
        if (clock_ms() - told > TOLD_EVERY_MS) {
            tell(cycles, began);
            told = clock_ms();
        }
    }
    load_check(load);
    tell(cycles, began);
    print_message("%d kill cycles, %d acknowledgements, %ld lost, %ld done twice\n", cycles, load->acked,
                  load_count(load, "lost"), load_count(load, "done twice"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment),
        cmocka_unit_test(killed_at_each_step),
        cmocka_unit_test(broken_off_at_each_step),
        cmocka_unit_test(killed_within_the_statement),
        cmocka_unit_test(killed_with_the_answer_on_the_wire),
        cmocka_unit_test(the_client_is_killed),
        cmocka_unit_test(lost_on_the_way),
        cmocka_unit_test(the_checker_sees_what_is_wrong),
    };
    const struct CMUnitTest soak[] = {cmocka_unit_test(somebody_dies_again_and_again)};
    if (argc == 1)
        return cmocka_run_group_tests(tests, start, stop);
    minutes = strtod(argv[1], NULL);
    seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : randombytes_random();
    return cmocka_run_group_tests(soak, start, stop);
}
