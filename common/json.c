#include "common/json.h"

#include "common/op.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <uninorm.h>
#include <unistr.h>

enum { USECS = 1000000 };

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), tail = strlen(end);
    return size >= tail && !strcmp(text + size - tail, end);
}

bool json_is_time(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_INT64 && (!strcmp(f->name, "at") || !strcmp(f->name, "now") ||
                                                ends_with(f->name, "_at") || ends_with(f->name, "_until"));
}

const char *json_time(int64_t usecs, char ret[JSON_TIME])
{
    int64_t rest = (usecs % USECS + USECS) % USECS;
    time_t seconds = (time_t)((usecs - rest) / USECS);
    struct tm tm;
    char day[JSON_TIME - 8];
    if (!gmtime_r(&seconds, &tm) || !strftime(day, sizeof day, "%FT%T", &tm))
        strcpy(day, "?");
    snprintf(ret, JSON_TIME, "%s.%06" PRId64 "Z", day, rest);
    return ret;
}

bool json_time_read(const char *text, int64_t *ret_usecs)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t fraction = 0;
    if (rest && *rest == '.') {
        int64_t unit = USECS / 10;
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            fraction += unit * (*rest - '0');
    }
    if (!rest || (strcmp(rest, "Z") != 0 && strcmp(rest, "+00:00") != 0)) /* as PostgreSQL writes it */
        return false;
    *ret_usecs = (int64_t)timegm(&tm) * USECS + fraction;
    return true;
}

/* ---- message to JSON ---- */

static size_t element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64: return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    default: return 4;
    }
}

static json_t *from_bytes(const ProtobufCBinaryData *bytes)
{
    char *hex = malloc(bytes->len * 2 + 1);
    json_t *text = hex ? json_string(sodium_bin2hex(hex, bytes->len * 2 + 1, bytes->data, bytes->len)) : NULL;
    free(hex);
    return text;
}

static json_t *from_enum(const ProtobufCEnumDescriptor *type, int value)
{
    char label[64];
    return enum_label(type, value, label) ? json_string(label) : json_integer(value); /* a newer server's value */
}

static json_t *from_int64(const ProtobufCFieldDescriptor *f, int64_t value)
{
    char text[JSON_TIME];
    return json_is_time(f) ? json_string(json_time(value, text)) : json_integer(value);
}

static json_t *from_member(const ProtobufCFieldDescriptor *f, const void *member)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: return json_string(*(char *const *)member);
    case PROTOBUF_C_TYPE_MESSAGE: return json_from_message(*(ProtobufCMessage *const *)member);
    case PROTOBUF_C_TYPE_BYTES: return from_bytes(member);
    case PROTOBUF_C_TYPE_BOOL: return json_boolean(*(const protobuf_c_boolean *)member);
    case PROTOBUF_C_TYPE_ENUM: return from_enum(f->descriptor, *(const int *)member);
    case PROTOBUF_C_TYPE_INT64: return from_int64(f, *(const int64_t *)member);
    case PROTOBUF_C_TYPE_UINT32: return json_integer(*(const uint32_t *)member);
    default: return json_integer(*(const int32_t *)member);
    }
}

