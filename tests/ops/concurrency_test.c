/* Many at once: what was acknowledged is in the history once and in the audit trail once, whoever else was there. */
#include "action.pb-c.h"
#include "tests/support/lib/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CLIENTS = 8, WINDOW = 4 }; /* WINDOW: what each has under way */

static struct mejorad server, second;
static struct keys keys[CLIENTS];
static struct reply r, other;

static int start(void **state)
{
    (void)state;
    mejorad_start(&server, NULL);
    world_make(&server);
    for (int i = 0; i < CLIENTS; i++) {
        char code[24];
        snprintf(code, sizeof code, "persona-%d", i);
        keys[i] = world_person(&server, "inm", code, i % 2 ? "{responsable}" : "{planner}", "{oym,rrhh,tic}");
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    peers_end();
    mejorad_remove(&server);
    return 0;
}

static void open_all(void *peers[CLIENTS], const struct mejorad *even, const struct mejorad *odd)
{
    for (int i = 0; i < CLIENTS; i++)
        peers[i] = peer_open(i % 2 ? odd : even, &keys[i]);
}

static void close_all(void *peers[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++)
        peer_close(peers[i]);
}

static void send_one(void *peer, const char *load, int client, int n)
{
    char ref[32], why[64];
    snprintf(ref, sizeof ref, "inm/2023/%d", (client * 7 + n) % WORLD_ACTIONS + 1);
    snprintf(why, sizeof why, "%s %d/%d", load, client, n);
    report(peer, ref, NULL, n % 4 * 25, why);
}

/* The independent check: every report of this load has its own words. */
static void assert_once(const char *load, long n)
{
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where why like '%s %%'", load), n);
    assert_int_equal(sql_long(&server, "select count(distinct why) from mejora.progress where why like '%s %%'", load),
                     n);
    assert_int_equal(
        sql_long(&server, "select count(*) from road.audit where why like '%s %%' and outcome = 'ok'", load), n);
    assert_int_equal(sql_long(&server, "select count(distinct request) from road.audit where why like '%s %%'", load),
                     n);
    assert_int_equal(
        sql_long(&server,
                 "select count(*) from mejora.progress p join road.audit a on (a.institution, a.plan, a.item_no)"
                 " = (p.institution, p.plan, p.item_no) and (a.after ->> 'version')::int = p.version and a.why = p.why"
                 " and (a.after ->> 'percent')::int = p.percent and a.person = p.person where p.why like '%s %%'",
                 load),
        n);
    assert_int_equal(sql_long(&server,
                              "select count(*) from (select 1 from mejora.progress group by institution, plan, item_no"
                              " having max(version) <> count(*)) gaps"),
                     0);
}

static void load_run(const char *load, const struct mejorad *even, const struct mejorad *odd, int reports)
{
    void *peers[CLIENTS];
    open_all(peers, even, odd);
    for (int n = 0; n < reports; n += WINDOW) {
        for (int i = 0; i < CLIENTS * WINDOW; i++)
            send_one(peers[i % CLIENTS], load, i % CLIENTS, n + i / CLIENTS);
        for (int i = 0; i < CLIENTS * WINDOW; i++) {
            hear(peers[i % CLIENTS], &r);
            assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, load);
        }
    }
    close_all(peers);
    assert_once(load, (long)CLIENTS * reports);
}

static void eight_clients_report_five_hundred_times_each(void **state)
{
    (void)state;
    load_run("ocho", &server, &server, 500);
}

static const struct {
    const char *name, *options[8];
} settings[] = {
    {"two writers and two readers", {"--writers", "2", "--readers", "2", NULL}},
    {"eight writers, small batches", {"--writers", "8", "--batch", "3", NULL}},
    {"no batches at all", {"--batch", "1", "--readers", "1", NULL}},
};

static void the_same_with_other_settings_and_two_servers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        mejorad_beside(&second, &server, settings[i].options);
        load_run(settings[i].name, &second, &second, 60);
        char both[64];
        snprintf(both, sizeof both, "dos y %s", settings[i].name);
        load_run(both, &server, &second, 60);
        mejorad_remove(&second);
    }
}

static void ask_if(void *peer, const char *ref, int percent, int version)
{
    Mejora__ProgressReportRequest m = MEJORA__PROGRESS_REPORT_REQUEST__INIT;
    m.has_percent = m.has_if_version = 1;
    m.percent = percent;
    m.if_version = version;
    m.why = (char *)(uintptr_t) "a la vez";
    ask(peer, "progress_report", ref, NULL, &m.base);
}

static int winner_of(struct reply replies[CLIENTS])
{
    int winner = -1;
    for (int i = 0; i < CLIENTS; i++)
        if (replies[i].outcome == MEJORA__OUTCOME__OUTCOME_OK) {
            assert_int_equal(winner, -1);
            winner = i;
        } else {
            assert_reply(&replies[i], MEJORA__OUTCOME__OUTCOME_CONFLICT, "version_stale", "not the first");
        }
    assert_true(winner >= 0);
    return winner;
}

static void assert_told(const struct reply *loser, int winner, const char *ref, int version)
{
    char code[24];
    snprintf(code, sizeof code, "persona-%d", winner);
    Mejora__ProgressReportReply *m = reply_open(loser, &mejora__progress_report_reply__descriptor);
    assert_string_equal(loser->arg, ref);
    assert_string_equal(m->changed_by, code);
    assert_string_equal(m->changed_why, "a la vez");
    assert_true(m->has_changed_at && m->changed_at > 0);
    assert_int_equal(m->percent, winner % 5 * 25);
    assert_int_equal(m->version, version + 1);
    mejora__progress_report_reply__free_unpacked(m, NULL);
}

