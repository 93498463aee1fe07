#include "server/codec.h"

#include "common/op.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

/* OIDs of built-in types never change; libpq's headers leave them out. */
enum {
    BOOL = 16,
    BYTEA = 17,
    INT8 = 20,
    INT4 = 23,
    TEXT = 25,
    TEXT_ARRAY = 1009,
    DATE = 1082,
    TIMESTAMPTZ = 1184,
    UUID = 2950,
    JSONB = 3802
};

struct codec {
    ProtobufCType type;
    bool repeated;
    Oid class;
    bool (*put)(const struct column *c, const void *member, struct arena *mem,
                struct slice *ret); /* may borrow member */
    bool (*get)(const struct column *c, struct slice value, void *member, struct arena *mem);
};

static const int64_t EPOCH_DAYS = 10957, EPOCH_USECS = 10957 * INT64_C(86400000000); /* 2000-01-01, seen from 1970 */

static void *copy(const void *data, size_t size, struct arena *mem)
{
    void *to = arena_alloc(mem, size + 1); /* one more, for a text's end */
    if (to) {
        memcpy(to, data, size);
        ((char *)to)[size] = '\0';
    }
    return to;
}

struct slice slice_i32(int32_t value, struct arena *mem)
{
    uint32_t wire = htobe32((uint32_t)value);
    return (struct slice){copy(&wire, sizeof wire, mem), sizeof wire};
}

struct slice slice_i64(int64_t value, struct arena *mem)
{
    uint64_t wire = htobe64((uint64_t)value);
    return (struct slice){copy(&wire, sizeof wire, mem), sizeof wire};
}

static bool read_i32(struct slice value, int32_t *ret)
{
    uint32_t v;
    if (value.size != sizeof v)
        return false;
    memcpy(&v, value.data, sizeof v);
    *ret = (int32_t)be32toh(v);
    return true;
}

static bool read_i64(struct slice value, int64_t *ret)
{
    uint64_t v;
    if (value.size != sizeof v)
        return false;
    memcpy(&v, value.data, sizeof v);
    *ret = (int64_t)be64toh(v);
    return true;
}

static bool put_i32(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    (void)c;
    *ret = slice_i32(*(const int32_t *)member, mem);
    return ret->data;
}

static bool get_i32(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    (void)c, (void)mem;
    return read_i32(value, member);
}

static bool put_i64(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    (void)c;
    *ret = slice_i64(*(const int64_t *)member, mem);
    return ret->data;
}

static bool get_i64(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    (void)c, (void)mem;
    return read_i64(value, member);
}

static bool put_time(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    (void)c;
    int64_t usecs;
    if (__builtin_sub_overflow(*(const int64_t *)member, EPOCH_USECS, &usecs))
        return false;
    *ret = slice_i64(usecs, mem);
    return ret->data;
}

static bool get_time(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    (void)c, (void)mem;
    int64_t usecs;
    return read_i64(value, &usecs) && !__builtin_add_overflow(usecs, EPOCH_USECS, (int64_t *)member);
}

static bool put_bool(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    (void)c;
    uint8_t byte = *(const protobuf_c_boolean *)member != 0;
    *ret = (struct slice){copy(&byte, 1, mem), 1};
    return ret->data;
}

static bool get_bool(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    (void)c, (void)mem;
    if (value.size != 1)
        return false;
    *(protobuf_c_boolean *)member = *(const uint8_t *)value.data;
    return true;
}

static bool put_bytes(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    (void)c, (void)mem;
    const ProtobufCBinaryData *bytes = member;
    *ret = (struct slice){bytes->len ? bytes->data : (const uint8_t *)"", (int)bytes->len};
    return true;
}

static bool put_uuid(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    return put_bytes(c, member, mem, ret) && ret->size == 16;
}

static bool get_bytes(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    (void)c;
    uint8_t *data = copy(value.data, (size_t)value.size, mem);
    *(ProtobufCBinaryData *)member = (ProtobufCBinaryData){(size_t)value.size, data};
    return data;
}

