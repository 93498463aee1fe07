/* What a start does to a database: a private PostgreSQL for all tests, a database of its own for each. */
#include "server/cluster.h"
#include "server/migrate.h"

#include <ftw.h>
#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_OF(path, text)                                                                                            \
    {                                                                                                                  \
        path, text, sizeof(text) - 1                                                                                   \
    }

enum { MAX_FILES = 8 };

static struct cluster *cluster;
static char dir[] = "/tmp/mejora.XXXXXX";
static char database[256], said[8192], answer[1024];

/* ---- a database and what it says ---- */

static char *ask_as(const char *user, const char *sql)
{
    char conninfo[512];
    snprintf(conninfo, sizeof conninfo, "%s user=%s", database, user);
    PGconn *pg = PQconnectdb(conninfo);
    PGresult *r = PQexec(pg, sql);
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    bool row = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) > 0;
    snprintf(answer, sizeof answer, "%s", row ? PQgetvalue(r, 0, 0) : state ? state : PQerrorMessage(pg));
    PQclear(r);
    PQfinish(pg);
    return answer;
}

static char *ask(const char *sql)
{
    return ask_as("postgres", sql);
}

/* migrate_files, with the log in said. */
static int run(const struct sql_file *files)
{
    int log = memfd_create("log", MFD_CLOEXEC), err = dup(2);
    dup2(log, 2);
    int r = migrate_files(database, files);
    dup2(err, 2);
    close(err);
    ssize_t n = pread(log, said, sizeof said - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    close(log);
    return r;
}

static void assert_runs(const struct sql_file *files)
{
    if (run(files) != 0)
        fail_msg("it failed: %s", said);
}

static void assert_said(const char *words)
{
    if (!strstr(said, words))
        fail_msg("expected \"%s\" in: %s", words, said);
}

/* The real roles and these files, in the order of their paths. */
static const struct sql_file *with_roles(const struct sql_file files[])
{
    static struct sql_file all[MAX_FILES];
    const struct sql_file *roles = sql_files;
    size_t n = 0;
    while (strcmp(roles->path, "roles.sql"))
        roles++;
    for (; files[n].path; n++)
        all[n] = files[n];
    all[n++] = *roles;
    all[n] = (struct sql_file){0};
    return all;
}

static int new_database(void **state)
{
    static int number;
    char sql[64];
    (void)state;
    snprintf(database, sizeof database, "%s", cluster_conninfo(cluster));
    snprintf(sql, sizeof sql, "create database t%d", ++number);
    ask(sql);
    snprintf(database, sizeof database, "%s dbname=t%d", cluster_conninfo(cluster), number);
    return 0;
}

/* ---- the tests ---- */

static const struct sql_file plain[] = {
    FILE_OF("lib/a.sql", "create function lib.one() returns int language sql as 'select 1'"),
    FILE_OF("migrate/0001_thing.sql",
            "create schema mejora; create table mejora.thing (id int primary key, name text)"),
    FILE_OF("ops/thing_get.sql", "create function op.thing_get() returns text language sql begin atomic"
                                 " select name from mejora.thing where id = lib.one(); end"),
    {0},
};

static void everything_applies_and_again_changes_nothing(void **state)
{
    static const char print[] =
        "select md5(string_agg(t::text, ',')) from (select name, sha256::text, applied_at::text from"
        " road.migration union all select oid::text, proname, '' from pg_proc order by 1) t";
    char first[64];
    (void)state;
    assert_runs(sql_files);
    assert_string_equal(ask("select count(*) > 1 from road.migration"), "t");
    snprintf(first, sizeof first, "%s", ask(print));
    assert_runs(sql_files);
    assert_string_equal(said, "");
    assert_string_equal(ask(print), first);
}

static void the_audit_trail_is_only_added_to(void **state)
{
    static const char *const forbidden[] = {
        "update road.audit set op = 'x'",
        "delete from road.audit",
        "truncate road.audit",
        "set road.pruning = on; delete from road.audit",
        "insert into history.unit (institution, unit, until, gone) values ('x', 'x', now(), true)",
        "delete from history.unit",
        "alter table road.audit disable trigger all",
        "drop table road.audit",
        "delete from road.migration",
        "update road.migration set name = 'x'",
        "set role mejora_owner",
        "create table mejora.mine (n int)",
        "create function op.mine() returns int language sql as 'select 1'"};
    (void)state;
    assert_runs(sql_files);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        assert_string_equal(ask_as("mejora_server", forbidden[i]), "42501");
    assert_string_equal(ask_as("mejora_server", "select count(*) from road.audit"), "0");
    assert_string_equal(ask_as("mejora_server", "select has_table_privilege('road.audit', 'insert')"), "t");
    assert_string_equal(ask("select count(*) from pg_class where relowner = 'mejora_server'::regrole"), "0");
    assert_string_equal(ask("select rolsuper or rolbypassrls or not rolcanlogin from pg_roles"
                            " where rolname = 'mejora_server'"),
                        "f");
    assert_string_equal(ask("select rolcanlogin from pg_roles where rolname = 'mejora_owner'"), "f");
}

static void a_slip_in_the_grants_is_repaired(void **state)
{
    (void)state;
    assert_runs(sql_files);
    ask("grant update, delete, truncate on road.audit to mejora_server");
    assert_runs(sql_files);
    assert_string_equal(ask("select has_table_privilege('mejora_server', 'road.audit', 'update, delete, truncate')"),
                        "f");
}

static void later_tables_get_the_same_grants(void **state)
{
    (void)state;
    assert_runs(with_roles(plain));
    assert_string_equal(ask_as("mejora_server", "insert into mejora.thing values (1, 'one') returning id"), "1");
    assert_string_equal(ask_as("mejora_server", "update mejora.thing set name = 'uno' returning name"), "uno");
    assert_string_equal(ask_as("mejora_server", "select op.thing_get()"), "uno");
    assert_string_equal(ask_as("mejora_server", "delete from mejora.thing"), "42501");
    ask("create role stranger login");
    assert_string_equal(ask_as("stranger", "select op.thing_get()"), "42501");
    assert_string_equal(ask_as("stranger", "select * from mejora.thing"), "42501");
}

static void a_file_changed_after_it_was_applied_is_refused(void **state)
{
    static const struct sql_file changed[] = {FILE_OF("migrate/0001_thing.sql", "create schema mejora"),
                                              FILE_OF("migrate/0002_more.sql", "create table mejora.more (id int)"),
                                              {0}};
    (void)state;
    assert_runs(with_roles(plain));
    assert_int_equal(run(with_roles(changed)), -1);
    assert_said("file=migrate/0001_thing.sql error=\"it was changed after it had been applied\"");
    assert_string_equal(ask("select to_regclass('mejora.more') is null and to_regproc('op.thing_get') is not null"),
                        "t");
}

static void a_newer_database_is_refused(void **state)
{
    static const struct sql_file later[] = {FILE_OF("migrate/0001_thing.sql", "create schema mejora"),
                                            FILE_OF("migrate/0002_more.sql", "create table mejora.more (id int)"),
                                            {0}};
    static const struct sql_file earlier[] = {FILE_OF("migrate/0001_thing.sql", "create schema mejora"), {0}};
    (void)state;
    assert_runs(with_roles(later));
    assert_int_equal(run(with_roles(earlier)), -1);
    assert_said("file=migrate/0002_more.sql error=\"the database is newer than this program\"");
}

static void a_file_below_an_applied_one_is_refused(void **state)
{
    static const struct sql_file first[] = {FILE_OF("migrate/0002_b.sql", "create schema mejora"), {0}};
    static const struct sql_file second[] = {FILE_OF("migrate/0001_a.sql", "create table road.a (id int)"),
                                             FILE_OF("migrate/0002_b.sql", "create schema mejora"),
                                             {0}};
    (void)state;
    assert_runs(with_roles(first));
    assert_int_equal(run(with_roles(second)), -1);
    assert_said("file=migrate/0001_a.sql error=\"a later file has already been applied: migrate/0002_b.sql\"");
}

static void a_file_that_fails_leaves_nothing_and_names_the_line(void **state)
{
    static const struct sql_file wrong[] = {
        FILE_OF("migrate/0001_thing.sql", "create schema mejora;\n-- año\ncreate table mejora.thing (id itn)"), {0}};
    static const struct sql_file ends[] = {FILE_OF("migrate/0001_thing.sql", "create schema mejora; rollback"), {0}};
    (void)state;
    assert_int_equal(run(with_roles(wrong)), -1);
    assert_said("file=migrate/0001_thing.sql line=3 sqlstate=42704");
    assert_string_equal(ask("select to_regnamespace('mejora') is null"), "t");
    assert_int_equal(run(with_roles(ends)), -1);
    assert_said("it ends the transaction");
    assert_runs(with_roles(plain));
}

static void operations_are_replaced_and_tables_stay(void **state)
{
    static const struct sql_file next[] = {
        FILE_OF("migrate/0001_thing.sql",
                "create schema mejora; create table mejora.thing (id int primary key, name text)"),
        FILE_OF("migrate/0002_rename.sql", "alter table mejora.thing drop column name"), /* op.thing_get uses it */
        FILE_OF("ops/thing_count.sql", "create function op.thing_count() returns bigint language sql"
                                       " as 'select count(*) from mejora.thing'"),
        {0}};
    (void)state;
    assert_runs(with_roles(plain));
    ask("insert into mejora.thing values (1, 'one')");
    assert_runs(with_roles(next));
    assert_string_equal(ask_as("mejora_server", "select op.thing_count()"), "1");
    assert_string_equal(ask("select to_regproc('op.thing_get') is null and to_regproc('lib.one') is null"), "t");
}

static void operations_that_fail_leave_the_old_ones(void **state)
{
    static struct sql_file next[sizeof plain / sizeof *plain];
    (void)state;
    assert_runs(with_roles(plain));
    memcpy(next, plain, sizeof plain);
    next[2] = (struct sql_file)FILE_OF("ops/thing_get.sql", "create function op.thing_get() retruns text");
    assert_int_equal(run(with_roles(next)), -1);
    assert_said("file=ops/thing_get.sql line=1 sqlstate=42601");
    assert_string_equal(ask("select to_regproc('op.thing_get') is not null"), "t");
}

static void a_table_that_uses_op_is_refused_not_robbed(void **state)
{
    static const char *const users[] = {
        "alter table mejora.thing add n int default lib.one()", "alter table mejora.thing add m op.pair",
        "create policy p on mejora.thing using (lib.one() = 1)", "create view mejora.v as select lib.one()"};
    static struct sql_file files[MAX_FILES], next[MAX_FILES];
    (void)state;
    memcpy(files, plain, sizeof plain);
    files[0] = (struct sql_file)FILE_OF("lib/a.sql", "create function lib.one() returns int language sql as 'select 1';"
                                                     "create type op.pair as (a int, b int);"
                                                     "create domain lib.positive as int check (value > lib.one());"
                                                     "create view op.ones as select lib.one() as one");
    memcpy(next, files, sizeof files);
    next[2] = (struct sql_file)FILE_OF("ops/thing_get.sql",
                                       "create function op.thing_get() returns int language sql as 'select 2'");
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        new_database(NULL);
        assert_runs(with_roles(files));
        ask(users[i]);
        assert_int_equal(run(with_roles(next)), -1);
        assert_said("schemas lib and op are used from outside");
    }
    new_database(NULL);
    assert_runs(with_roles(files)); /* their own use of each other is no obstacle */
    assert_runs(with_roles(next));
}