/* Two servers, so that not even a lane puts them in order. */
static void of_eight_on_one_version_one_wins_and_seven_are_told(void **state)
{
    static struct reply replies[CLIENTS];
    void *peers[CLIENTS];
    (void)state;
    mejorad_beside(&second, &server, NULL);
    open_all(peers, &server, &second);
    for (int item = 1; item <= WORLD_ACTIONS; item++) {
        char ref[32];
        snprintf(ref, sizeof ref, "inm/2023/%d", item);
        int version =
            (int)sql_long(&server,
                          "select coalesce(max(version), 0) from mejora.progress where (institution, plan, item_no)"
                          " = ('inm', 2023, %d)",
                          item);
        for (int i = 0; i < CLIENTS; i++)
            ask_if(peers[i], ref, i % 5 * 25, version);
        for (int i = 0; i < CLIENTS; i++)
            hear(peers[i], &replies[i]);
        int winner = winner_of(replies);
        for (int i = 0; i < CLIENTS; i++)
            if (i != winner)
                assert_told(&replies[i], winner, ref, version);
    }
    close_all(peers);
    mejorad_remove(&second);
    assert_int_equal(sql_long(&server, "select count(*) from road.audit where error = 'version_stale'"),
                     WORLD_ACTIONS * (CLIENTS - 1));
}

static void the_same_request_at_two_servers_acts_once(void **state)
{
    enum { ROUNDS = 100 };
    (void)state;
    mejorad_beside(&second, &server, NULL);
    void *here = peer_open(&server, &keys[0]), *there = peer_open(&second, &keys[0]);
    long before = sql_long(&server, "select count(*) from mejora.progress"),
         audited = sql_long(&server, "select count(*) from road.audit");
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t id[PEER_ID];
        id_make(id);
        report(here, "inm/2023/3", id, i % 4 * 25, "dos veces");
        report(there, "inm/2023/3", id, i % 4 * 25, "dos veces");
        hear(here, &r);
        hear(there, &other);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "at the first");
        assert_true(same_reply(&r, &other));
    }
    peer_close(here);
    peer_close(there);
    mejorad_remove(&second);
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress"), before + ROUNDS);
    assert_int_equal(sql_long(&server, "select count(*) from road.audit"), audited + ROUNDS);
}

/* A key's requests are its own: the same id of another key is another request. */
static void the_same_id_of_two_keys_is_two_requests(void **state)
{
    uint8_t id[PEER_ID];
    (void)state;
    void *one = peer_open(&server, &keys[0]), *two = peer_open(&server, &keys[2]);
    id_make(id);
    report(one, "inm/2023/4", id, 25, "mío");
    hear(one, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "the first");
    report(two, "inm/2023/5", id, 50, "también mío");
    hear(two, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "another's same id");
    peer_close(one);
    peer_close(two);
}

/* Whatever differs makes it another request; and the first one's answer is still there. */
static void an_id_is_good_for_one_request(void **state)
{
    static const struct {
        const char *what, *ref;
        int percent;
        const char *why;
    } others[] = {
        {"another percentage", "inm/2023/6", 50, "una vez"},
        {"another reason", "inm/2023/6", 25, "otra vez"},
        {"another action", "inm/2023/7", 25, "una vez"},
    };
    uint8_t id[PEER_ID];
    (void)state;
    void *peer = peer_open(&server, &keys[0]);
    id_make(id);
    report(peer, "inm/2023/6", id, 25, "una vez");
    hear(peer, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "the first");
    long reports = sql_long(&server, "select count(*) from mejora.progress");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        report(peer, others[i].ref, id, others[i].percent, others[i].why);
        hear(peer, &other);
        assert_reply(&other, MEJORA__OUTCOME__OUTCOME_ID_REUSED, "id_reused", others[i].what);
    }
    ask(peer, "action_annul", "inm/2023/6", id, NULL);
    hear(peer, &other);
    assert_reply(&other, MEJORA__OUTCOME__OUTCOME_ID_REUSED, "id_reused", "another operation");
    report(peer, "inm/2023/6", id, 25, "una vez");
    hear(peer, &other);
    assert_true(same_reply(&r, &other));
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress"), reports);
    peer_close(peer);
}

/* A server forgets by itself, and only what is old enough: asked again, that acts again. */
static void what_is_thirty_days_old_is_forgotten(void **state)
{
    static const char *const ages[] = {"29 days 23 hours", "30 days 1 hour"};
    uint8_t ids[2][PEER_ID];
    (void)state;
    void *peer = peer_open(&server, &keys[0]);
    for (int i = 0; i < 2; i++) {
        id_make(ids[i]);
        report(peer, "inm/2023/8", ids[i], 25, "vieja");
        hear(peer, &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, ages[i]);
        sql(&server, "update road.request set at = now() - interval '%s' where id = '%s'", ages[i], id_text(ids[i]));
    }
    mejorad_beside(&second, &server, NULL);
    mejorad_wait_said(&second, "schedule: forgot requests=1", 1);
    for (int i = 0; i < 2; i++) {
        report(peer, "inm/2023/8", ids[i], 25, "vieja");
        hear(peer, &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, ages[i]);
        assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where why = 'vieja'"), 2 + i);
    }
    peer_close(peer);
    mejorad_remove(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_clients_report_five_hundred_times_each),
        cmocka_unit_test(the_same_with_other_settings_and_two_servers),
        cmocka_unit_test(of_eight_on_one_version_one_wins_and_seven_are_told),
        cmocka_unit_test(the_same_request_at_two_servers_acts_once),
        cmocka_unit_test(the_same_id_of_two_keys_is_two_requests),
        cmocka_unit_test(an_id_is_good_for_one_request),
        cmocka_unit_test(what_is_thirty_days_old_is_forgotten),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
