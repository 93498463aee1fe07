#include "common/op.h"

#include "audit.pb-c.h"
#include "calendar.pb-c.h"
#include "change.pb-c.h"
#include "common/ref.h"
#include "people.pb-c.h"
#include "plan.pb-c.h"
#include "reminder.pb-c.h"
#include "server.pb-c.h"
#include "action.pb-c.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
    NOTHING = 1 << REF_NOTHING,
    INSTITUTION = 1 << REF_INSTITUTION,
    PLAN = 1 << REF_PLAN,
    ACTION = 1 << REF_ACTION,
    TASK = 1 << REF_TASK,
};
enum {
    ADMIN = 1 << MEJORA__ROLE__ROLE_ADMIN,
    PLANNER = 1 << MEJORA__ROLE__ROLE_PLANNER,
    RESPONSABLE = 1 << MEJORA__ROLE__ROLE_RESPONSABLE,
    AUTHORITY = 1 << MEJORA__ROLE__ROLE_AUTHORITY,
    AUDITOR = 1 << MEJORA__ROLE__ROLE_AUDITOR,
    VIEWER = 1 << MEJORA__ROLE__ROLE_VIEWER,
    NOTIFIER = 1 << MEJORA__ROLE__ROLE_NOTIFIER,
    INVITED = 1 << MEJORA__ROLE__ROLE_INVITED,
    READERS = ADMIN | PLANNER | RESPONSABLE | AUTHORITY | AUDITOR | VIEWER,
    ANYBODY = READERS | NOTIFIER,
};

const struct op ops[OPS] = {
#define OP(name, Message, about, roles, kind)                                                                          \
    {#name, &mejora__##name##_request__descriptor, &mejora__##name##_reply__descriptor, about, roles, kind},
#include "common/ops.def"
#undef OP
};

const struct op *op_find(const char *name)
{
    for (const struct op *op = ops; op < ops + OPS; op++)
        if (!strcmp(op->name, name))
            return op;
    return NULL;
}

/* Every enum begins with PREFIX_UNSPECIFIED, so that tells the prefix. */
static size_t enum_prefix(const ProtobufCEnumDescriptor *type)
{
    return strlen(type->values[0].name) - strlen("UNSPECIFIED");
}

const char *enum_label(const ProtobufCEnumDescriptor *type, int value, char ret[64])
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(type, value);
    if (!v)
        return NULL;
    char *to = ret;
    for (const char *from = v->name + enum_prefix(type); *from && to < ret + 63; from++)
        *to++ = (char)tolower((unsigned char)*from);
    *to = '\0';
    return ret;
}

bool enum_value(const ProtobufCEnumDescriptor *type, const char *label, size_t size, int *ret)
{
    size_t prefix = enum_prefix(type);
    for (unsigned i = 0; i < type->n_values; i++) {
        const char *name = type->values[i].name + prefix;
        if (strlen(name) == size && !strncasecmp(name, label, size)) {
            *ret = type->values[i].value;
            return true;
        }
    }
    return false;
}
