/* followup - the follow-up table's rows, joined to the plan's by number; what their texts really speak of is pointed
 * out. */
#pragma once

#include "server/importer/notes.h"

/* After the plan has been read and its year settled. */
void followup_read(struct import *im);
