/* phrase - what a digest says, piece by piece, for its text and its page alike, in the language that gettext speaks.
 *
 * People's words lose line breaks, control and direction characters, nothing else: whoever makes a page escapes them.
 * Each appends to the string it is given. As thread-safe as gettext. */
#pragma once

#include "reminder.pb-c.h"

#include <glib.h>
#include <stdbool.h>

void phrase_clean(GString *out, const char *text);            /* on one line */
void phrase_subject(GString *out, const Mejora__Mail *mail);  /* how many and how soon */
void phrase_greeting(GString *out, const Mejora__Mail *mail); /* Hello, Ana: */
void phrase_lead(GString *out, const Mejora__Mail *mail);     /* whose plan, how many */
void phrase_end(GString *out, const Mejora__MailItem *item);  /* Ends: 30 November 2026, in 9 days */
void phrase_name(GString *out, const Mejora__MailItem *item); /* the action's */
void phrase_percent(GString *out, const Mejora__MailItem *item);
/* Why somebody who does not answer for it hears of it. False: nothing, that is plain. */
bool phrase_why(GString *out, const Mejora__MailItem *item);
bool phrase_is_deadline(const Mejora__MailItem *item); /* of a plan itself: nothing to report, only to deliver */
bool phrase_asks(const Mejora__MailItem *item, Mejora__Ask ask);
const Mejora__MailItem *phrase_example(const Mejora__Mail *mail); /* the first action; NULL: there is none */
void phrase_unreached(GString *out, const Mejora__MailUnreached *who);
void phrase_report(GString *out, const Mejora__MailItem *item); /* the command that answers */
void phrase_see(GString *out, const Mejora__MailItem *item);    /* the command that shows it whole */
/* Other answers, with an action as their example: n counts from 0. False: there are no more. label: what it is for. */
bool phrase_other(unsigned n, const Mejora__MailItem *item, const char **ret_label, GString *command);
const char *phrase_footer(void);
const char *phrase_checkpoint(void); /* what stands above the audit log's */
