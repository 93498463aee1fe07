/* The same read asked by many at one moment is worked out once: everybody who may gets it, nobody else does, and what is
 * not the same is not taken for it. The only reader is held until all of them have asked, so they are one batch. */
#include "action.pb-c.h"
#include "tests/support/lib/world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct asks {
    const char *code, *institution, *roles, *ref, *as_of;
    bool mine;
    Mejora__Outcome outcome;
    const char *error;
    size_t actions;
} all[] = {
    {"ajena", "sns", "{planner}", "inm/2023", NULL, false, MEJORA__OUTCOME__OUTCOME_DENIED, "not_your_institution", 0},
    {"correo", "inm", "{notifier}", "inm/2023", NULL, false, MEJORA__OUTCOME__OUTCOME_DENIED, "role_denied", 0},
    {"ana", "inm", "{planner}", "inm/2023", NULL, false, MEJORA__OUTCOME__OUTCOME_OK, NULL, 20},
    {"luz", "inm", "{responsable}", "inm/2023", NULL, false, MEJORA__OUTCOME__OUTCOME_OK, NULL, 20},
    {"otra", "sns", "{auditor}", "inm/2023", NULL, false, MEJORA__OUTCOME__OUTCOME_DENIED, "not_your_institution", 0},
    {"de-todo", "*", "{auditor}", "inm/2023", NULL, false, MEJORA__OUTCOME__OUTCOME_OK, NULL, 20},
    {"ayer", "inm", "{viewer}", "inm/2022", "2020-01-01", false, MEJORA__OUTCOME__OUTCOME_NOT_FOUND,
     "no_institution_then", 0},
    {"eva", "inm", "{viewer}", "inm/2022", NULL, false, MEJORA__OUTCOME__OUTCOME_OK, NULL, 2},
    {"leo", "inm", "{viewer}", "inm/2022", NULL, false, MEJORA__OUTCOME__OUTCOME_OK, NULL, 2},
    {"pia", "inm", "{responsable}", "inm/2023", NULL, true, MEJORA__OUTCOME__OUTCOME_OK, NULL, 6},
    {"sol", "inm", "{responsable}", "inm/2023", NULL, true, MEJORA__OUTCOME__OUTCOME_OK, NULL, 6},
    {"nadie", "inm", "{responsable}", "inm/2023", NULL, true, MEJORA__OUTCOME__OUTCOME_OK, NULL, 0},
    {"paz", "inm", "{viewer}", "inm/2021", NULL, false, MEJORA__OUTCOME__OUTCOME_NOT_FOUND, "no_such_plan", 0},
    {"rey", "inm", "{viewer}", "inm/2021", NULL, false, MEJORA__OUTCOME__OUTCOME_NOT_FOUND, "no_such_plan", 0},
};
enum { ASKERS = sizeof all / sizeof *all };

static struct mejorad server;
static void *peers[ASKERS], *first;
static pid_t reader;
static struct reply r;

static int start(void **state)
{
    static const char *const one_reader[] = {"--readers", "1", NULL};
    (void)state;
    mejorad_start(&server, one_reader);
    world_make(&server);
    for (int i = 0; i < ASKERS; i++) {
        const char *units = !strcmp(all[i].code, "pia") || !strcmp(all[i].code, "sol") ? "{tic}" : "{}";
        struct keys k = world_person(&server, all[i].institution, all[i].code, all[i].roles, units);
        peers[i] = peer_open(&server, &k);
    }
    struct keys k = world_person(&server, "inm", "primera", "{viewer}", "{}");
    first = peer_open(&server, &k);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (reader > 1)
        kill(reader, SIGCONT);
    peers_end();
    mejorad_remove(&server);
    return 0;
}

/* A refusal by the front comes while the reader is held, and not before what the same peer asked earlier has come in. */
static void assert_arrived(void *peer)
{
    ask(peer, "no_such_operation", NULL, NULL, NULL);
    hear(peer, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_UNSUPPORTED, "op_unknown", "a sign");
}

static void reader_stop(void)
{
    assert_reply(asked(first, "action_list", "inm/2022", NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "a first read");
    reader = (pid_t)sql_long(
        &server, "select pid from pg_stat_activity where application_name = 'mejorad' and query like 'with who%%'");
    assert_true(reader > 1);
    assert_int_equal(kill(reader, SIGSTOP), 0);
    for (int i = 0; i < 2; i++) /* one batch runs, one is behind it; the next waits for both */
        ask(first, "action_list", "inm/2022", NULL, NULL), assert_arrived(first);
}

static void assert_answer(int i)
{
    hear(peers[i], &r);
    assert_reply(&r, all[i].outcome, all[i].error, all[i].code);
    Mejora__ActionListReply *m = reply_open(&r, &mejora__action_list_reply__descriptor);
    assert_int_equal(m->n_actions, all[i].actions);
    mejora__action_list_reply__free_unpacked(m, NULL);
    if (all[i].outcome == MEJORA__OUTCOME__OUTCOME_NOT_FOUND && !all[i].as_of)
        assert_string_equal(r.arg, all[i].ref);
}

static void ask_for(int i)
{
    uint8_t id[PEER_ID], body[16];
    Mejora__ActionListRequest m = MEJORA__ACTION_LIST_REQUEST__INIT;
    Mejora__RequestHead head = MEJORA__REQUEST_HEAD__INIT;
    id_make(id);
    m.has_mine = m.mine = all[i].mine;
    head.has_protocol = head.has_request_id = 1;
    head.protocol = 1;
    head.request_id = (ProtobufCBinaryData){PEER_ID, id};
    head.op = (char *)(uintptr_t) "action_list";
    head.ref = (char *)(uintptr_t)all[i].ref;
    head.as_of = (char *)(uintptr_t)all[i].as_of;
    ask_head(peers[i], &head, body, protobuf_c_message_pack(&m.base, body));
}

static void everybody_gets_what_is_theirs(void **state)
{
    (void)state;
    reader_stop();
    for (int i = 0; i < ASKERS; i++) {
        ask_for(i);
        assert_arrived(peers[i]);
    }
    assert_int_equal(kill(reader, SIGCONT), 0);
    reader = 0;
    for (int i = 0; i < 2; i++)
        hear(first, &r);
    for (int i = 0; i < ASKERS; i++)
        assert_answer(i);
    assert_int_equal(
        sql_long(&server, "select count(*) from road.audit where op = 'action_list' and outcome = 'denied'"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everybody_gets_what_is_theirs)};
    return cmocka_run_group_tests(tests, start, stop);
}
