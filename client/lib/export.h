/* export - an export of the audit log as it is written: JSON objects, one a line, or a table with the same in its last column.
 *
 * docs/audit-log.md has both forms. Lines are in memory until there are some 64 KiB of them, never more. The caller owns the FILE and looks at
 * ferror when all is done. One thread uses a struct. */
#pragma once

#include "client/lib/entry.h"
#include "common/tree.h"

#include <jansson.h>
#include <nettle/sha2.h>
#include <stdio.h>

struct export
{
    FILE *out;
    bool csv, raw; /* raw: values that a spreadsheet takes for formulas are left as they are */
    bool begun;
    uint64_t entries;      /* written so far */
    uint64_t leaves;       /* entries and skipped ones */
    struct sha256_ctx sum; /* of what is written */
    struct bytes {
        char *at;
        size_t size, room;
    } line, waiting; /* line: behind some that are complete; waiting: lines that a table carries in its next row */
    size_t begin;    /* of the line */
};

/* log: the verifier key. filter: names and texts; borrowed. */
void export_begin(struct export *e, const char *log, const char *scope, json_t *filter, uint64_t size);
void export_skip(struct export *e, uint64_t leaf, const uint8_t *nodes, size_t size); /* the leaves before this one */
void export_entry(struct export *e, const uint8_t hash[TREE_HASH], const struct entry *entry); /* NULL: gone */
void export_checkpoint(struct export *e, const char *note);
void export_end(struct export *e);
void export_free(struct export *e);
