#include "server/migrate.h"

#include "common/log.h"

#include <libpq-fe.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEX = 2 * crypto_hash_sha256_BYTES + 1, OLDEST_SERVER = 150000 };

struct run {
    PGconn *pg;
    const struct sql_file *files;
    PGresult *applied; /* name, sha256 */
    bool changed;
};

/* Every name in sql/ says its schema, so what is made does not depend on who makes it. The lock is held until we
 * disconnect. */
static const char begin_session[] =
    "set client_encoding = 'UTF8'; set client_min_messages = warning; set search_path = '';"
    "set timezone = 'UTC'; set statement_timeout = 0; set lock_timeout = 0;"
    "set idle_in_transaction_session_timeout = 0;"
    "select pg_advisory_lock(hashtextextended('mejora.migrate', 0))";

static const char make_record[] =
    "create schema if not exists road;"
    "create table if not exists road.migration (name text primary key, sha256 bytea not null,"
    " applied_at timestamptz not null default now())";

static const char drop_code[] = "drop schema if exists op_past, lib_past, past, op, lib cascade";

/* Dropping lib and op must take nothing else along: a column of a type of theirs, or a policy that calls them. */
static const char outside_users[] =
    "with ours as (select oid from pg_namespace where nspname in ('lib', 'op')),"
    " used as (select 'pg_proc'::regclass as class, oid from pg_proc where pronamespace in (table ours)"
    "          union all select 'pg_type'::regclass, oid from pg_type where typnamespace in (table ours))"
    "select string_agg(distinct pg_describe_object(d.classid, d.objid, d.objsubid), '; ')"
    "  from used u join pg_depend d on (d.refclassid, d.refobjid) = (u.class, u.oid) and d.deptype = 'n',"
    "       pg_identify_object(d.classid, d.objid, d.objsubid) o"
    " where coalesce(o.schema, '') not in ('lib', 'op', 'lib_past', 'op_past') and o.identity !~ ' (on|for) "
    "(lib|op)[.]'";

/* Rows that a catalogue no longer has go, unless something refers to them; the rest is inserted or brought up to date.
 */
static const char merge_incoming[] =
    "do $$ declare t regclass := current_setting('migrate.target'); k text; c text; x text;"
    "begin"
    " select string_agg(quote_ident(a.attname), ', ') into k from pg_index i"
    "   join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indrelid = t and "
    "i.indisprimary;"
    " select string_agg(quote_ident(attname), ', ' order by attnum),"
    "        string_agg('excluded.' || quote_ident(attname), ', ' order by attnum) into c, x"
    "   from pg_attribute where attrelid = 'pg_temp.incoming'::regclass and attnum > 0;"
    " if k is null then raise 'table % has no primary key', t; end if;"
    " execute format('delete from %s where (%s) not in (select %s from pg_temp.incoming)', t, k, k);"
    " execute format('insert into %s (%s) select %s from pg_temp.incoming on conflict (%s) do update set (%s) = "
    "row(%s)',"
    "                t, c, c, k, c, x);"
    "end $$; drop table pg_temp.incoming";

/* ---- running SQL ---- */

static const char *or_none(const char *s)
{
    return s ? s : "";
}

/* The line that a position in characters is on. */
static int line_of(const char *sql, const char *position)
{
    int line = 1;
    for (long left = position ? strtol(position, NULL, 10) - 1 : 0; left > 0 && *sql; sql++) {
        line += *sql == '\n';
        left -= (sql[1] & 0xc0) != 0x80; /* the next byte begins a character */
    }
    return line;
}

/* What the database says about our own SQL; its detail might quote rows and is left out. */
static int fail_sql(PGconn *pg, const char *what, const char *sql, const PGresult *r)
{
    const char *position = PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION), *why;
    why = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    log_line(LOG_ERROR, "part=migrate file=%s line=%d sqlstate=%s error=\"%s\" hint=\"%s\"", what,
             line_of(sql, position), or_none(PQresultErrorField(r, PG_DIAG_SQLSTATE)), why ? why : PQerrorMessage(pg),
             or_none(PQresultErrorField(r, PG_DIAG_MESSAGE_HINT)));
    return -1;
}

static int exec(PGconn *pg, const char *what, const char *sql)
{
    PGresult *r = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(r);
    int ret = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : fail_sql(pg, what, sql, r);
    PQclear(r);
    return ret;
}