static json_t *from_repeated(const ProtobufCFieldDescriptor *f, const void *member, size_t n)
{
    json_t *array = json_array();
    const char *element = *(char *const *)member;
    for (size_t i = 0; array && i < n; i++, element += element_size(f->type))
        if (json_array_append_new(array, from_member(f, element)) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static bool is_present(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *m)
{
    const void *member = (const char *)m + f->offset;
    if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void *const *)member != NULL;
    return *(const protobuf_c_boolean *)(const void *)((const char *)m + f->quantifier_offset) != 0;
}

json_t *json_from_message(const ProtobufCMessage *m)
{
    json_t *object = json_object();
    for (unsigned i = 0; object && i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        const void *member = (const char *)m + f->offset;
        json_t *value;
        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            value = from_repeated(f, member, *(const size_t *)(const void *)((const char *)m + f->quantifier_offset));
        else if (is_present(f, m))
            value = from_member(f, member);
        else
            continue;
        if (json_object_set_new(object, f->name, value) < 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* ---- JSON to message ---- */

static bool wrong(struct json_fault *fault, const char *field, const char *accepted)
{
    snprintf(fault->field, sizeof fault->field, "%s", field);
    snprintf(fault->accepted, sizeof fault->accepted, "%s", accepted);
    return false;
}

static bool wrong_label(struct json_fault *fault, const ProtobufCFieldDescriptor *f)
{
    const ProtobufCEnumDescriptor *type = f->descriptor;
    char label[64];
    wrong(fault, f->name, "");
    for (unsigned i = 1; i < type->n_values; i++) {
        size_t used = strlen(fault->accepted);
        snprintf(fault->accepted + used, sizeof fault->accepted - used, "%s%s", used ? ", " : "",
                 enum_label(type, type->values[i].value, label));
    }
    return false;
}

static bool to_integer(json_t *value, const ProtobufCFieldDescriptor *f, int64_t min, int64_t max, int64_t *ret,
                       struct json_fault *fault)
{
    if (json_is_time(f) && json_is_string(value))
        return json_time_read(json_string_value(value), ret) || wrong(fault, f->name, "2026-11-21T02:26:34Z");
    *ret = json_integer_value(value);
    char accepted[64];
    snprintf(accepted, sizeof accepted, "%" PRId64 " … %" PRId64, min, max);
    return (json_is_integer(value) && *ret >= min && *ret <= max) || wrong(fault, f->name, accepted);
}

static bool to_bytes(json_t *value, ProtobufCBinaryData *ret)
{
    const char *hex = json_string_value(value);
    size_t size = hex ? strlen(hex) / 2 : 0;
    ret->data = malloc(size + 1);
    return hex && ret->data && !sodium_hex2bin(ret->data, size, hex, strlen(hex), NULL, &ret->len, NULL);
}

static bool to_enum(json_t *value, const ProtobufCFieldDescriptor *f, int *ret)
{
    const char *label = json_string_value(value);
    return label && strcasecmp(label, "unspecified") != 0 && enum_value(f->descriptor, label, strlen(label), ret);
}

/* A string must not hold a NUL: the far side would see another text. */
static bool to_string(json_t *value, char **ret)
{
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) && (*ret = strdup(text));
}

static bool to_member(json_t *value, const ProtobufCFieldDescriptor *f, void *member, struct json_fault *fault)
{
    int64_t number = 0;
    bool ok;
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: return to_string(value, member) || wrong(fault, f->name, "\"…\"");
    case PROTOBUF_C_TYPE_MESSAGE:
        return (*(ProtobufCMessage **)member = json_to_message(value, f->descriptor, fault)) != NULL;
    case PROTOBUF_C_TYPE_BYTES: return to_bytes(value, member) || wrong(fault, f->name, "00 … ff");
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)member = json_is_true(value);
        return json_is_boolean(value) || wrong(fault, f->name, "true, false");
    case PROTOBUF_C_TYPE_ENUM: return to_enum(value, f, member) || wrong_label(fault, f);
    case PROTOBUF_C_TYPE_INT64:
        ok = to_integer(value, f, INT64_MIN, INT64_MAX, &number, fault);
        *(int64_t *)member = number;
        return ok;
    case PROTOBUF_C_TYPE_UINT32:
        ok = to_integer(value, f, 0, UINT32_MAX, &number, fault);
        *(uint32_t *)member = (uint32_t)number;
        return ok;
    default:
        ok = to_integer(value, f, INT32_MIN, INT32_MAX, &number, fault);
        *(int32_t *)member = (int32_t)number;
        return ok;
    }
}

static bool to_repeated(json_t *value, const ProtobufCFieldDescriptor *f, ProtobufCMessage *m, struct json_fault *fault)
{
    size_t size = element_size(f->type), *n = (size_t *)(void *)((char *)m + f->quantifier_offset);
    if (!json_is_array(value))
        return wrong(fault, f->name, "[…]");
    char *elements = calloc(json_array_size(value) + 1, size);
    *(char **)(void *)((char *)m + f->offset) = elements;
    for (size_t i = 0; elements && i < json_array_size(value); i++) {
        *n = i + 1; /* counted before it is whole, so that freeing the message reaches it */
        if (!to_member(json_array_get(value, i), f, elements + i * size, fault))
            return false;
    }
    return elements != NULL;
}

static bool to_field(json_t *value, const ProtobufCFieldDescriptor *f, ProtobufCMessage *m, struct json_fault *fault)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return to_repeated(value, f, m, fault);
    if (f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE)
        *(protobuf_c_boolean *)(void *)((char *)m + f->quantifier_offset) = 1;
    return to_member(value, f, (char *)m + f->offset, fault);
}

