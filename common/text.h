/* text - comparing what people write as people do: accents, case, spacing and the kind of dash do not count.
 *
 * Pure functions over NUL-terminated UTF-8; safe from any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { TEXT_NEAR_MAX = 8 };

/* The text for comparison: no accents, lower case, single spaces, "-" for any dash. The caller frees it.
 * NULL when out of memory or when the text is not UTF-8. */
char *text_fold(const char *text);

/* The number that a text begins with; 0 when it begins with no digit. No more than nine digits are read. */
int text_number(const char *text);

/* Whether at most `edits` (no more than TEXT_NEAR_MAX) inserted, dropped or replaced bytes separate two folded texts.
 */
bool text_near(const char *a, const char *b, size_t edits);
