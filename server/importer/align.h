/* align - whether a row's cells stand under their headings, or one or two columns beside them. */
#pragma once

#include "server/importer/notes.h"

/* Sets the record's shift and names what that repairs or loses; false: the row fits no way, and is refused. */
bool record_align(struct import *im, struct record *record);
