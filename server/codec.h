/* codec - a protobuf field and a PostgreSQL value in binary form, each made from the other.
 *
 * One row of the table in codec.c is one pair of types that may meet. A field that is not present is NULL.
 * Everything made is in the arena given. No state; an arena belongs to one thread at a time. */
#pragma once

#include "common/arena.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

enum { MAX_COLUMNS = 32 };

/* Types made by the schema have no fixed OID; these stand for all of their kind. */
enum { ANY_ENUM = 1, ANY_ENUM_ARRAY = 2 };

struct slice {
    const void *data; /* NULL: SQL NULL */
    int size;
};

struct column {
    const ProtobufCFieldDescriptor *field;
    const struct codec *codec; /* NULL for a message: */
    struct shape *message;     /* it comes as a record; a repeated one as records, one after the other */
    Oid type, element, array;  /* element: of an array; array: of such values */
};

/* How a message looks in SQL: as the parameters of a function, or as a record. */
struct shape {
    const ProtobufCMessageDescriptor *type;
    int n;
    struct column columns[MAX_COLUMNS];
};

/* class: an OID of a built-in type, or ANY_ENUM… NULL: these two never meet. */
const struct codec *codec_find(ProtobufCType type, bool repeated, Oid class);

/* False: the member cannot be this SQL type (a date that is none), or the arena is spent. */
bool column_put(const struct column *c, const ProtobufCMessage *from, struct arena *mem, struct slice *ret);

/* Fills a fresh message from a record (what record_send makes). Fewer values than columns: an older server stored it. */
bool shape_read(const struct shape *s, struct slice record, ProtobufCMessage *into, struct arena *mem);

/* A text[] as a list of strings. */
bool texts_read(struct slice array, struct arena *mem, char ***ret, size_t *ret_n);

/* Values of one type as an array of them; a NULL is a null element. */
bool array_make(const struct slice elements[], size_t n, Oid type, struct arena *mem, struct slice *ret);

struct slice slice_i32(int32_t value, struct arena *mem); /* data NULL when the arena is spent */
struct slice slice_i64(int64_t value, struct arena *mem);
