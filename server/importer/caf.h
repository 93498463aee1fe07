/* caf - which criterion and subcriteria of the CAF a row speaks of. */
#pragma once

#include "server/importer/notes.h"

/* Prepares the catalogue's titles for comparison. */
void caf_learn(struct import *im);

/* Whether a folded cell opens with a subcriterion's number: "subcriterio 4.6." or "4.6". */
bool caf_numbered(const char *folded);

/* Sets action's criterion and subcriteria; `above` is the action of the row above, or NULL. */
void caf_read(struct import *im, const struct record *record, json_t *action, const json_t *above);
