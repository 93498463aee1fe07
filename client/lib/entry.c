#include "client/lib/entry.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { ABSENT = 0xffffffff };

static const char *const columns[] = {"seq",   "at",   "institution", "plan",   "item_no", "task_no", "person",
                                      "who",   "name", "unit",        "key",    "request", "op",      "outcome",
                                      "error", "args", "why",         "before", "after",   "roles",   "asked"};
enum { COLUMNS = sizeof columns / sizeof *columns };
static const int of_version[] = {0, COLUMNS - 2, COLUMNS};

json_t *entry_read(const uint8_t *bytes, size_t size)
{
    json_t *ret = json_object();
    size_t at = 1;
    bool ok = size && (bytes[0] == 1 || bytes[0] == 2);
    for (int i = 0, n = ok ? of_version[bytes[0]] : 0; ok && i < n; i++) {
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
    uint8_t version = json_object_get(entry, "roles") || json_object_get(entry, "asked") ? 2 : 1;
    for (int i = 0; i < of_version[version]; i++) {
        json_t *value = json_object_get(entry, columns[i]);
        if (value && !json_is_string(value))
            return NULL;
        found += value != NULL;
        size += sizeof(uint32_t) + json_string_length(value);
    }
    uint8_t *ret = found == json_object_size(entry) ? malloc(size) : NULL, *p = ret;
    if (!ret)
        return NULL;
    *p++ = version;
    for (int i = 0; i < of_version[version]; i++) {
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
