/* check - one test mail, told step by step in the words of whoever set the relay up. */
#pragma once

#include "client/notify/smtp.h"

/* Writes to standard output. False: the relay did not take it, and the last line says what to look at. */
bool check_relay(const struct smtp_settings *relay, const char *from, const char *address);
