/* keys - who may connect: answers ZAP for every new connection, in a thread of its own, from the database.
 *
 * Without it libzmq lets anybody in, so nothing may be bound before, and keys_prove shows that it works. What a key may do
 * is decided per message by the statement itself (lib.enter), so nothing here goes stale. */
#pragma once

#include <stdbool.h>

int keys_guard(void *zmq_context, const char *conninfo); /* 0, or -1 logged; lives until the context ends */
void keys_join(void);                                    /* after the context has ended */

/* Knocks at the endpoint with a key nobody has and without CURVE: both must be refused. */
bool keys_prove(void *zmq_context, const char *endpoint, const char *server_key);