static void catalogues_follow_their_files(void **state)
{
    static const char table[] =
        "create schema mejora; create table mejora.area (no int, kind text, name text, note text default"
        " 'none', primary key (kind, no)); create table mejora.uses (kind text, no int, foreign key"
        " (kind, no) references mejora.area)";
    static struct sql_file files[] = {FILE_OF("data/area.tsv", "kind\tno\tname\na\t1\tÑame\na\t2\t\nb\t1\t\"\\t\n"),
                                      FILE_OF("migrate/0001_area.sql", table),
                                      {0}};
    static const char all[] =
        "select string_agg(concat_ws('|', kind, no, coalesce(name, '-'), note), ' ' order by kind, no)"
        " from mejora.area";
    (void)state;
    assert_runs(with_roles(files));
    assert_string_equal(ask(all), "a|1|Ñame|none a|2|-|none b|1|\"\\t|none");
    ask("insert into mejora.uses values ('a', 1)");
    files[0] = (struct sql_file)FILE_OF("data/area.tsv", "kind\tno\tname\na\t1\tYuca\nc\t1\tcé");
    assert_runs(with_roles(files));
    assert_string_equal(ask(all), "a|1|Yuca|none c|1|cé|none");
    files[0] = (struct sql_file)FILE_OF("data/area.tsv", "kind\tno\tname\nc\t1\tcé\n");
    assert_int_equal(run(with_roles(files)), -1); /* a/1 is in use */
    assert_said("file=data/area.tsv");
    assert_said("sqlstate=23503");
    files[0] = (struct sql_file)FILE_OF("data/area.tsv", "kind\tno\tname\nc\tone\tcé\n");
    assert_int_equal(run(with_roles(files)), -1);
    assert_said("sqlstate=22P02");
    assert_string_equal(ask(all), "a|1|Yuca|none c|1|cé|none");
}

