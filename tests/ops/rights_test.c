/* Who may do what to whose: the own units on the road, and behind it what PostgreSQL itself lets the server's role do, however
 * the statement came about. */
#include "action.pb-c.h"
#include "tests/support/lib/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mejorad server;
static PGconn *as_server;

static int start(void **state)
{
    (void)state;
    mejorad_start(&server, NULL);
    world_make(&server);
    as_server = database_connect(&server, "mejora_server");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    PQfinish(as_server);
    peers_end();
    mejorad_remove(&server);
    return 0;
}

/* ---- own units. Action 1 is of oym, with rrhh; 2 of rrhh; 3 of tic. ---- */

static const struct {
    const char *code, *roles, *units;
    bool allowed[3]; /* on actions 1, 2 and 3 */
} people[] = {
    {"lidera", "{responsable}", "{oym}", {true, false, false}},
    {"colabora", "{responsable}", "{rrhh}", {true, true, false}},
    {"ajena", "{responsable}", "{tic}", {false, false, true}},
    {"de-dos", "{responsable}", "{oym,tic}", {true, false, true}},
    {"de-ninguna", "{responsable}", "{}", {false, false, false}},
    {"planifica", "{planner}", "{}", {true, true, true}},
    {"planifica-y-responde", "{planner,responsable}", "{tic}", {true, true, true}},
    {"audita-y-responde", "{auditor,responsable}", "{tic}", {false, false, true}},
};

static void assert_scope(void *peer, const char *op, const char *code, const char *ref, const ProtobufCMessage *m,
                         bool allowed)
{
    struct reply *r = asked(peer, op, ref, m);
    bool denied = r->outcome == MEJORA__OUTCOME__OUTCOME_DENIED && !strcmp(r->error, "not_your_action");
    if (denied == allowed || (allowed && r->outcome != MEJORA__OUTCOME__OUTCOME_OK))
        fail_msg("%s of %s by %s: %s %s", op, ref, code, outcome_name(r->outcome), r->error);
}

static void a_responsable_writes_to_the_own_units_actions(void **state)
{
    (void)state;
    Mejora__ProgressReportRequest progress = MEJORA__PROGRESS_REPORT_REQUEST__INIT;
    Mejora__TaskDoneRequest task = MEJORA__TASK_DONE_REQUEST__INIT;
    Mejora__ActionEditRequest edit = MEJORA__ACTION_EDIT_REQUEST__INIT;
    char *comments[] = {(char *)(uintptr_t) "visto"};
    progress.has_percent = 1;
    progress.percent = 50;
    edit.n_comments = 1;
    edit.comments = comments;
    for (size_t i = 0; i < sizeof people / sizeof *people; i++) {
        struct keys k = world_person(&server, "inm", people[i].code, people[i].roles, people[i].units);
        void *peer = peer_open(&server, &k);
        for (int item = 1; item <= 3; item++) {
            char ref[32], of_task[40];
            snprintf(ref, sizeof ref, "inm/2023/%d", item);
            snprintf(of_task, sizeof of_task, "%s.1", ref);
            assert_scope(peer, "progress_report", people[i].code, ref, &progress.base, people[i].allowed[item - 1]);
            assert_scope(peer, "task_done", people[i].code, of_task, &task.base, people[i].allowed[item - 1]);
            assert_scope(peer, "action_edit", people[i].code, ref, &edit.base, people[i].allowed[item - 1]);
        }
        peer_close(peer);
    }
}

/* ---- the second wall ---- */

static const char *state_of(const char *statement)
{
    static char answer[64];
    PGresult *r = PQexec(as_server, statement);
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    snprintf(answer, sizeof answer, "%s", state ? state : PQntuples(r) ? PQgetvalue(r, 0, 0) : "done");
    PQclear(r);
    return answer;
}

