/* prepare - the operations whose request C works on before SQL does: a thread that reads what it needs from the database,
 * turns the request into the message that the SQL function is called with, and passes the call on to its lane. */
#pragma once

#include "server/lane.h"

const ProtobufCMessageDescriptor *prepared_request(const struct op *op); /* what the function's parameters come from */
bool prepare_wanted(const struct op *op);

struct preparer {
    const char *conninfo;
    struct lane *lane; /* where prepared calls go */
    struct mailbox in;
    pthread_t thread;
    bool started;
    PGconn *pg;
};

int preparer_start(struct preparer *p); /* the caller has set conninfo and lane; 0, or -1 */
void preparer_stop(struct preparer *p); /* also when it never started */
