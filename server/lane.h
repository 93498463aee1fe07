/* lane - a thread with one PostgreSQL connection that runs everything waiting as one transaction: group commit.
 *
 * A batch is one flush and one answer: a statement per call, then Sync, which is the COMMIT. Nobody is answered before it.
 * While one batch runs the next is already sent, so the backend never waits for us, unless the lane gathers. Whatever goes
 * wrong, a call is either answered truly or told to ask again; asking again acts once. While the database is away calls
 * are told UNAVAILABLE. */
#pragma once

#include "server/contract.h"
#include "server/mailbox.h"

enum { MAX_BATCH = 512 };

struct batch {
    struct list list;
    int n;
    struct call *calls[MAX_BATCH];
};

struct lane {
    const char *conninfo;
    bool read_only;
    bool gathers; /* fewer, larger batches, one after the other: nobody sits and waits for these */
    const struct plan *plans;
    int batch; /* at most so many calls in one transaction */
    struct mailbox in, *out;
    pthread_t thread;
    PGconn *pg;
    struct batch *running, *next; /* next: sent behind the running one, or empty */
    int64_t began;                /* the last batch, by the monotonic clock in milliseconds */
    _Atomic bool closing;
    _Atomic unsigned long batches, calls, splits, losses, expired;
};

int lane_start(struct lane *l); /* the caller has set conninfo, read_only, plans, batch and out; 0, or -1 logged */
void lane_stop(struct lane *l); /* finishes what it was given */