static bool put_text(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    (void)c, (void)mem;
    const char *text = *(char *const *)member;
    *ret = (struct slice){text, (int)strlen(text)};
    return true;
}

static bool get_text(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    (void)c;
    return (*(char **)member = copy(value.data, (size_t)value.size, mem)) != NULL;
}

/* jsonb: a version byte, then text */
static bool put_jsonb(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    (void)c;
    const char *text = *(char *const *)member;
    size_t size = strlen(text);
    char *data = arena_alloc(mem, size + 1);
    if (!data)
        return false;
    *data = 1;
    memcpy(data + 1, text, size);
    *ret = (struct slice){data, (int)size + 1};
    return true;
}

static bool get_jsonb(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    return value.size > 0 && get_text(c, (struct slice){(const char *)value.data + 1, value.size - 1}, member, mem);
}

static bool put_enum(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    char label[64];
    if (!enum_label(c->field->descriptor, *(const int *)member, label))
        return false;
    *ret = (struct slice){copy(label, strlen(label), mem), (int)strlen(label)};
    return ret->data;
}

static bool get_enum(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    (void)mem;
    return enum_value(c->field->descriptor, value.data, (size_t)value.size, member);
}

/* Civil dates, by Howard Hinnant's algorithm: eras of 400 years that begin in March. */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = y / 400, year = y - era * 400, day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

static void date_text(int64_t days, char text[11])
{
    int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t m = mp + (mp < 10 ? 3 : -9), y = yoe + era * 400 + (m <= 2);
    unsigned parts[] = {(unsigned)y % 10000, (unsigned)m % 100, (unsigned)(doy - (153 * mp + 2) / 5 + 1) % 100};
    snprintf(text, 11, "%04u-%02u-%02u", parts[0], parts[1], parts[2]);
}

static bool put_date(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    (void)c;
    const char *text = *(char *const *)member;
    unsigned y, m, d;
    char again[11];
    if (strlen(text) != 10 || sscanf(text, "%4u-%2u-%2u", &y, &m, &d) != 3 || y < 1 || m < 1 || m > 12)
        return false;
    int64_t days = days_from_civil(y, m, d);
    date_text(days, again);
    *ret = slice_i32((int32_t)(days - EPOCH_DAYS), mem);
    return ret->data && !strcmp(text, again); /* 2023-02-29 comes back as 2023-03-01 */
}

static bool get_date(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    (void)c;
    int32_t since_2000;
    char text[11];
    if (!read_i32(value, &since_2000))
        return false;
    date_text(since_2000 + EPOCH_DAYS, text);
    return (*(char **)member = copy(text, 10, mem)) != NULL;
}

/* Reading what is length-prefixed; every length is checked, for stored replies too. */
static bool take_i32(struct slice *in, int32_t *ret)
{
    if (in->size < 4 || !read_i32((struct slice){in->data, 4}, ret))
        return false;
    *in = (struct slice){(const char *)in->data + 4, in->size - 4};
    return true;
}

static bool take_value(struct slice *in, struct slice *ret)
{
    int32_t size;
    if (!take_i32(in, &size) || size < -1 || size > in->size)
        return false;
    *ret = (struct slice){size < 0 ? NULL : in->data, size < 0 ? 0 : size};
    *in = (struct slice){(const char *)in->data + ret->size, in->size - ret->size};
    return true;
}

/* One-dimensional arrays: dimensions, has nulls, element's type, size, lower bound; then the elements. */
static bool array_open(struct slice *in, int32_t *ret_n)
{
    int32_t dimensions, nulls, type, lower;
    *ret_n = 0;
    return take_i32(in, &dimensions) && take_i32(in, &nulls) && take_i32(in, &type) && !nulls &&
           (dimensions == 0 ||
            (dimensions == 1 && take_i32(in, ret_n) && take_i32(in, &lower) && *ret_n >= 0 && *ret_n <= in->size / 4));
}