static bool fill(json_t *object, ProtobufCMessage *m, struct json_fault *fault)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, name);
        if (!f)
            return wrong(fault, name, "");
        if (!to_field(value, f, m, fault))
            return false;
    }
    return true;
}

/* Free_unpacked counts on every pointer of a counted element; a half-made list of messages has its last one NULL. */
static void drop(ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        if (f->label != PROTOBUF_C_LABEL_REPEATED || f->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        size_t *n = (size_t *)(void *)((char *)m + f->quantifier_offset);
        ProtobufCMessage **list = *(ProtobufCMessage ***)(void *)((char *)m + f->offset);
        if (*n && !list[*n - 1])
            --*n;
    }
    protobuf_c_message_free_unpacked(m, NULL);
}

ProtobufCMessage *json_to_message(json_t *object, const ProtobufCMessageDescriptor *type, struct json_fault *fault)
{
    ProtobufCMessage *m = calloc(1, type->sizeof_message);
    if (!m || !json_is_object(object)) {
        wrong(fault, type->short_name, "{…}");
        free(m);
        return NULL;
    }
    protobuf_c_message_init(type, m);
    if (fill(object, m, fault))
        return m;
    drop(m);
    return NULL;
}

/* ---- text to JSON ---- */

static json_t *integer_from_text(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (json_is_integer(value))
        return value;
    json_decref(value);
    return NULL;
}

static json_t *boolean_from_text(const char *text)
{
    static const char *const yes[] = {"true", "yes", "sí", "si", "1"}, *const no[] = {"false", "no", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!strcasecmp(text, yes[i]))
            return json_true();
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (!strcasecmp(text, no[i]))
            return json_false();
    return NULL;
}

/* Servers take text in Unicode normal form C alone; keyboards and clipboards do not all make it. */
static json_t *string_from_text(const char *text)
{
    size_t size;
    const uint8_t *in = (const uint8_t *)text;
    uint8_t *normal = u8_check(in, strlen(text)) ? NULL : u8_normalize(UNINORM_NFC, in, strlen(text) + 1, NULL, &size);
    json_t *value = normal ? json_string((char *)normal) : NULL;
    free(normal);
    return value;
}

json_t *json_from_text(const char *text, const ProtobufCFieldDescriptor *f, struct json_fault *fault)
{
    json_t *value = NULL;
    const char *accepted = "0, 1, 2 …";
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_ENUM:
        value = string_from_text(text);
        accepted = "UTF-8";
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        accepted = "{\"…\": …}";
        break;
    case PROTOBUF_C_TYPE_BOOL:
        value = boolean_from_text(text);
        accepted = "true, false";
        break;
    default: value = json_is_time(f) ? json_string(text) : integer_from_text(text);
    }
    if (!value)
        wrong(fault, f->name, accepted);
    return value;
}
