/* grid - reads the bytes of a file into a grid of cells.
 *
 * grid_read makes the whole grid or none: on failure *ret is untouched and *fault says what is wrong and where.
 * The grid belongs to the caller, who frees it with grid_free. No globals; safe from any thread. */
#pragma once

#include "common/grid.h"

enum { GRID_LIMIT = 8 * 1024 * 1024 };

struct grid_file {
    struct grid grid;
    char delimiter; /* '\t', ';' or ',' */
    char *text;     /* what the cells point into */
    const char **cells;
    struct grid_row *rows;
};

struct grid_fault {
    const char *code; /* file_too_large, file_nul, … as in messages.def; its arguments are offset and line (limit if too
                         large) */
    size_t offset;    /* of the offending byte in the file; the limit for file_too_large */
    int line;
};

int grid_read(const void *bytes, size_t size, size_t limit, struct grid_file **ret, struct grid_fault *fault);
void grid_free(struct grid_file *file); /* NULL is fine */
