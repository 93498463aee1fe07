/* digest - what a reminder says: its subject and its text, in the language that gettext speaks at the moment.
 *
 * People's words are shown as they wrote them, without line breaks, control or direction characters. The caller frees
 * what is returned. As thread-safe as gettext. */
#pragma once

#include "reminder.pb-c.h"

#include <stdbool.h>

const char *digest_language(const Mejora__Mail *mail); /* "es", unless the person asked for "en" */
bool digest_complete(const Mejora__Mail *mail);        /* everything that the words need is there */
char *digest_subject(const Mejora__Mail *mail);        /* of a complete mail only, like digest_text */
char *digest_text(const Mejora__Mail *mail);           /* lines end in \n */
