/* schedule - what the server does by the clock, in a thread with a connection of its own: lib.housekeeping and
 * home_claim, at the start and every minute.
 *
 * Any number of servers may do it; the function takes an advisory lock. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct schedule {
    const char *conninfo, *state;
    int wake; /* eventfd: stop */
    bool started;
    pthread_t thread;
};

int schedule_start(struct schedule *s); /* the caller has set conninfo and state; 0, or -1 */
void schedule_stop(struct schedule *s); /* also when it never started */