static void many_at_once_are_as_one(void **state)
{
    enum { MANY = 4 };
    pid_t pids[MANY];
    int status, ok = 0;
    (void)state;
    for (int i = 0; i < MANY; i++)
        if ((pids[i] = fork()) == 0)
            _exit(run(sql_files) == 0 ? 0 : 1);
    for (int i = 0; i < MANY; i++)
        ok += waitpid(pids[i], &status, 0) == pids[i] && status == 0;
    assert_int_equal(ok, MANY);
    assert_string_equal(ask("select count(distinct applied_at) = count(*) from road.migration"), "t");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

/* A database of somebody else's server: its owner may create roles and is no superuser. */
static void no_superuser_is_needed(void **state)
{
    struct cluster *other;
    char own[] = "/tmp/mejora.XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(own));
    assert_int_equal(cluster_start(own, &other), 0);
    snprintf(database, sizeof database, "%s", cluster_conninfo(other));
    ask("create role boss login createrole createdb");
    ask("alter database mejora owner to boss");
    snprintf(database, sizeof database, "%s user=boss", cluster_conninfo(other));
    assert_runs(sql_files);
    assert_runs(sql_files);
    assert_string_equal(ask_as("mejora_server", "select count(*) from road.audit"), "0");
    assert_string_equal(ask_as("mejora_server", "delete from road.audit"), "42501");
    cluster_stop(other);
    assert_int_equal(nftw(own, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void what_cannot_work_is_said(void **state)
{
    (void)state;
    ask("create database latin template template0 encoding latin1 locale 'C'");
    snprintf(database, sizeof database, "%s dbname=latin", cluster_conninfo(cluster));
    assert_int_equal(run(sql_files), -1);
    assert_said("encoding is LATIN1");
    snprintf(database, sizeof database, "%s dbname=nowhere", cluster_conninfo(cluster));
    assert_int_equal(run(sql_files), -1);
    assert_said("cannot connect");
}

/* ---- around them ---- */

static int start(void **state)
{
    (void)state;
    return mkdtemp(dir) ? cluster_start(dir, &cluster) : -1;
}

static int stop(void **state)
{
    (void)state;
    cluster_stop(cluster);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_applies_and_again_changes_nothing, new_database),
        cmocka_unit_test_setup(the_audit_trail_is_only_added_to, new_database),
        cmocka_unit_test_setup(a_slip_in_the_grants_is_repaired, new_database),
        cmocka_unit_test_setup(later_tables_get_the_same_grants, new_database),
        cmocka_unit_test_setup(a_file_changed_after_it_was_applied_is_refused, new_database),
        cmocka_unit_test_setup(a_newer_database_is_refused, new_database),
        cmocka_unit_test_setup(a_file_below_an_applied_one_is_refused, new_database),
        cmocka_unit_test_setup(a_file_that_fails_leaves_nothing_and_names_the_line, new_database),
        cmocka_unit_test_setup(operations_are_replaced_and_tables_stay, new_database),
        cmocka_unit_test_setup(operations_that_fail_leave_the_old_ones, new_database),
        cmocka_unit_test_setup(a_table_that_uses_op_is_refused_not_robbed, new_database),
        cmocka_unit_test_setup(catalogues_follow_their_files, new_database),
        cmocka_unit_test_setup(many_at_once_are_as_one, new_database),
        cmocka_unit_test_setup(no_superuser_is_needed, new_database),
        cmocka_unit_test_setup(what_cannot_work_is_said, new_database),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