static int exec_file(PGconn *pg, const struct sql_file *f)
{
    if (exec(pg, f->path, f->text) != 0)
        return -1;
    if (PQtransactionStatus(pg) == PQTRANS_INTRANS)
        return 0;
    log_line(LOG_ERROR,
             "part=migrate file=%s error=\"it ends the transaction\" hint=\"leave begin and commit to mejorad\"",
             f->path);
    return -1;
}

/* Commits what went well; what did not leaves nothing. */
static int finish(PGconn *pg, int result)
{
    return exec(pg, "commit", result == 0 ? "commit" : "rollback") == 0 ? result : -1;
}

/* ---- what was applied ---- */

static bool is_in(const struct sql_file *f, const char *folder)
{
    return !strncmp(f->path, folder, strlen(folder));
}

static bool is_code(const struct sql_file *f)
{
    return is_in(f, "lib/") || is_in(f, "ops/") || is_in(f, "past.sql") || is_in(f, "data/");
}

static bool is_migration(const struct sql_file *f)
{
    return is_in(f, "migrate/");
}

static void hash_file(crypto_hash_sha256_state *h, const struct sql_file *f)
{
    crypto_hash_sha256_update(h, (const unsigned char *)f->text, f->size);
}

static void hash_end(crypto_hash_sha256_state *h, char hex[HEX])
{
    unsigned char sum[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(h, sum);
    sodium_bin2hex(hex, HEX, sum, sizeof sum);
}

static void sum_file(const struct sql_file *f, char hex[HEX])
{
    crypto_hash_sha256_state h;
    crypto_hash_sha256_init(&h);
    hash_file(&h, f);
    hash_end(&h, hex);
}

static void sum_code(const struct sql_file *files, char hex[HEX])
{
    crypto_hash_sha256_state h;
    crypto_hash_sha256_init(&h);
    for (const struct sql_file *f = files; f->path; f++)
        if (is_code(f)) {
            crypto_hash_sha256_update(&h, (const unsigned char *)f->path, strlen(f->path) + 1);
            hash_file(&h, f);
        }
    hash_end(&h, hex);
}

static int applied_read(struct run *run)
{
    PQclear(run->applied);
    run->applied = PQexec(run->pg, "select to_regclass('road.migration') is not null");
    if (PQresultStatus(run->applied) == PGRES_TUPLES_OK && PQgetvalue(run->applied, 0, 0)[0] == 't') {
        PQclear(run->applied);
        run->applied =
            PQexec(run->pg, "select name, encode(sha256, 'hex') from road.migration order by name collate \"C\"");
    } else if (PQresultStatus(run->applied) == PGRES_TUPLES_OK) {
        PQclear(run->applied);
        run->applied = PQexec(run->pg, "select '', '' where false");
    }
    return PQresultStatus(run->applied) == PGRES_TUPLES_OK ? 0 : fail_sql(run->pg, "road.migration", "", run->applied);
}

/* The recorded sum, or NULL. */
static const char *applied_sum(const struct run *run, const char *name)
{
    for (int i = 0; i < PQntuples(run->applied); i++)
        if (!strcmp(PQgetvalue(run->applied, i, 0), name))
            return PQgetvalue(run->applied, i, 1);
    return NULL;
}

static int record(struct run *run, const char *name, const char *sum)
{
    const char *values[] = {name, sum};
    static const char insert[] = "insert into road.migration (name, sha256) values ($1, decode($2, 'hex'))"
                                 " on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()";
    if (exec(run->pg, "road.migration", make_record) != 0)
        return -1;
    PGresult *r = PQexecParams(run->pg, insert, 2, NULL, values, NULL, NULL, 0);
    int ret = PQresultStatus(r) == PGRES_COMMAND_OK ? 0 : fail_sql(run->pg, name, insert, r);
    PQclear(r);
    run->changed = true;
    return ret;
}

/* ---- migrations ---- */

static const struct sql_file *find(const struct sql_file *files, const char *path)
{
    while (files->path && strcmp(files->path, path))
        files++;
    return files->path ? files : NULL;
}

/* The history of the database must be the beginning of ours. */
static int history_check(const struct run *run)
{
    const char *last = "";
    for (int i = 0; i < PQntuples(run->applied); i++) {
        const char *name = PQgetvalue(run->applied, i, 0);
        const struct sql_file *f = find(run->files, name);
        char sum[HEX];
        if (strncmp(name, "migrate/", 8))
            continue;
        last = name;
        if (!f) {
            log_line(LOG_ERROR,
                     "part=migrate file=%s error=\"the database is newer than this program\" "
                     "hint=\"run the mejorad that applied this file, or a later one\"",
                     name);
            return -1;
        }
        sum_file(f, sum);
        if (strcmp(sum, PQgetvalue(run->applied, i, 1))) {
            log_line(LOG_ERROR,
                     "part=migrate file=%s error=\"it was changed after it had been applied\" "
                     "hint=\"put it back as it was and make the change in a new file\"",
                     name);
            return -1;
        }
    }
    for (const struct sql_file *f = run->files; f->path; f++)
        if (is_migration(f) && strcmp(f->path, last) < 0 && !applied_sum(run, f->path)) {
            log_line(LOG_ERROR,
                     "part=migrate file=%s error=\"a later file has already been applied: %s\" "
                     "hint=\"give it a higher number\"",
                     f->path, last);
            return -1;
        }
    return 0;
}

static int outside_check(PGconn *pg)
{
    PGresult *r = PQexec(pg, outside_users);
    int ret = 0;
    if (PQresultStatus(r) != PGRES_TUPLES_OK) {
        ret = fail_sql(pg, "pg_depend", outside_users, r);
    } else if (!PQgetisnull(r, 0, 0)) {
        log_line(LOG_ERROR,
                 "part=migrate error=\"schemas lib and op are used from outside: %s\" "
                 "hint=\"they are dropped and made again; move what is used to schema mejora or road\"",
                 PQgetvalue(r, 0, 0));
        ret = -1;
    }
    PQclear(r);
    return ret;
}

/* A function may depend on the tables that a migration changes, so the functions go first. They come back afterwards:
 * without its row in the record the code counts as changed. */
static int code_drop(struct run *run)
{
    if (outside_check(run->pg) != 0 || exec(run->pg, "lib, op", drop_code) != 0)
        return -1;
    return applied_sum(run, "code") ? exec(run->pg, "road.migration", "delete from road.migration where name = 'code'")
                                    : 0;
}

static int migration_apply(struct run *run, const struct sql_file *f)
{
    char sum[HEX];
    sum_file(f, sum);
    log_line(LOG_INFO, "part=migrate event=applying file=%s", f->path);
    if (exec(run->pg, f->path, "begin") != 0)
        return -1;
    bool ok = code_drop(run) == 0 && exec_file(run->pg, f) == 0 && record(run, f->path, sum) == 0;
    return finish(run->pg, ok ? 0 : -1);
}

static int migrations_apply(struct run *run)
{
    if (history_check(run) != 0)
        return -1;
    for (const struct sql_file *f = run->files; f->path; f++)
        if (is_migration(f) && !applied_sum(run, f->path) && migration_apply(run, f) != 0)
            return -1;
    return 0;
}

/* ---- operations and catalogues ---- */

/* "a\tb" as a list of column names for SQL. */
static bool columns_print(PGconn *pg, const char *header, size_t size, FILE *out)
{
    char *copy = strndup(header, size), *rest = copy;
    bool ok = copy;
    for (const char *name; ok && (name = strsep(&rest, "\t"));) {
        char *quoted = PQescapeIdentifier(pg, name, strlen(name));
        ok = quoted && fprintf(out, "%s%s", name == copy ? "" : ", ", quoted) > 0;
        PQfreemem(quoted);
    }
    free(copy);
    return ok;
}

/* The name of the file is the name of the table; its first line names the columns. Cells are as they stand, an empty
 * one is null: CSV whose quote nobody types. */
static char *incoming_sql(PGconn *pg, const struct sql_file *f)
{
    const char *name = f->path + strlen("data/");
    char *sql = NULL, *table = PQescapeIdentifier(pg, name, strcspn(name, "."));
    size_t size;
    FILE *out = table ? open_memstream(&sql, &size) : NULL;
    if (out) {
        fprintf(out, "set local migrate.target = 'mejora.%s'; create temp table incoming on commit drop as select ",
                table);
        bool ok = columns_print(pg, f->text, strcspn(f->text, "\n"), out);
        fprintf(out,
                " from mejora.%s with no data; copy pg_temp.incoming from stdin"
                " (format csv, delimiter E'\\t', quote E'\\b')",
                table);
        if (fclose(out) != 0 || !ok) {
            free(sql);
            sql = NULL;
        }
    }
    PQfreemem(table);
    return sql;
}

static int copy_in(PGconn *pg, const struct sql_file *f, const char *sql)
{
    size_t header = strcspn(f->text, "\n") + 1;
    int ret = 0;
    PGresult *r = PQexec(pg, sql);
    if (PQresultStatus(r) != PGRES_COPY_IN)
        ret = fail_sql(pg, f->path, sql, r);
    else if (header < f->size)
        PQputCopyData(pg, f->text + header, (int)(f->size - header));
    if (ret == 0)
        PQputCopyEnd(pg, NULL);
    PQclear(r);
    while ((r = PQgetResult(pg))) {
        if (PQresultStatus(r) != PGRES_COMMAND_OK)
            ret = fail_sql(pg, f->path, sql, r);
        PQclear(r);
    }
    return ret;
}

static int data_load(PGconn *pg, const struct sql_file *f)
{
    char *sql = incoming_sql(pg, f);
    int ret = sql ? copy_in(pg, f, sql) : -1;
    if (ret == 0)
        ret = exec(pg, f->path, merge_incoming);
    free(sql);
    return ret;
}

static int code_make(struct run *run, const char *sum)
{
    static const char *const folders[] = {"lib/", "ops/", "past.sql"};
    if (code_drop(run) != 0 || exec(run->pg, "lib, op", "create schema lib; create schema op") != 0)
        return -1;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        for (const struct sql_file *f = run->files; f->path; f++)
            if (is_in(f, folders[i]) && exec_file(run->pg, f) != 0)
                return -1;
    for (const struct sql_file *f = run->files; f->path; f++)
        if (is_in(f, "data/") && data_load(run->pg, f) != 0)
            return -1;
    return outside_check(run->pg) == 0 ? record(run, "code", sum) : -1;
}

static int code_replace(struct run *run)
{
    char sum[HEX];
    sum_code(run->files, sum);
    const char *was = applied_sum(run, "code");
    if (was && !strcmp(was, sum))
        return 0;
    log_line(LOG_INFO, "part=migrate event=replacing_operations");
    if (exec(run->pg, "begin", "begin") != 0)
        return -1;
    return finish(run->pg, code_make(run, sum));
}

/* ---- all of it ---- */

static int roles_apply(struct run *run)
{
    const struct sql_file *f = find(run->files, "roles.sql");
    if (exec(run->pg, "begin", "reset role; begin") != 0)
        return -1;
    return finish(run->pg, f ? exec_file(run->pg, f) : -1);
}

static int server_check(PGconn *pg)
{
    const char *encoding = PQparameterStatus(pg, "server_encoding");
    if (PQstatus(pg) != CONNECTION_OK) {
        log_line(LOG_ERROR, "part=migrate error=\"cannot connect: %s\"", PQerrorMessage(pg));
        return -1;
    }
    if (PQserverVersion(pg) < OLDEST_SERVER) {
        log_line(LOG_ERROR, "part=migrate error=\"PostgreSQL %d is too old\" hint=\"use 15 or later\"",
                 PQserverVersion(pg) / 10000);
        return -1;
    }
    if (!encoding || strcmp(encoding, "UTF8")) {
        log_line(LOG_ERROR,
                 "part=migrate error=\"the database's encoding is %s\" hint=\"create it with encoding UTF8\"",
                 or_none(encoding));
        return -1;
    }
    return 0;
}

static int run_all(struct run *run)
{
    if (server_check(run->pg) != 0 || exec(run->pg, "session", begin_session) != 0 || roles_apply(run) != 0)
        return -1;
    if (exec(run->pg, "roles.sql", "set role mejora_owner") != 0 || applied_read(run) != 0 ||
        migrations_apply(run) != 0)
        return -1;
    if (applied_read(run) != 0 || code_replace(run) != 0)
        return -1;
    return run->changed ? roles_apply(run) : 0;
}

int migrate_files(const char *conninfo, const struct sql_file files[])
{
    struct run run = {.pg = PQconnectdb(conninfo), .files = files};
    int ret = run_all(&run);
    PQclear(run.applied);
    PQfinish(run.pg);
    return ret;
}

int migrate(const char *conninfo)
{
    return migrate_files(conninfo, sql_files);
}
