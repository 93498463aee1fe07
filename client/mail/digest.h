/* digest - what a reminder says, as text and as a page, in the language that gettext speaks at the moment.
 *
 * The caller frees what is returned. As thread-safe as gettext. */
#pragma once

#include "reminder.pb-c.h"

#include <stdbool.h>

enum { DIGEST_ITEMS = 40 }; /* the actions that are told in full; of the others there is a count */

const char *digest_language(const Mejora__Mail *mail); /* "es", unless the person asked for "en" */
bool digest_complete(const Mejora__Mail *mail);        /* false: something is missing that the words need */
char *digest_subject(const Mejora__Mail *mail);

/* checkpoint: of the audit log, for the footer; NULL: there is none. Lines end in \n. */
char *digest_text(const Mejora__Mail *mail, const char *checkpoint);
char *digest_page(const Mejora__Mail *mail, const char *checkpoint); /* HTML, without anything from elsewhere */
char *digest_calendar(const Mejora__Mail *mail, int64_t now); /* iCalendar with the ends to come; NULL: none is */
