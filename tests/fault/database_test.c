/* PostgreSQL in trouble: what one request does to the database costs nobody else, somebody's lock is answered with BUSY, and
 * whoever was under way when it died is answered all the same. */
#include "action.pb-c.h"
#include "tests/support/lib/death.h"
#include "tests/support/lib/load.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ASKERS = 20, POISONED = 5, WRITES = 760 };

static struct mejorad server;
static struct load *load;
static void *peers[ASKERS];
static struct reply r;

static int start(void **state)
{
    (void)state;
    mejorad_start(&server, NULL);
    world_make(&server);
    load = load_new(&server);
    for (int i = 0; i < ASKERS; i++) {
        char code[24];
        snprintf(code, sizeof code, "planifica-%d", i);
        struct keys k = world_person(&server, "inm", code, "{planner}", "{}");
        peers[i] = peer_open(&server, &k);
    }
    sql(&server, "create function public.poison() returns trigger language plpgsql as $$ begin"
                 " if new.why = 'veneno' then perform 1 / 0; end if; return new; end $$");
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

/* ---- poison ---- */

static const struct {
    const char *where, *trigger;
} poisons[] = {
    {"in a statement", "create trigger poison before insert on mejora.progress for each row execute function poison()"},
    {"at the commit", "create constraint trigger poison after insert on mejora.progress deferrable initially deferred"
                      " for each row execute function poison()"},
};

static void one_of_twenty_fails_alone(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof poisons / sizeof *poisons; t++) {
        uint8_t poisoned[PEER_ID];
        long before = sql_long(&server, "select count(*) from mejora.progress"),
             audited = sql_long(&server, "select count(*) from road.audit");
        id_make(poisoned);
        sql(&server, "%s", poisons[t].trigger);
        for (int i = 0; i < ASKERS; i++) {
            char ref[32];
            snprintf(ref, sizeof ref, "inm/2023/%d", i + 1);
            report(peers[i], ref, i == POISONED ? poisoned : NULL, 25, i == POISONED ? "veneno" : "sano");
        }
        for (int i = 0; i < ASKERS; i++) {
            hear(peers[i], &r);
            assert_reply(&r, i == POISONED ? MEJORA__OUTCOME__OUTCOME_INTERNAL : MEJORA__OUTCOME__OUTCOME_OK, NULL,
                         poisons[t].where);
        }
        sql(&server, "drop trigger poison on mejora.progress");
        assert_int_equal(sql_long(&server, "select count(*) from mejora.progress"), before + ASKERS - 1);
        assert_int_equal(sql_long(&server, "select count(*) from road.audit where outcome = 'ok'"),
                         audited + ASKERS - 1);
        report(peers[POISONED], "inm/2023/6", poisoned, 25,
               "veneno"); /* nothing was kept of it, so the id is still good */
        hear(peers[POISONED], &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, poisons[t].where);
        assert_int_equal(sql_long(&server, "select count(*) from mejora.progress"), before + ASKERS);
    }
}

/* ---- a lock ---- */

static void somebody_elses_lock_is_answered_busy(void **state)
{
    (void)state;
    uint8_t id[PEER_ID];
    id_make(id);
    PGconn *psql = database_connect(&server, "postgres");
    PQclear(PQexec(psql, "begin"));
    PQclear(PQexec(psql, "lock table mejora.progress in access exclusive mode"));
    report(peers[0], "inm/2023/1", id, 50, "espera");
    hear(peers[0], &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_BUSY, "busy", "a report that has to wait");
    PQclear(PQexec(psql, "rollback"));
    PQfinish(psql);
    report(peers[0], "inm/2023/1", id, 50, "espera");
    hear(peers[0], &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "the same when the lock is gone");
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where why = 'espera'"), 1);
}

/* ---- death ---- */

/* The supervisor starts PostgreSQL again; the same ids bring what was told to ask again to its end. */
static void everybody_is_answered_whatever_happens_to_postgresql(void **state)
{
    (void)state;
    load_connect(load);
    for (int i = DEATH_BACKEND; i < DEATHS; i++) {
        print_message("# %s\n", death_names[i]);
        assert_true(load_run(load, WRITES / 5));
        death_now(&server, (enum death)i);
        assert_true(load_run(load, WRITES / 5));
        load_settle(load);
        load_repeat(load, 20);
    }
    load_check(load);
    assert_true(load->acked >= WRITES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_twenty_fails_alone),
        cmocka_unit_test(somebody_elses_lock_is_answered_busy),
        cmocka_unit_test(everybody_is_answered_whatever_happens_to_postgresql),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
