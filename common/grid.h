/* grid - a table of text as it stood in a file: rows of cells, each row with its line.
 *
 * Borrowed memory throughout: whoever made the grid owns what it points to. Cells are UTF-8, never NULL. */
#pragma once

#include <stddef.h>

struct grid_row {
    int line; /* of the file, from 1 */
    size_t n;
    const char *const *cells;
};

struct grid {
    size_t n;
    const struct grid_row *rows;
    const char *encoding; /* how the file was read: "UTF-8", "UTF-16LE", "UTF-16BE", "windows-1252" */
};
