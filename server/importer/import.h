/* import - one reading in progress: the grid, what is known so far, and scratch memory for as long as it lasts.
 *
 * Running out of memory is remembered, not passed around: functions then answer with empty texts or NULL, which all of
 * the importer tolerates, and importer_read gives up at the end. json_t that is passed in is taken over; what is
 * returned is lent. */
#pragma once

#include <stdbool.h>

#include "common/arena.h"
#include "server/importer/importer.h"

enum field {
    F_NUMBER,
    F_CRITERION,
    F_SUBCRITERION,
    F_AREA,
    F_ACTION,
    F_OBJECTIVE,
    F_TASKS,
    F_TIME, /* spans start and end */
    F_START,
    F_END,
    F_RESOURCES,
    F_INDICATOR,
    F_OWNER,
    F_COMMENTS,
    F_YEAR,
    F_STATE, /* spans the steps */
    F_STEP0,
    F_STEP100 = F_STEP0 + 4,
    F_RESULT,
    FIELDS
};

enum table_kind { TABLE_PLAN, TABLE_FOLLOWUP, TABLE_KINDS };

struct table {
    enum table_kind kind;
    int width;                   /* columns that the headings cover */
    int column[FIELDS];          /* -1: none */
    const char *heading[FIELDS]; /* as the file prints it */
};

struct record { /* a numbered row under a table's headings */
    const struct table *table;
    const struct grid_row *row;
    int item_no;
    int shift;      /* how far its cells lie to the right of their headings */
    json_t *action; /* what a plan's row became; NULL when it could not be read */
};

struct records {
    struct record *all;
    size_t n;
};

struct import {
    const struct grid *grid;
    const struct catalogue *catalogue;
    struct importer_options options;
    struct arena scratch;
    bool exhausted;
    struct records records[TABLE_KINDS];
    const char **caf_names; /* beside catalogue->caf: "|title|variant|", plain */
    json_t *known_units;    /* folded name → unit */
    json_t *unit_codes;     /* those in use */
    size_t new_units;
    int title_year, year;
    int least_year, most_year; /* of all dates */
    bool t_assumed, saw_t, saw_month_year, saw_nfd, saw_table[TABLE_KINDS];
    json_t *title, *signatures, *actions, *units, *followup, *notes;
};

/* Texts: trimmed, in normal form C, living as long as the import. */
void *import_alloc(struct import *im, size_t size); /* zeroed; NULL when exhausted */
const char *import_slice(struct import *im, const char *text, size_t n);
const char *import_fold(struct import *im, const char *text);  /* text_fold */
const char *import_plain(struct import *im, const char *text); /* folded, without punctuation */
const char *import_print(struct import *im, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A record's cell under a heading; "" where there is none. */
const char *record_text(struct import *im, const struct record *record, enum field field);
const char *record_text_at(struct import *im, const struct record *record, enum field field, int shift);

/* The JSON that grows. */
json_t *import_keep(struct import *im, json_t *value); /* the value itself; NULL is remembered */
void import_put(struct import *im, json_t *object, const char *key, json_t *value);
void import_add(struct import *im, json_t *array, json_t *value);
json_t *text_or_null(const char *text);
const char *array_text(const json_t *array, size_t i); /* "" beyond the end */
const char *array_join(struct import *im, const json_t *array, const char *between);
