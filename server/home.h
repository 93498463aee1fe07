/* home - knows a database that was restored from a backup, or copied, from the one this server left.
 *
 * STATE/home holds a random word, and how far the audit trail had come when the server last looked. A copy of the file is
 * told by its inode and its birth. Any thread, one at a time. */
#pragma once

#include <libpq-fe.h>

/* Has reminders held back where it is another database, and says so in the log. 0, or -1 logged. */
int home_claim(const char *state, PGconn *pg);
