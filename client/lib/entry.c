#include "client/lib/entry.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, ABSENT = 0xffffffff };

static const char *const columns[] = {"seq",   "at",   "institution", "plan",   "item_no", "task_no", "person",
                                      "who",   "name", "unit",        "key",    "request", "op",      "outcome",
                                      "error", "args", "why",         "before", "after"};
enum { COLUMNS = sizeof columns / sizeof *columns };

json_t *entry_read(const uint8_t *bytes, size_t size)
{
    json_t *ret = json_object();
    size_t at = 1;
    bool ok = size && bytes[0] == VERSION;
    for (int i = 0; ok && i < COLUMNS; i++) {
        uint32_t length = 0;
        if ((ok = size - at >= sizeof length))
            memcpy(&length, bytes + at, sizeof length);
        at += sizeof length;
        length = be32toh(length);
        if (!ok || length == ABSENT)
            continue;
        ok = size - at >= length &&
             !json_object_set_new(ret, columns[i], json_stringn((const char *)bytes + at, length));
        at += length;
    }
    if (ok && at == size)
        return ret;
    json_decref(ret);
    return NULL;
}

uint8_t *entry_write(json_t *entry, size_t *ret_size)
{
    size_t size = 1, found = 0;
    for (int i = 0; i < COLUMNS; i++) {
        json_t *value = json_object_get(entry, columns[i]);
        if (value && !json_is_string(value))
            return NULL;
        found += value != NULL;
        size += sizeof(uint32_t) + json_string_length(value);
    }
    uint8_t *ret = found == json_object_size(entry) ? malloc(size) : NULL, *p = ret;
    if (!ret)
        return NULL;
    *p++ = VERSION;
    for (int i = 0; i < COLUMNS; i++) {
        json_t *value = json_object_get(entry, columns[i]);
        size_t length = json_string_length(value);
        uint32_t wire = htobe32(value ? (uint32_t)length : ABSENT);
        p = mempcpy(p, &wire, sizeof wire);
        if (length)
            p = mempcpy(p, json_string_value(value), length);
    }
    *ret_size = size;
    return ret;
}
