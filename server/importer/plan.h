/* plan - the plan's rows become actions. */
#pragma once

#include "server/importer/notes.h"

void plan_read(struct import *im);
