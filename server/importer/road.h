/* road - where the interpreter meets a request: reads the catalogues, interprets the grid, makes the call that SQL applies. */
#pragma once

#include "server/call.h"

#include <libpq-fe.h>

/* In the call's arena; NULL when refused (the call says why) or when the database failed. */
ProtobufCMessage *importer_prepare(PGconn *pg, struct call *c);

/* The same for a directory sheet, which SQL reads itself. */
ProtobufCMessage *directory_prepare(PGconn *pg, struct call *c);
