/* hints - tells watchers that something has changed in an institution, and nothing more: PUB behind the same CURVE and guard as
 * everything else. A hint may get lost; who wants to know what has changed asks change_list, and asks now and then unhinted.
 *
 * What is new it sees in the sealed log, so what any server on the database did is hinted at by all of them. The socket belongs
 * to the thread that calls hints_tell, from its first call on. */
#pragma once

#include <libpq-fe.h>
#include <stdint.h>

struct hints {
    void *socket; /* NULL: there are none */
    int64_t next; /* leaf; -1: not yet known */
};

/* "tcp://host:7117" to the same host, a port that the kernel chooses; NULL: not that kind of endpoint. */
const char *hints_beside(const char *endpoint, char ret[256]);

/* After keys_guard. Says the port to connections made from now on; 0, or -1 logged. */
int hints_open(struct hints *h, void *zmq_context, const char *endpoint, const char *secret_key);
void hints_tell(struct hints *h, PGconn *pg); /* what was sealed since it was last called */
void hints_close(struct hints *h);