bool array_make(const struct slice elements[], size_t n, Oid type, struct arena *mem, struct slice *ret)
{
    int32_t head[] = {n ? 1 : 0, 0, (int32_t)type, (int32_t)n, 1};
    size_t size = n ? 20 : 12;
    for (size_t i = 0; i < n; i++) {
        size += 4 + (size_t)elements[i].size;
        head[1] |= !elements[i].data;
    }
    char *data = arena_alloc(mem, size), *to = data;
    if (!data)
        return false;
    for (size_t i = 0; i < (n ? 5u : 3u); i++, to += 4)
        memcpy(to, &(uint32_t){htobe32((uint32_t)head[i])}, 4);
    for (size_t i = 0; i < n; i++, to += 4) {
        uint32_t length = elements[i].data ? (uint32_t)elements[i].size : UINT32_MAX; /* null */
        length = htobe32(length);
        memcpy(to, &length, 4);
        if (elements[i].size)
            memcpy(to + 4, elements[i].data, (size_t)elements[i].size);
        to += elements[i].size;
    }
    *ret = (struct slice){data, (int)size};
    return true;
}

/* A repeated member is a count (the quantifier) and a pointer to that many elements of `width` bytes. */
static size_t count_of(const struct column *c, const void *member)
{
    const char *message = (const char *)member - c->field->offset;
    return *(const size_t *)(const void *)(message + c->field->quantifier_offset);
}

static bool put_each(const struct column *c, const void *member, size_t width, struct arena *mem, struct slice *ret,
                     bool (*put)(const struct column *, const void *, struct arena *, struct slice *))
{
    size_t n = count_of(c, member);
    const char *element = *(const char *const *)member;
    struct slice *slices = arena_alloc(mem, n * sizeof *slices);
    if (!slices)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!put(c, element + i * width, mem, &slices[i]))
            return false;
    return array_make(slices, n, c->element, mem, ret);
}

static bool get_each(const struct column *c, struct slice value, void *member, size_t width, struct arena *mem,
                     bool (*get)(const struct column *, struct slice, void *, struct arena *))
{
    int32_t n;
    struct slice element;
    if (!array_open(&value, &n))
        return false;
    char *list = arena_alloc(mem, (size_t)n * width);
    for (int32_t i = 0; i < n; i++)
        if (!list || !take_value(&value, &element) || !element.data || !get(c, element, list + (size_t)i * width, mem))
            return false;
    *(char **)member = list;
    *(size_t *)(void *)((char *)member - c->field->offset + c->field->quantifier_offset) = (size_t)n;
    return list;
}

static bool put_texts(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    return put_each(c, member, sizeof(char *), mem, ret, put_text);
}

static bool get_texts(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    return get_each(c, value, member, sizeof(char *), mem, get_text);
}

static bool put_enums(const struct column *c, const void *member, struct arena *mem, struct slice *ret)
{
    return put_each(c, member, sizeof(int), mem, ret, put_enum);
}

static bool get_enums(const struct column *c, struct slice value, void *member, struct arena *mem)
{
    return get_each(c, value, member, sizeof(int), mem, get_enum);
}

static const struct codec codecs[] = {
    {PROTOBUF_C_TYPE_INT32, false, INT4, put_i32, get_i32},
    {PROTOBUF_C_TYPE_INT64, false, INT8, put_i64, get_i64},
    {PROTOBUF_C_TYPE_INT64, false, TIMESTAMPTZ, put_time, get_time},
    {PROTOBUF_C_TYPE_BOOL, false, BOOL, put_bool, get_bool},
    {PROTOBUF_C_TYPE_BYTES, false, BYTEA, put_bytes, get_bytes},
    {PROTOBUF_C_TYPE_BYTES, false, UUID, put_uuid, get_bytes},
    {PROTOBUF_C_TYPE_STRING, false, TEXT, put_text, get_text},
    {PROTOBUF_C_TYPE_STRING, true, TEXT_ARRAY, put_texts, get_texts},
    {PROTOBUF_C_TYPE_STRING, false, DATE, put_date, get_date},
    {PROTOBUF_C_TYPE_STRING, false, JSONB, put_jsonb, get_jsonb},
    {PROTOBUF_C_TYPE_ENUM, false, ANY_ENUM, put_enum, get_enum},
    {PROTOBUF_C_TYPE_ENUM, true, ANY_ENUM_ARRAY, put_enums, get_enums},
};

