/* log - one line per event on stderr: time, level, key=value pairs. Safe from any thread.
 *
 * Values that people typed never go here: a log has other readers than the plan. */
#pragma once

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

bool log_set_level(const char *name); /* error, warning, info (the default), debug; false: none of these */
bool log_wants(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
