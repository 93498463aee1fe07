#include "server/db.h"

#include "common/log.h"

#include <stdio.h>
#include <string.h>

static char settings[512];
static _Atomic int announced;

/* Generic plans are kept, also those made while a table was small: so they had better never be sequential scans. */
void db_settings(const char *version, const char *now)
{
    snprintf(
        settings, sizeof settings,
        "-c role=mejora_server -c search_path=pg_catalog -c TimeZone=UTC -c statement_timeout=15s -c lock_timeout=2s"
        " -c idle_in_transaction_session_timeout=60s -c synchronous_commit=on -c plan_cache_mode=force_generic_plan"
        " -c enable_seqscan=off -c jit=off -c mejora.institution= -c mejora.version=%s",
        version);
    size_t used = strlen(settings);
    if (now && *now)
        snprintf(settings + used, sizeof settings - used, " -c mejora.now=%s", now);
}

void db_announce(int hint_port)
{
    announced = hint_port;
}

PGconn *db_connect(const char *conninfo, bool read_only)
{
    char options[sizeof settings + 96];
    int port = announced, used = snprintf(options, sizeof options, "%s%s", settings,
                                          read_only ? " -c default_transaction_read_only=on" : "");
    if (port)
        snprintf(options + used, sizeof options - (size_t)used, " -c mejora.hint_port=%d", port);
    const char *keywords[] = {"dbname",           "options",          "connect_timeout",
                              "keepalives_idle",  "tcp_user_timeout", "target_session_attrs",
                              "application_name", "client_encoding",  NULL};
    const char *values[] = {conninfo, options, "3", "10", "5000", "read-write", "mejorad", "UTF8", NULL};
    if (read_only) /* a read-only session would not pass for read-write */
        values[5] = "primary";
    return PQconnectdbParams(keywords, values, 1);
}

static const struct {
    const char *state; /* or how it begins */
    enum db_failure failure;
} failures[] = {
    {"40", DB_PASSES},    {"23505", DB_PASSES}, {"55P03", DB_WAITED},
    {"57014", DB_WAITED}, {"53", DB_EXHAUSTED}, {"25006", DB_ELSEWHERE},
};

enum db_failure db_failure(const PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    for (size_t i = 0; state && i < sizeof failures / sizeof *failures; i++)
        if (!strncmp(state, failures[i].state, strlen(failures[i].state)))
            return failures[i].failure;
    return DB_FINAL;
}

/* Only codes are logged: message and detail would quote people's data. The context is our own SQL. */
void db_log_failure(const char *what, const PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE), *name = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
    const char *context = PQresultErrorField(r, PG_DIAG_CONTEXT);
    log_line(LOG_WARNING, "database: op=%s sqlstate=%s constraint=%s context=%.200s", what, state ? state : "-",
             name ? name : "-", context ? context : "-");
    if (state && !strncmp(state, "42", 2)) /* our own mistake in SQL: no data in it */
        log_line(LOG_ERROR, "database: op=%s %s", what, PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
}

static PGresult *checked(const char *sql, PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return r;
    db_log_failure(sql, r);
    PQclear(r);
    return NULL;
}

PGresult *db_run(PGconn *pg, const char *sql, int n, const char *const values[])
{
    return checked(sql, PQexecParams(pg, sql, n, NULL, values, NULL, NULL, 0));
}

PGresult *db_run_binary(PGconn *pg, const char *sql, int n, const struct slice values[])
{
    const char *data[DB_VALUES];
    int sizes[DB_VALUES], formats[DB_VALUES];
    for (int i = 0; i < n; i++) {
        data[i] = values[i].data;
        sizes[i] = values[i].size;
        formats[i] = 1;
    }
    return checked(sql, PQexecParams(pg, sql, n, NULL, data, sizes, formats, 1));
}
