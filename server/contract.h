/* contract - the rows of ops.def held against the database's own catalogue, once, at start.
 *
 * Every field must have a parameter or column of its name and of a type it can meet, and the other way round.
 * What comes out is a plan per operation: one prepared statement, and how its values and the messages map.
 * Plans are constant once made and shared by all threads. */
#pragma once

#include "server/call.h"
#include "server/codec.h"

struct plan {
    const struct op *op;
    struct shape request, reply; /* parameters after the road's own; values of the reply's record */
    char *sql, *past; /* past: the same as of the instant that one more parameter says; NULL: not to be asked */
    int n_types;
    Oid types[MAX_COLUMNS];
    char *many_sql; /* a write for several requests, each parameter an array; NULL: has arrays itself */
    Oid arrays[MAX_COLUMNS];
    char *enter_sql; /* only says whether the asker may; NULL: the answer may depend on who asks */
    const ProtobufCFieldDescriptor *mine;
};

/* A read whose function is not told who asks answers everybody alike. One with a field `mine` is told where that is set. */
bool plan_is_alike(const struct plan *p, const struct call *c);

/* NULL when anything differs: every difference has been logged by operation and field. Free with contract_free. */
struct plan *contract_check(PGconn *pg);
void contract_free(struct plan plans[]);

/* The road's own parameters, in this order, then the request's fields. */
enum {
    ROAD_KEY,
    ROAD_INSTITUTION,
    ROAD_PLAN,
    ROAD_ITEM,
    ROAD_TASK,
    ROAD_READ,
    ROAD_ID = ROAD_READ,
    ROAD_HASH,
    ROAD_WRITE
};

/* What comes back, one row: */
enum { BACK_OUTCOME, BACK_ERROR, BACK_ARGS, BACK_REPLY };
