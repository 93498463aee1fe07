/* document - what stands around the tables: title, year, signatures. */
#pragma once

#include "server/importer/notes.h"

/* Takes a row that is the title or a signature; false: it is neither. */
bool document_line(struct import *im, const struct grid_row *row);

/* Settles title and year, after all dates have been seen. */
void document_settle(struct import *im);
