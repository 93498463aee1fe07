/* compose - one leased reminder as a mail, ready for a relay: headers, encodings, CRLF.
 *
 * Nothing that a person typed can become a header: what does not fit into one is refused, not repaired. Call
 * compose_start once, before the rest. What is returned belongs to the caller (free). One thread at a time. */
#pragma once

#include "reminder.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

enum { COMPOSE_ADDRESS = 255 };

enum compose_fault {
    COMPOSE_OK,
    COMPOSE_INCOMPLETE,  /* the lease left out what the words need */
    COMPOSE_BAD_ADDRESS, /* no relay could deliver to it */
    COMPOSE_BAD_HEADER,  /* a name or an id that holds a line break or another control character */
};

void compose_start(void);

/* The bare address in "Plan de mejora <plan@example.do>". False: not exactly one address that compose_mail would take.
 */
bool compose_sender(const char *from, char ret[COMPOSE_ADDRESS]);

struct compose_settings {
    const char *from;       /* what compose_sender takes */
    const char *checkpoint; /* of the audit log; NULL: none */
    int64_t now;            /* seconds since 1970, for the Date header */
};

/* In the language that gettext speaks. NULL: *fault says why. */
char *compose_mail(const Mejora__Mail *mail, const struct compose_settings *set, enum compose_fault *fault);
char *compose_test(const char *address, const struct compose_settings *set, enum compose_fault *fault);
const char *compose_fault_name(enum compose_fault fault); /* for logs and the ledger */
