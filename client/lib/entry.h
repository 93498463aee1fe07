/* entry - an entry of the audit log as the values of its columns, as the bytes that are hashed and as a server's row.
 *
 * docs/audit-log.md has the columns; every value is text, exactly as it was hashed. Values are borrowed: from the row
 * that was read and the room for it, or from wherever they were taken. No state. */
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

enum { ENTRY_ROW = 4 + 8 * ENTRY_COLUMNS }; /* what a row takes at least */

/* A row of a page (proto/audit.proto): how many of the bytes it is; 0: they are none. */
size_t entry_row_size(const uint8_t *bytes, size_t size);
uint64_t entry_row_seq(const uint8_t *row);

enum { ENTRY_ROOM = 40 }; /* a value that is not text already */
bool entry_read(const uint8_t *row, char room[ENTRY_COLUMNS][ENTRY_ROOM], struct entry *ret); /* false: not its types */

/* The bytes that are hashed. */
size_t entry_size(const struct entry *e);
void entry_write(const struct entry *e, uint8_t *ret); /* entry_size bytes */

/* When it was made, in ISO 8601 to the microsecond; empty: it does not say. */
void entry_time(const struct entry *e, char ret[JSON_TIME]);