const struct codec *codec_find(ProtobufCType type, bool repeated, Oid class)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (codecs[i].type == type && codecs[i].repeated == repeated && codecs[i].class == class)
            return &codecs[i];
    return NULL;
}

bool column_put(const struct column *c, const ProtobufCMessage *from, struct arena *mem, struct slice *ret)
{
    const ProtobufCFieldDescriptor *f = c->field;
    const char *message = (const char *)from;
    const void *member = message + f->offset, *quantifier = message + f->quantifier_offset;
    bool present = f->label == PROTOBUF_C_LABEL_REPEATED ? *(const size_t *)quantifier > 0
                   : f->type == PROTOBUF_C_TYPE_STRING   ? *(char *const *)member != NULL
                                                         : *(const protobuf_c_boolean *)quantifier != 0;
    *ret = (struct slice){0};
    return !present || c->codec->put(c, member, mem, ret);
}

static bool record_read(const struct shape *s, struct slice *in, ProtobufCMessage *into, struct arena *mem);

/* Steps over one record: a count, then type, size and bytes of each value. */
static bool skip_record(struct slice *in)
{
    int32_t n, type;
    struct slice value;
    if (!take_i32(in, &n))
        return false;
    for (; n > 0; n--)
        if (!take_i32(in, &type) || !take_value(in, &value))
            return false;
    return true;
}

static ProtobufCMessage *message_read(const struct shape *s, struct slice *record, struct arena *mem)
{
    ProtobufCMessage *m = arena_alloc(mem, s->type->sizeof_message);
    if (m)
        protobuf_c_message_init(s->type, m);
    return m && record_read(s, record, m, mem) ? m : NULL;
}

static bool list_read(const struct shape *s, struct slice records, size_t *ret_n, ProtobufCMessage ***ret,
                      struct arena *mem)
{
    size_t n = 0;
    for (struct slice rest = records; rest.size; n++)
        if (!skip_record(&rest))
            return false;
    *ret_n = n;
    *ret = arena_alloc(mem, n * sizeof **ret);
    for (size_t i = 0; *ret && i < n; i++)
        if (!((*ret)[i] = message_read(s, &records, mem)))
            return false;
    return *ret;
}

static bool value_read(const struct column *c, struct slice value, ProtobufCMessage *into, struct arena *mem)
{
    void *member = (char *)into + c->field->offset, *quantifier = (char *)into + c->field->quantifier_offset;
    bool list = c->field->label == PROTOBUF_C_LABEL_REPEATED;
    if (c->message && list)
        return list_read(c->message, value, quantifier, member, mem);
    if (c->message)
        return (*(ProtobufCMessage **)member = message_read(c->message, &value, mem)) != NULL;
    if (!list && c->field->type != PROTOBUF_C_TYPE_STRING)
        *(protobuf_c_boolean *)quantifier = 1;
    return c->codec->get(c, value, member, mem);
}

static bool record_read(const struct shape *s, struct slice *in, ProtobufCMessage *into, struct arena *mem)
{
    int32_t n, type;
    if (!take_i32(in, &n) || n < 0 || n > s->n)
        return false;
    for (const struct column *c = s->columns; c < s->columns + n; c++) {
        struct slice value;
        if (!take_i32(in, &type) || !take_value(in, &value) || (value.data && !value_read(c, value, into, mem)))
            return false;
    }
    return true;
}

bool shape_read(const struct shape *s, struct slice record, ProtobufCMessage *into, struct arena *mem)
{
    return record_read(s, &record, into, mem);
}

bool texts_read(struct slice array, struct arena *mem, char ***ret, size_t *ret_n)
{
    int32_t n;
    struct slice element;
    if (!array_open(&array, &n) || !(*ret = arena_alloc(mem, (size_t)n * sizeof **ret)))
        return false;
    for (*ret_n = 0; *ret_n < (size_t)n; ++*ret_n)
        if (!take_value(&array, &element) || !element.data || !get_text(NULL, element, &(*ret)[*ret_n], mem))
            return false;
    return true;
}
