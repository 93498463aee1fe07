/* seal - makes the audit trail provable: a thread with a connection of its own that adds committed entries to the Merkle tree
 * and signs its checkpoints, twice a second. Nobody who writes waits for it.
 *
 * Watchers are told from here what is new in the log (hints.h).
 *
 * Any number of servers may run one; an advisory lock lets one at a time. The key is STATE/audit.key (0600), and the database
 * knows its public half: a server with another key does not seal. What does not continue what was signed is never signed: the last
 * checkpoint that this server signed stands in STATE/audit.checkpoint, in the form of a client's. */
#pragma once

#include "common/checkpoint.h"
#include "server/hints.h"

#include <pthread.h>

struct seal {
    const char *conninfo, *state;
    struct hints *hints;
    struct log_key key;
    uint8_t secret[64];
    struct checkpoint last; /* the one this server signed last; size 0: none */
    int64_t mark_after;     /* of the monotonic clock, in milliseconds */
    int wake;               /* eventfd: stop */
    bool started, broken;
    pthread_t thread;
};

int seal_start(struct seal *s); /* the caller has set conninfo, state and hints; 0, or -1 logged */
void seal_stop(struct seal *s); /* also when it never started */
