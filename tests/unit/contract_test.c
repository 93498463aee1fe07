/* A database that says something else than ops.def and proto/: the server would not start, and says which operation and field.
 * One real database; each drift happens inside a transaction that is rolled back. */
#include "server/cluster.h"
#include "server/contract.h"
#include "server/migrate.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct cluster *cluster;
static char dir[] = "/tmp/mejora.XXXXXX", said[1 << 16];
static PGconn *pg;

/* What the check says, and whether it is content. */
static bool agrees(void)
{
    int log = memfd_create("log", MFD_CLOEXEC), err = dup(2);
    dup2(log, 2);
    struct plan *plans = contract_check(pg);
    dup2(err, 2);
    close(err);
    ssize_t n = pread(log, said, sizeof said - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    close(log);
    contract_free(plans);
    return plans != NULL;
}

static void run(const char *sql)
{
    PGresult *r = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(r);
    PQclear(r);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return;
    print_error("%s: %s\n", sql, PQerrorMessage(pg));
    PQclear(PQexec(pg, "rollback")); /* for the tests that follow */
    fail();
}

static const struct {
    const char *said, *drift;
} drifts[] = {
    {"progress_report: needs 'outcome mejora.outcome'", "drop function op.progress_report"},
    {"whoami: needs 'outcome mejora.outcome'", "drop function op.whoami"},
    {"action_list: Action has no field for 'colour'", "alter type op.action add attribute colour text"},
    {"action_list: field 'end_date' of a composite has no column of that name",
     "alter type op.action drop attribute end_date"},
    {"plan_list: field 'year' cannot be bigint", "alter type op.plan alter attribute year type bigint"},
    {"key_list: field 'created_at' cannot be text", "alter type op.key alter attribute created_at type text"},
    {"person_list: field 'roles' cannot be text[]", "alter type op.person alter attribute roles type text[]"},
    {"unit_list: field 'provisional' cannot be integer", "alter type op.unit alter attribute provisional type int"},
    {"action_list: is READ, so its function must be stable", "alter function op.action_list volatile"},
    {"unit_add: is WRITE, so its function must be volatile", "alter function op.unit_add stable"},
    {"surprise: function without a row in ops.def", "create function op.surprise(me int, out outcome mejora.outcome, "
                                                    "out error text, out error_args text[]) language sql as"
                                                    " $$ select 'ok'::mejora.outcome, null::text, null::text[] $$"},
    {"whoami: WhoamiReply has no field for 'shoe_size'",
     "drop function op.whoami; create function op.whoami(me int, out person text, out name text, out institution text,"
     " out roles mejora.role[], out units text[], out key bigint, out shoe_size int, out outcome mejora.outcome, out "
     "error text,"
     " out error_args text[]) stable language sql as $$ select null::text, null::text, null::text, "
     "null::mejora.role[], null::text[],"
     " null::bigint, 1, 'ok'::mejora.outcome, null::text, null::text[] $$"},
    {"task_done: field 'undo' of the message has no parameter of that name",
     "drop function op.task_done; create function op.task_done(me int, why text, out task op.task, out outcome "
     "mejora.outcome,"
     " out error text, out error_args text[], out before jsonb, out after jsonb) language sql as $$ select "
     "null::op.task,"
     " 'ok'::mejora.outcome, null::text, null::text[], null::jsonb, null::jsonb $$"},
    {"task_done: TaskDoneRequest has no field for 'hurry'",
     "drop function op.task_done; create function op.task_done(me int, undo boolean, why text, hurry boolean, out task "
     "op.task,"
     " out outcome mejora.outcome, out error text, out error_args text[], out before jsonb, out after jsonb) language "
     "sql as $$"
     " select null::op.task, 'ok'::mejora.outcome, null::text, null::text[], null::jsonb, null::jsonb $$"},
    {"task_done: needs 'before jsonb'",
     "drop function op.task_done; create function op.task_done(me int, undo boolean, why text, out task op.task,"
     " out outcome mejora.outcome, out error text, out error_args text[], out after jsonb) language sql as $$ select "
     "null::op.task,"
     " 'ok'::mejora.outcome, null::text, null::text[], null::jsonb $$"},
};

static void every_drift_is_found_and_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof drifts / sizeof *drifts; i++) {
        run("begin");
        run(drifts[i].drift);
        bool content = agrees();
        run("rollback");
        if (content || !strstr(said, drifts[i].said))
            fail_msg("%s: %s", drifts[i].said, content ? "not found" : said);
    }
}

static void what_was_migrated_agrees(void **state)
{
    (void)state;
    if (!agrees())
        fail_msg("%s", said);
}

/* All of them at once, so that one start is enough to see what is to be done. */
static void all_faults_are_named_at_once(void **state)
{
    (void)state;
    run("begin");
    run("alter type op.action add attribute colour text; alter function op.unit_add stable; drop function op.whoami");
    assert_false(agrees());
    run("rollback");
    assert_non_null(strstr(said, "'colour'"));
    assert_non_null(strstr(said, "unit_add: is WRITE"));
    assert_non_null(strstr(said, "whoami: field 'person'"));
}

/* What was made of it is SQL that PostgreSQL accepts. */
static void every_statement_can_be_prepared(void **state)
{
    (void)state;
    struct plan *plans = contract_check(pg);
    assert_non_null(plans);
    for (int i = 0; i < OPS; i++) {
        PGresult *r = PQprepare(pg, plans[i].op->name, plans[i].sql, plans[i].n_types, plans[i].types);
        if (PQresultStatus(r) != PGRES_COMMAND_OK)
            fail_msg("%s: %s", plans[i].op->name, PQresultErrorMessage(r));
        PQclear(r);
    }
    contract_free(plans);
}

static int start(void **state)
{
    (void)state;
    if (!mkdtemp(dir) || cluster_start(dir, &cluster) || migrate(cluster_conninfo(cluster)))
        return -1;
    pg = PQconnectdb(cluster_conninfo(cluster));
    return PQstatus(pg) == CONNECTION_OK ? 0 : -1;
}

static int unlink_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

static int stop(void **state)
{
    (void)state;
    PQfinish(pg);
    cluster_stop(cluster);
    nftw(dir, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_migrated_agrees),
        cmocka_unit_test(every_drift_is_found_and_named),
        cmocka_unit_test(all_faults_are_named_at_once),
        cmocka_unit_test(every_statement_can_be_prepared),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
