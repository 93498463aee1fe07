/* headings - finds the tables of a grid by the names of their columns, and the numbered rows under them. */
#pragma once

#include "server/importer/notes.h"

/* Fills im->records; lines that belong to no table go to document_line. */
void headings_read(struct import *im);
