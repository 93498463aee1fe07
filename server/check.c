#include "server/check.h"

#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unistr.h>

enum { MAX_TEXT = 32 << 10 };

/* Controls other than tab and newline, and what would turn the reading direction around. */
static bool is_control(ucs4_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* The quick check says "maybe" for what normalizing has to settle. */
static bool is_nfc(const uint8_t *text, size_t size, struct arena *mem)
{
    size_t n = size + 1;
    uint8_t *buffer = arena_alloc(mem, n), *normal = buffer ? u8_normalize(UNINORM_NFC, text, size, buffer, &n) : NULL;
    bool same = normal && n == size && !memcmp(normal, text, size);
    if (normal != buffer)
        free(normal);
    return same;
}

static const char *text_check(const char *string, bool any_form, struct arena *mem)
{
    const uint8_t *text = (const uint8_t *)string;
    size_t size = strlen(string);
    bool ascii = true;
    ucs4_t c;
    if (size > MAX_TEXT || u8_check(text, size))
        return "field_invalid";
    for (const uint8_t *at = text; (at = u8_next(&c, at));) {
        ascii = ascii && c < 0x80;
        if (is_control(c))
            return "field_invalid";
    }
    return ascii || any_form || is_nfc(text, size, mem) ? NULL : "text_not_nfc";
}

static const char *message_check(const ProtobufCMessage *m, bool nested, struct arena *mem, const char **ret_field);

/* One member, or one of a repeated one. Raw cells of a plan's table stay in whatever form they came. */
static const char *value_check(const ProtobufCFieldDescriptor *f, const char *member, bool nested, struct arena *mem,
                               const char **ret_field)
{
    const void *const *pointer = f->type == PROTOBUF_C_TYPE_ENUM ? NULL : (const void *)member;
    const char *text = pointer ? *pointer : NULL;
    switch ((int)f->type) {
    case PROTOBUF_C_TYPE_STRING: return text ? text_check(text, nested, mem) : NULL;
    case PROTOBUF_C_TYPE_MESSAGE:
        return text ? message_check(*(ProtobufCMessage *const *)(const void *)member, true, mem, ret_field) : NULL;
    case PROTOBUF_C_TYPE_ENUM:
        return protobuf_c_enum_descriptor_get_value(f->descriptor, *(const int *)(const void *)member)
                   ? NULL
                   : "field_invalid";
    default: return NULL;
    }
}

static size_t width(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_ENUM ? sizeof(int) : sizeof(void *);
}

static const char *message_check(const ProtobufCMessage *m, bool nested, struct arena *mem, const char **ret_field)
{
    *ret_field = m->descriptor->short_name;
    if (m->n_unknown_fields) /* a newer client means something by it that would not happen */
        return "field_unknown";
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        const char *member = (const char *)m + f->offset, *error = NULL;
        bool list = f->label == PROTOBUF_C_LABEL_REPEATED;
        bool checked =
            f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_ENUM;
        size_t n = list ? *(const size_t *)(const void *)((const char *)m + f->quantifier_offset) : 1;
        const char *first = list ? *(const char *const *)(const void *)member : member;
        for (size_t at = 0; checked && !error && at < n; at++)
            error = value_check(f, first + at * width(f), nested, mem, ret_field);
        if (error) {
            *ret_field = f->name;
            return error;
        }
    }
    return NULL;
}

const char *request_check(const struct plan *p, struct call *c, size_t body_size, const char **ret_field)
{
    struct arena *mem = &c->arena;
    *ret_field = "body";
    /* One comparison refuses what decoders disagree about: a field given twice, a NUL inside a string, padded numbers. */
    if (protobuf_c_message_get_packed_size(c->request) != body_size)
        return "malformed";
    const char *error = message_check(c->request, false, mem, ret_field);
    if (error || p->request.type != c->op->request) /* what C prepares, C checks */
        return error;
    for (const struct column *column = p->request.columns; column < p->request.columns + p->request.n; column++) {
        struct slice value;
        *ret_field = column->field->name;
        if (!column_put(column, c->request, mem, &value))
            return "field_invalid";
    }
    return NULL;
}
