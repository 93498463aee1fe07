/* units - the departments and committees that a table names, found among those that are known. */
#pragma once

#include "server/importer/notes.h"

/* Learns the catalogue's units. */
void units_learn(struct import *im);

/* The units in a record's cell: [{"unit": code, "name": …}], the first leads. New ones join im->units, with one note
 * each. */
json_t *units_read(struct import *im, const struct record *record, enum field field);

/* Whether two lists name the same units, in any order. */
bool units_same(const json_t *a, const json_t *b);

/* Whether they have one in common, a new one counting as what it probably is. */
bool units_overlap(const struct import *im, const json_t *a, const json_t *b);
