/* worker - leases what is due, sends it, and tells the server what became of it, until there is nothing more to do.
 *
 * A mail that is not reported comes back when its lease runs out, to this worker or another: nothing here has to be
 * undone. One thread. What the struct points to is borrowed. */
#pragma once

#include "client/lib/call.h"
#include "client/notify/smtp.h"

#include <signal.h>

enum worker_end { WORKER_DONE, WORKER_UNREACHABLE, WORKER_DENIED, WORKER_RELAY_AWAY, WORKER_FAILED };

struct worker {
    const char *name, *from, *institution; /* institution: NULL for all */
    const char *language;                  /* of the worker's own words; a mail has its own */
    struct client *client;
    struct smtp *smtp;
    int interval_s, lease_s;
    bool once, progress;
    volatile sig_atomic_t *stop; /* set: the mail in hand is finished, then it ends */
    long sent, later, never, unknown;
    long waiting;      /* reminders that the server still has, as last heard */
    unsigned failures; /* in a row, of server or relay */
    char away[256];    /* what kept the relay from taking mail; empty: it takes some */
};

enum worker_end worker_run(struct worker *w);
