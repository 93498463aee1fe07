/* op - the table of operations (ops.def) as programs see it. Constant data, for any thread. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

enum op_kind { READ, NOW, NOTED, WRITE }; /* as ops.def has it */

struct op {
    const char *name;
    const ProtobufCMessageDescriptor *request, *reply;
    unsigned about; /* bit set: 1 << enum ref_level, what the reference may name */
    unsigned roles; /* bit set: 1 << Mejora__Role, who may */
    enum op_kind kind;
};

enum {
#define OP(name, Message, about, roles, kind) OP_##name,
#include "common/ops.def"
#undef OP
    OPS
};
extern const struct op ops[OPS];

const struct op *op_find(const char *name); /* NULL: no such row */

/* The label of an enum's value as people and SQL write it: STATE_DUE_SOON is "due_soon". */
const char *enum_label(const ProtobufCEnumDescriptor *type, int value, char ret[64]); /* NULL: no such value */
bool enum_value(const ProtobufCEnumDescriptor *type, const char *label, size_t size, int *ret);
