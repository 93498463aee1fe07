/* death - how the server and its PostgreSQL come to their ends: at any moment, or from within a statement.
 *
 * Whatever goes wrong here fails the running cmocka test. One thread. */
#pragma once

#include "tests/support/lib/mejorad.h"

enum death { DEATH_SERVER, DEATH_BACKEND, DEATH_POSTMASTER, DEATH_IMMEDIATE, DEATH_FAST, DEATH_SESSIONS, DEATHS };
enum { DEATHS_WITHIN = DEATH_IMMEDIATE + 1 }; /* the first of them can be ordered from within */

/* Where in the one statement of a write: when its row is in, or about to be. */
enum place { PLACE_CHANGE, PLACE_REQUEST, PLACE_AUDIT, PLACE_END, PLACES };

extern const char *const death_names[DEATHS], *const place_names[PLACES];

pid_t death_writer(const struct mejorad *m);         /* the backend that writes */
void death_now(struct mejorad *m, enum death death); /* the server itself is waited for */

/* At the n-th write from now on, once. The killer is the writing backend's own child. */
void death_order(const struct mejorad *m, enum death death, enum place place, int n);
bool death_came(const struct mejorad *m);
void death_forget(const struct mejorad *m);
