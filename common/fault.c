#include "common/fault.h"

#ifdef MEJORA_FAULTS
#include "common/clock.h"
#include "common/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DELAY_MS = 300 };

static const char *const names[] = {
#define POINT(name) #name,
#include "common/fault.def"
#undef POINT
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int ordered = FAULT_POINTS;
static char action[8];
static _Atomic int left;

static void read_order(void)
{
    const char *order = getenv("MEJORA_FAULT");
    char name[32];
    int count;
    if (!order)
        return;
    if (sscanf(order, "%31[^:]:%7[^:]:%d", name, action, &count) == 3)
        for (ordered = 0; ordered < FAULT_POINTS && strcmp(names[ordered], name) != 0;)
            ordered++;
    if (ordered == FAULT_POINTS || count < 1)
        log_line(LOG_ERROR, "fault: not an order: %s", order);
    left = count;
}

bool fault(enum fault_point point)
{
    pthread_once(&once, read_order);
    if ((int)point != ordered || left-- != 1)
        return false;
    log_line(LOG_WARNING, "fault: point=%s action=%s", names[point], action);
    if (!strcmp(action, "kill"))
        kill(getpid(), SIGKILL);
    if (!strcmp(action, "delay"))
        clock_pause_ms(DELAY_MS);
    return !strcmp(action, "error");
}
#endif
