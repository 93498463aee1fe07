/* spoken - what operations, rules and values of the protocol are called in front of people, in their language.
 *
 * Only tables and lines for people are worded; JSON, CSV and TSV keep the protocol's names. */
#pragma once

#include <jansson.h>
#include <stddef.h>

enum { SPOKEN_OP = 64 };

/* "progress report", "avance reportar": the words of its command, else a phrase; a name that is not known is itself. */
const char *spoken_op(const char *op, char ret[SPOKEN_OP]);
/* The operation that is called so in either language, or its name itself; NULL: none. */
const char *spoken_op_read(const char *typed);

/* A value under that name in an entry of the audit log; the caller frees it. NULL is no value. */
char *spoken_value(const char *field, json_t *value);
/* "Progress: 75 → 50" for each field that is not what it was; the caller frees it. */
char *spoken_changes(json_t *before, json_t *after);
/* Why it was refused, as the client words the code; the caller frees it. */
char *spoken_refusal(const char *code, char *const args[], size_t n);

/* In every row of the reply's lists: operations, rules, values of changed fields, and reasons that are codes. */
void spoken_reply(json_t *reply);
