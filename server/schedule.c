#include "server/schedule.h"

#include "common/log.h"
#include "server/db.h"
#include "server/home.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVERY_MS = 60000 };

static const struct {
    const char *sql, *did; /* how many */
} jobs[] = {{"select lib.housekeeping()", "forgot requests"}, {"select road.prune(5000)", "pruned audit entries"}};

/* How much there was to do. */
static int housekeeping(PGconn *pg)
{
    int all = 0;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        PGresult *r = db_run(pg, jobs[i].sql, 0, NULL);
        int n = r ? atoi(PQgetvalue(r, 0, 0)) : 0;
        PQclear(r);
        if (n)
            log_line(LOG_INFO, "schedule: %s=%d", jobs[i].did, n);
        all += n;
    }
    return all;
}

static void *run(void *arg)
{
    struct schedule *s = arg;
    struct pollfd stop = {.fd = s->wake, .events = POLLIN};
    PGconn *pg = db_connect(s->conninfo, false);
    for (int n = 1; poll(&stop, 1, n ? 0 : EVERY_MS) == 0;) { /* at once where there was something: there may be more */
        if (PQstatus(pg) != CONNECTION_OK)
            PQreset(pg);
        n = housekeeping(pg);
        if (!n)
            home_claim(s->state, pg);
    }
    if (PQstatus(pg) == CONNECTION_OK)
        home_claim(s->state, pg);
    PQfinish(pg);
    return NULL;
}

int schedule_start(struct schedule *s)
{
    s->wake = eventfd(0, EFD_CLOEXEC);
    s->started = s->wake >= 0 && pthread_create(&s->thread, NULL, run, s) == 0;
    if (!s->started)
        log_line(LOG_ERROR, "schedule: cannot start");
    return s->started ? 0 : -1;
}

void schedule_stop(struct schedule *s)
{
    if (!s->started)
        return;
    eventfd_write(s->wake, 1);
    pthread_join(s->thread, NULL);
    close(s->wake);
}
