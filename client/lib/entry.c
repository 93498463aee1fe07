#include "client/lib/entry.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ABSENT = 0xffffffff, AT = 1, LENGTH = sizeof(uint32_t) };

const char *const entry_columns[ENTRY_COLUMNS] = {
    "seq",     "at", "institution", "plan",  "item_no", "task_no", "person", "who",   "name",  "unit", "key",
    "request", "op", "outcome",     "error", "args",    "why",     "before", "after", "roles", "asked"};
static const int of_version[] = {0, ENTRY_COLUMNS - 2, ENTRY_COLUMNS};

int entry_column(const char *name, size_t size, int likely)
{
    for (int i = 0; i < ENTRY_COLUMNS; i++) {
        int column = (likely + i) % ENTRY_COLUMNS;
        if (!strncmp(entry_columns[column], name, size) && !entry_columns[column][size])
            return column;
    }
    return -1;
}

static uint8_t version_of(const struct entry *e)
{
    for (int i = of_version[1]; i < ENTRY_COLUMNS; i++)
        if (e->values[i].text)
            return 2;
    return 1;
}

/* ---- rows ---- */

enum { INT8 = 20, INT4 = 23, TIME = 1184, UUID = 2950, JSONB = 3802, FIELD = 2 * LENGTH };

static uint32_t be32(const uint8_t *at)
{
    uint32_t ret;
    memcpy(&ret, at, sizeof ret);
    return be32toh(ret);
}

static int64_t be64(const uint8_t *at)
{
    uint64_t ret;
    memcpy(&ret, at, sizeof ret);
    return (int64_t)be64toh(ret);
}

size_t entry_row_size(const uint8_t *bytes, size_t size)
{
    size_t at = LENGTH;
    if (size < ENTRY_ROW || be32(bytes) != ENTRY_COLUMNS)
        return 0;
    for (int i = 0; i < ENTRY_COLUMNS; i++) {
        if (size - at < FIELD)
            return 0;
        uint32_t length = be32(bytes + at + LENGTH);
        at += FIELD;
        if (length == ABSENT)
            continue;
        if (size - at < length)
            return 0;
        at += length;
    }
    return at;
}

uint64_t entry_row_seq(const uint8_t *row)
{
    return be32(row + LENGTH) == INT8 && be32(row + 2 * LENGTH) == 8 ? (uint64_t)be64(row + LENGTH + FIELD) : 0;
}

static struct entry_value number_text(int64_t n, char room[ENTRY_ROOM])
{
    char *end = room + ENTRY_ROOM, *p = end;
    uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
    do
        *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (n < 0)
        *--p = '-';
    return (struct entry_value){p, (size_t)(end - p)};
}

static struct entry_value uuid_text(const uint8_t *bytes, char room[ENTRY_ROOM])
{
    static const char digits[] = "0123456789abcdef";
    char *p = room;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[bytes[i] >> 4];
        *p++ = digits[bytes[i] & 15];
    }
    return (struct entry_value){room, (size_t)(p - room)};
}

static bool type_fits(uint32_t type, size_t size)
{
    switch (type) {
    case INT4: return size == 4;
    case INT8:
    case TIME: return size == 8;
    case UUID: return size == 16;
    case JSONB: return size > 0;
    default: return true;
    }
}

/* A value as text. False: it is not of this type. */
static bool value_read(uint32_t type, const uint8_t *at, size_t size, char room[ENTRY_ROOM], struct entry_value *ret)
{
    static const uint64_t epoch = UINT64_C(946684800000000); /* 2000-01-01, in microseconds */
    if (!type_fits(type, size))
        return false;
    switch (type) {
    case INT4: *ret = number_text((int32_t)be32(at), room); break;
    case INT8: *ret = number_text(be64(at), room); break;
    case TIME: *ret = number_text((int64_t)((uint64_t)be64(at) + epoch), room); break;
    case UUID: *ret = uuid_text(at, room); break;
    case JSONB: *ret = (struct entry_value){(const char *)at + 1, size - 1}; break;
    default: *ret = (struct entry_value){(const char *)at, size};
    }
    return true;
}

bool entry_read(const uint8_t *row, char room[ENTRY_COLUMNS][ENTRY_ROOM], struct entry *ret)
{
    const uint8_t *at = row + LENGTH;
    bool ok = true;
    for (int i = 0; ok && i < ENTRY_COLUMNS; i++) {
        uint32_t type = be32(at), length = be32(at + LENGTH);
        at += FIELD;
        ret->values[i] = (struct entry_value){0};
        if (length == ABSENT)
            continue;
        ok = value_read(type, at, length, room[i], &ret->values[i]);
        at += length;
    }
    return ok;
}

/* ---- what is hashed ---- */

size_t entry_size(const struct entry *e)
{
    int n = of_version[version_of(e)];
    size_t size = 1 + LENGTH * (size_t)n;
    for (int i = 0; i < n; i++)
        size += e->values[i].size;
    return size;
}

void entry_write(const struct entry *e, uint8_t *ret)
{
    *ret = version_of(e);
    int n = of_version[*ret++];
    for (int i = 0; i < n; i++) {
        const struct entry_value *v = &e->values[i];
        uint32_t length = htobe32(v->text ? (uint32_t)v->size : ABSENT);
        ret = mempcpy(ret, &length, LENGTH);
        if (v->size)
            ret = mempcpy(ret, v->text, v->size);
    }
}

void entry_time(const struct entry *e, char ret[JSON_TIME])
{
    char text[24];
    const struct entry_value *at = &e->values[AT];
    *ret = '\0';
    if (!at->text)
        return;
    snprintf(text, sizeof text, "%.*s", (int)at->size, at->text);
    json_time(strtoll(text, NULL, 10), ret);
}
