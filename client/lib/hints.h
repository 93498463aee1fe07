/* hints - hears that there may be something to read, so that asking every few seconds is only for what was not heard.
 *
 * Whether anybody says anything is not known and does not matter: waiting always ends. One thread uses it. */
#pragma once

#include "client/lib/call.h"

struct hints;

struct hints *hints_new(const struct profile *profile); /* borrowed; NULL: out of memory */
void hints_free(struct hints *h);                       /* NULL is fine */

/* Listens at this port of the server that the client talks to, for this institution (NULL: for all of them); what it listens
 * to already stays. port 0: nobody publishes any. */
void hints_follow(struct hints *h, const struct client *c, int port, const char *institution);

/* Until a hint comes, so many milliseconds are over, or a signal arrives; several hints are one. */
void hints_wait(struct hints *h, int ms);
