/* worker - leases what is due, sends it, and tells the server what became of it, until there is nothing more to do.
 *
 * A mail that is not reported comes back when its lease runs out, to this worker or another: nothing here has to be
 * undone. A long queue is worked off by several connections, each with a thread and leases of its own. What the struct
 * points to is borrowed. */
#pragma once

#include "client/lib/call.h"
#include "client/notify/smtp.h"
#include "common/checkpoint.h"

#include <stdatomic.h>

enum { CONNECTIONS = 50 };

enum worker_end { WORKER_DONE, WORKER_UNREACHABLE, WORKER_DENIED, WORKER_RELAY_AWAY, WORKER_FAILED };

/* What became of the mails, of all connections together. */
struct tally {
    _Atomic long sent, later, never, unknown;
    _Atomic long waiting;      /* reminders that the server still has, as last heard */
    _Atomic bool contradicted; /* the audit log is not what it was; the log says where the evidence is */
};

struct worker {
    const char *name, *from, *institution; /* institution: NULL for all */
    const char *bounces;                   /* the envelope's sender, * standing for the mail's number; NULL: as from */
    const char *language;                  /* of the worker's own words; a mail has its own */
    const struct profile *profile;
    const char *profile_file; /* what was seen of the audit log stands beside it */
    const struct smtp_settings *relay;
    int interval_s, lease_s, connections;
    bool once, progress;
    atomic_int *stop; /* set: the mail in hand is finished, then it ends */
    struct tally *tally;

    /* of one connection: worker_run makes and ends them */
    struct client *client;
    struct smtp *smtp;
    int limit;                                       /* mails asked for at once: more as long as they go quickly */
    unsigned failures;                               /* in a row, of server or relay */
    char checkpoint[LOG_KEY_TEXT + CHECKPOINT_TEXT]; /* of the audit log, for the mails of this lease */
    const Mejora__Mail *told;                        /* sent, and to be reported with the question about the next one */
    struct smtp_result told_result;
    char away[256]; /* what kept the relay from taking mail; empty: it takes some */
};

enum worker_end worker_run(struct worker *w);
