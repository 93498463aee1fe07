/* db - connections to PostgreSQL as the server uses them, and what its failures mean.
 *
 * A connection belongs to one thread. SQLSTATE is read here and nowhere else. */
#pragma once

#include "server/codec.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* The settings every connection gets besides its conninfo; before any db_connect. now: a time for rehearsals, or NULL. */
void db_settings(const char *version, const char *now);
void db_announce(int hint_port); /* what change_list says of it on every connection made from now on; 0: nothing */

/* As role mejora_server. Never NULL, but PQstatus tells. PQfinish it. */
PGconn *db_connect(const char *conninfo, bool read_only);

enum db_failure {
    DB_FINAL,     /* it would fail again */
    DB_PASSES,    /* serialization, deadlock, a key that somebody else inserted first */
    DB_WAITED,    /* a timeout, for a lock or of the statement: everybody behind it has waited too, so once is enough */
    DB_EXHAUSTED, /* no disk, no memory, no connection left: it may come back */
    DB_ELSEWHERE, /* this one only reads: who writes is somebody else now */
};
enum db_failure db_failure(const PGresult *r);
void db_log_failure(const char *what, const PGresult *r);

/* One statement with text parameters; NULL and logged unless it gave rows or finished. PQclear it. */
PGresult *db_run(PGconn *pg, const char *sql, int n, const char *const values[]);
/* The same with everything in binary form, both ways; at most so many. */
enum { DB_VALUES = 4 };
PGresult *db_run_binary(PGconn *pg, const char *sql, int n, const struct slice values[]);
