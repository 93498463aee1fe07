/* clock - time that only goes forward. For timeouts and waiting; what day it is, the database says. */
#pragma once

#include <stdint.h>

int64_t clock_ms(void); /* monotonic */
void clock_pause_ms(long ms);
