/* db - connections to PostgreSQL as the server uses them, and what its failures mean.
 *
 * A connection belongs to one thread. SQLSTATE is read here and nowhere else. */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>

/* The settings every connection gets besides its conninfo; before any db_connect. now: a time for rehearsals, or NULL. */
void db_settings(const char *version, const char *now);
void db_announce(int hint_port); /* what change_list says of it on every connection made from now on; 0: nothing */

/* As role mejora_server. Never NULL, but PQstatus tells. PQfinish it. */
PGconn *db_connect(const char *conninfo, bool read_only);

bool db_may_pass(
    const PGresult *r); /* serialization, deadlock, lock timeout, a key that somebody else inserted first */
bool db_has_waited(const PGresult *r); /* lock timeout */
void db_log_failure(const char *what, const PGresult *r);

/* One statement with text parameters; NULL and logged unless it gave rows or finished. PQclear it. */
PGresult *db_run(PGconn *pg, const char *sql, int n, const char *const values[]);
