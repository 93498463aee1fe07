/* front - the one thread that owns the ROUTER: frames in, frames out, and what is not even a request.
 *
 * It never waits for anything but its poll: sends do not block, lanes do the work, calls come from a fixed pool and
 * beyond it, or beyond a key's share of it, the answer is BUSY. */
#pragma once

#include "server/lane.h"
#include "server/prepare.h"

enum { KEY_SLOTS = 1 << 14 };
enum { LEASES, REPORTS, WORKERS_LANES }; /* lanes that write, behind those that share the plans out */

struct share {
    uint16_t in_flight; /* calls of this key that lanes have */
    uint16_t refusals;  /* of this second, noted in the audit trail */
    int64_t second;
};

struct front {
    const struct plan *plans;
    void *router, *monitor;
    char endpoint[256];  /* as bound */
    struct mailbox done; /* calls that lanes have settled */
    int n_writers, n_readers;
    struct lane *writers, *readers; /* behind the n_writers those of the notification workers */
    struct preparer *preparer;
    int n_calls, busy;
    struct call *calls, *spare; /* free calls; the last one, which only ever says BUSY */
    unsigned next_reader;
    unsigned long received, refused, unsent, suppressed;
    struct share shares[KEY_SLOTS]; /* by key number; two keys that meet in a slot share it */
};

int front_open(struct front *f, void *zmq_context, const char *endpoint, const char *secret_key);
/* Until one of the two is readable (lost_fd may be -1), then what is under way is answered. True: it was stop_fd. */
bool front_run(struct front *f, int stop_fd, int lost_fd);
void front_close(struct front *f);
