#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const names[] = {"error", "warning", "info", "debug"};
static enum log_level limit = LOG_INFO; /* set before threads start */

bool log_set_level(const char *name)
{
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], name)) {
            limit = (enum log_level)i;
            return true;
        }
    return false;
}

bool log_wants(enum log_level level)
{
    return level <= limit;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    char text[1024], when[32];
    struct timespec now;
    struct tm utc;
    va_list ap;
    if (!log_wants(level))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(when, sizeof when, "%FT%T", gmtime_r(&now.tv_sec, &utc));
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *c = text; *c; c++) /* one event, one line: whoever could write a newline could forge an event */
        if ((unsigned char)*c < ' ')
            *c = ' ';
    fprintf(stderr, "%s.%03ldZ %s %s\n", when, now.tv_nsec / 1000000, names[level], text); /* one call, one write */
}
