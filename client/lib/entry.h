/* entry - an entry of the audit log as the bytes that are hashed and as the values of its columns.
 *
 * docs/audit-log.md has the columns; every value is text, exactly as it was hashed. Values are borrowed: from the bytes
 * that were read, or from wherever they were taken. No state. */
#pragma once

#include "common/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENTRY_COLUMNS = 21 };
extern const char *const entry_columns[ENTRY_COLUMNS];

struct entry {
    struct entry_value {
        const char *text; /* NULL: absent */
        size_t size;
    } values[ENTRY_COLUMNS];
};

int entry_column(const char *name, size_t size, int likely); /* -1: there is none; likely: which one it may be */

/* All columns, without a version before them. How many of the bytes that is; 0: they are none. */
size_t entry_read(const uint8_t *bytes, size_t size, struct entry *ret);
size_t entry_size(const struct entry *e);
void entry_write(const struct entry *e, uint8_t *ret); /* entry_size bytes */

/* When it was made, in ISO 8601 to the microsecond; empty: it does not say. */
void entry_time(const struct entry *e, char ret[JSON_TIME]);
