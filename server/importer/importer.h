/* importer - reads a grid as an improvement plan: what it means, what had to be repaired, what only people can decide.
 *
 * A pure function: no input or output, no globals, safe from any thread. Everything passed in is lent for the call. The
 * draft it returns belongs to the caller; NULL only when out of memory. A draft with a note of kind "refused" is not to
 * be applied; its notes name every fault, not just the first. */
#pragma once

#include <jansson.h>

#include "common/grid.h"
#include "common/period.h"

/* The plan's edges: beyond them a file is refused, saying where. */
enum {
    IMPORTER_ROWS = 10000,
    IMPORTER_COLUMNS = 64,
    IMPORTER_CELL = 32 * 1024,
    IMPORTER_LIST = 64,
    IMPORTER_NEW_UNITS = 200
};

struct catalogue_caf { /* a criterion ("3") or a subcriterion ("3.1") */
    const char *number, *title;
    const char *variants; /* titles also accepted, separated by `|`; may be empty or NULL, as all below */
    const char *title_2013;
};

struct catalogue_unit {
    const char *code; /* NULL: made from the name */
    const char *name;
    const char *aliases; /* separated by `|` */
};

struct catalogue {
    const struct catalogue_caf *caf;
    size_t n_caf;
    const struct catalogue_unit *units; /* this institution's */
    size_t n_units;
    const struct catalogue_unit *common; /* generally known ones */
    size_t n_common;
};

struct importer_options {
    int year;              /* of the plan; 0: as the table says */
    enum period_t t_means; /* 0: a quarter, and a note says so */
};

json_t *importer_read(const struct grid *grid, const struct catalogue *catalogue,
                      const struct importer_options *options);
