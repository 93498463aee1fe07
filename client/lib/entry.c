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

size_t entry_read(const uint8_t *bytes, size_t size, struct entry *ret)
{
    size_t at = 0;
    for (int i = 0; i < ENTRY_COLUMNS; i++) {
        uint32_t length;
        if (size - at < LENGTH)
            return 0;
        memcpy(&length, bytes + at, LENGTH);
        at += LENGTH;
        length = be32toh(length);
        ret->values[i] = (struct entry_value){0};
        if (length == ABSENT)
            continue;
        if (size - at < length)
            return 0;
        ret->values[i] = (struct entry_value){(const char *)bytes + at, length};
        at += length;
    }
    return at;
}

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
