/* Reports that wait together are one statement, and yet each is its own: whose key is revoked, who is from elsewhere, what is
 * asked twice or wrongly changes nothing for the others, and each sees what those before it did. The only writer is held
 * until all of them have asked, so they are one batch. */
#include "action.pb-c.h"
#include "tests/support/lib/death.h"
#include "tests/support/lib/world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum who { ANA, LUZ, GONE, STRANGER, FIRST, PEOPLE };

static const struct asks {
    const char *what;
    enum who who;
    const char *ref;
    int id, percent; /* the same id: the same request again */
    Mejora__Outcome outcome;
    const char *error;
} all[] = {
    {"a report", ANA, "inm/2023/4", 1, 25, MEJORA__OUTCOME__OUTCOME_OK, NULL},
    {"on what was just reported", LUZ, "inm/2023/4", 2, 50, MEJORA__OUTCOME__OUTCOME_OK, NULL},
    {"a revoked key", GONE, "inm/2023/5", 3, 25, MEJORA__OUTCOME__OUTCOME_DENIED, "key_revoked"},
    {"after a revoked key", ANA, "inm/2023/6", 4, 25, MEJORA__OUTCOME__OUTCOME_OK, NULL},
    {"from elsewhere", STRANGER, "inm/2023/7", 5, 25, MEJORA__OUTCOME__OUTCOME_DENIED, "not_your_institution"},
    {"about another institution", STRANGER, "sns/2024/1", 9, 25, MEJORA__OUTCOME__OUTCOME_OK, NULL},
    {"no step", ANA, "inm/2023/8", 6, 30, MEJORA__OUTCOME__OUTCOME_INVALID, "percent_not_a_step"},
    {"no such action", ANA, "inm/2023/99", 7, 25, MEJORA__OUTCOME__OUTCOME_NOT_FOUND, "no_such_action"},
    {"asked twice", ANA, "inm/2023/4", 1, 25, MEJORA__OUTCOME__OUTCOME_OK, NULL},
    {"an id that was another's", ANA, "inm/2023/9", 1, 25, MEJORA__OUTCOME__OUTCOME_ID_REUSED, "id_reused"},
    {"the last", LUZ, "inm/2023/4", 8, 75, MEJORA__OUTCOME__OUTCOME_OK, NULL},
};
enum { ASKS = sizeof all / sizeof *all };

static struct mejorad server;
static void *peers[PEOPLE];
static pid_t writer;
static struct reply r;

static int start(void **state)
{
    static const char *const one_writer[] = {"--writers", "1", NULL};
    static const char *const codes[PEOPLE] = {"ana", "luz", "gone", "ajena", "primera"};
    (void)state;
    mejorad_start(&server, one_writer);
    world_make(&server);
    for (int i = 0; i < PEOPLE; i++) {
        struct keys k = world_person(&server, i == STRANGER ? "sns" : "inm", codes[i], "{planner}", "{}");
        peers[i] = peer_open(&server, &k);
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (writer > 1)
        kill(writer, SIGCONT);
    peers_end();
    mejorad_remove(&server);
    return 0;
}

/* A read is answered while the writer is held, and not before what the same peer asked earlier has come in. */
static void report_in(enum who who, const char *ref, const uint8_t *id, int percent)
{
    report(peers[who], ref, id, percent, "a la vez");
    assert_reply(asked(peers[who], "server_status", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "a sign");
}

static void writer_stop(void)
{
    report(peers[FIRST], "inm/2022/1", NULL, 25, "para encontrarlo");
    hear(peers[FIRST], &r);
    writer = death_writer(&server);
    assert_int_equal(kill(writer, SIGSTOP), 0);
    for (int i = 0; i < 2; i++) /* one batch runs, one is behind it; the next waits for both */
        report_in(FIRST, "inm/2022/2", NULL, 25);
}

static void assert_done(void)
{
    assert_int_equal(sql_long(&server,
                              "select string_agg(percent::text, '' order by version)::bigint from mejora.progress"
                              " where (institution, plan, item_no) = ('inm', 2023, 4)"),
                     255075);
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where plan = 2023"), 4);
    assert_int_equal(sql_long(&server, "select count(*) from road.audit where plan = 2023 and outcome = 'ok'"), 4);
    assert_int_equal(sql_long(&server, "select count(*) from road.audit where plan = 2023 and outcome = 'denied'"), 2);
    assert_int_equal(sql_long(&server, "select count(*) from road.audit where plan = 2023"), 8);
    assert_int_equal(sql_long(&server,
                              "select count(*) from road.audit join mejora.progress using (institution, plan, item_no)"
                              " where institution = 'sns' and outcome = 'ok'"),
                     1);
}

static void each_is_its_own(void **state)
{
    (void)state;
    writer_stop();
    for (int i = 0; i < ASKS; i++) {
        uint8_t id[PEER_ID] = {(uint8_t)all[i].id};
        report_in(all[i].who, all[i].ref, id, all[i].percent);
    }
    sql(&server, "update road.key set revoked_at = now()"
                 " where person = (select id from mejora.person where (institution, code) = ('inm', 'gone'))");
    assert_int_equal(kill(writer, SIGCONT), 0);
    writer = 0;
    for (int i = 0; i < ASKS; i++) {
        hear(peers[all[i].who], &r);
        assert_reply(&r, all[i].outcome, all[i].error, all[i].what);
    }
    assert_done();
    assert_int_equal(mejorad_said(&server, "database: op="), 0); /* nothing failed and was done again one by one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_its_own)};
    return cmocka_run_group_tests(tests, start, stop);
}