static void the_servers_role_cannot_rewrite_what_was(void **state)
{
    static const char *const denied[] = {
        "update road.audit set why = 'otra'",
        "delete from road.audit",
        "truncate road.audit",
        "update road.leaf set nodes = ''",
        "delete from road.leaf",
        "truncate road.leaf",
        "update road.checkpoint set note = ''",
        "delete from road.checkpoint",
        "truncate road.checkpoint",
        "update road.log set public_key = public_key",
        "delete from road.log",
        "alter table road.checkpoint disable trigger only_insert",
        "alter table road.audit disable trigger only_insert",
        "alter table road.leaf disable trigger all",
        "alter table road.log disable trigger only_insert",
        "truncate road.log",
        "drop trigger only_insert on road.audit",
        "create trigger zz before insert on road.audit for each row execute function road.refuse_change()",
        "create rule nothing as on insert to road.audit do instead nothing",
        "set session_replication_role = replica",
        "drop policy own_institution on road.audit",
        "alter policy own_institution on road.audit using (true)",
        "alter role mejora_server bypassrls",
        "drop table road.audit",
        "alter table road.audit disable row level security",
        "create or replace function road.refuse_change() returns trigger language plpgsql as 'begin return null; end'",
        "delete from mejora.progress",
        "delete from mejora.action",
        "delete from mejora.plan",
        "delete from mejora.person",
        "delete from road.key",
        "truncate mejora.progress",
        "update road.migration set name = 'x'",
        "create table mejora.mia (n int)",
        "create function lib.mia() returns int language sql as 'select 1'",
        "set role mejora_owner",
        "set role postgres",
        "copy mejora.person to '/tmp/mejora.copy'",
    };
    (void)state;
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
        if (strcmp(state_of(denied[i]), "42501") != 0)
            fail_msg("%s: %s", denied[i], state_of(denied[i]));
    PGconn *pg = database(&server); /* not even the superuser by accident: the trigger says so */
    PGresult *r = PQexec(pg, "delete from road.audit");
    assert_string_equal(PQresultErrorField(r, PG_DIAG_SQLSTATE), "P0001");
    PQclear(r);
}

static const char *const kept_apart[] = {
    "mejora.institution",  "mejora.unit", "mejora.plan",     "mejora.action",
    "mejora.action_owner", "mejora.task", "mejora.progress", "road.audit",
};

static long seen(const char *here, const char *table, const char *condition)
{
    char text[256];
    snprintf(text, sizeof text,
             "begin; select set_config('mejora.institution', '%s', true); select count(*) from %s where %s; ", here,
             table, condition);
    PGresult *r = PQexec(as_server, text);
    long n = PQntuples(r) == 1 ? strtol(PQgetvalue(r, 0, 0), NULL, 10) : -1;
    PQclear(r);
    PQclear(PQexec(as_server, "rollback"));
    return n;
}

static void statements_see_their_institution_only_even_by_hand(void **state)
{
    (void)state;
    sql(&server, "insert into mejora.progress (institution, plan, item_no, version, person, percent)"
                 " values ('sns', 2024, 1, 1, 1, 25), ('inm', 2022, 1, 1, 1, 25)");
    sql(&server,
        "insert into road.audit (institution, op, outcome) values ('sns', 'whoami', 'ok'), ('inm', 'whoami', 'ok')");
    for (size_t i = 0; i < sizeof kept_apart / sizeof *kept_apart; i++) {
        const char *table = kept_apart[i];
        if (seen("inm", table, "institution = 'inm'") < 1 || seen("sns", table, "institution = 'sns'") < 1 ||
            seen("inm", table, "institution <> 'inm'") != 0 || seen("", table, "true") != 0 ||
            seen("*", table, "institution in ('inm', 'sns')") < 2)
            fail_msg("%s is not kept apart", table);
    }
    assert_string_equal(state_of("begin; select set_config('mejora.institution', 'sns', true);"
                                 " insert into mejora.unit (institution, unit, name) values ('inm', 'x', 'X')"),
                        "42501");
    PQclear(PQexec(as_server, "rollback"));
    assert_string_equal(state_of("begin; select set_config('mejora.institution', 'sns', true);"
                                 " insert into road.audit (institution, op, outcome) values ('inm', 'x', 'ok')"),
                        "42501");
    PQclear(PQexec(as_server, "rollback"));
}

/* A table that somebody adds and forgets would be open to all: whatever has an institution has a policy. */
static void every_table_with_an_institution_has_a_policy(void **state)
{
    (void)state;
    const char *open =
        sql(&server,
            "select string_agg(c.oid::regclass::text, ' ') from pg_class c join pg_attribute a on a.attrelid = c.oid"
            " where c.relkind in ('r', 'p') and a.attname = 'institution'"
            " and c.relnamespace in ('mejora'::regnamespace, 'road'::regnamespace) and not c.relrowsecurity");
    assert_string_equal(open, "");
    assert_int_equal(
        sql_long(&server,
                 "select count(*) from pg_roles where rolname = 'mejora_server' and (rolsuper or rolbypassrls)"),
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_responsable_writes_to_the_own_units_actions),
        cmocka_unit_test(the_servers_role_cannot_rewrite_what_was),
        cmocka_unit_test(statements_see_their_institution_only_even_by_hand),
        cmocka_unit_test(every_table_with_an_institution_has_a_policy),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
