#include "server/importer/import.h"

#include "common/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unistr.h>

void *import_alloc(struct import *im, size_t size)
{
    void *mem = arena_alloc(&im->scratch, size);
    if (mem)
        memset(mem, 0, size);
    else
        im->exhausted = true;
    return mem;
}

static const char *copy(struct import *im, const char *text, size_t n)
{
    char *to = import_alloc(im, n + 1);
    if (to)
        memcpy(to, text, n);
    return to ? to : "";
}

static bool is_ascii(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

static const char *compose(struct import *im, const char *text, size_t n)
{
    size_t composed_n = 0;
    uint8_t *composed = u8_normalize(UNINORM_NFC, (const uint8_t *)text, n, NULL, &composed_n);
    if (!composed)
        im->exhausted = true;
    const char *kept = composed ? copy(im, (const char *)composed, composed_n) : "";
    im->saw_nfd |= composed && (composed_n != n || memcmp(composed, text, n) != 0);
    free(composed);
    return kept;
}

const char *import_slice(struct import *im, const char *text, size_t n)
{
    static const char blanks[] = " \t\n\v\f\r";
    for (bool more = true; more;) {
        more = false;
        if (n && strchr(blanks, *text) && *text)
            text++, n--, more = true;
        if (n && strchr(blanks, text[n - 1]) && text[n - 1])
            n--, more = true;
        if (n >= 2 && !memcmp(text, "\xC2\xA0", 2)) /* no-break space */
            text += 2, n -= 2, more = true;
        if (n >= 2 && !memcmp(text + n - 2, "\xC2\xA0", 2))
            n -= 2, more = true;
    }
    if (!n)
        return "";
    return is_ascii(text, n) ? copy(im, text, n) : compose(im, text, n);
}

const char *import_fold(struct import *im, const char *text)
{
    char *folded = text_fold(text);
    im->exhausted |= !folded;
    const char *kept = folded ? copy(im, folded, strlen(folded)) : "";
    free(folded);
    return kept;
}

const char *import_plain(struct import *im, const char *text)
{
    const char *folded = import_fold(im, text);
    char *plain = import_alloc(im, strlen(folded) + 1), *to = plain;
    if (!plain)
        return "";
    for (const char *from = folded; *from; from++) {
        bool gap = strchr(" .,:;|", *from);
        if (!gap)
            *to++ = *from;
        else if (to > plain && to[-1] != ' ')
            *to++ = ' ';
    }
    if (to > plain && to[-1] == ' ')
        to[-1] = '\0';
    return plain;
}

const char *import_print(struct import *im, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        im->exhausted = true;
        return "";
    }
    const char *kept = copy(im, text, (size_t)n);
    free(text);
    return kept;
}

const char *record_text_at(struct import *im, const struct record *r, enum field field, int shift)
{
    int own = r->table->column[field], number = r->table->column[F_NUMBER];
    int column = own + (own > number ? shift : 0);
    bool there = own >= 0 && column >= 0 && (size_t)column < r->row->n && (own == number || column != number);
    return there ? import_slice(im, r->row->cells[column], strlen(r->row->cells[column])) : "";
}

const char *record_text(struct import *im, const struct record *r, enum field field)
{
    return record_text_at(im, r, field, r->shift);
}

json_t *import_keep(struct import *im, json_t *value)
{
    im->exhausted |= !value;
    return value;
}

void import_put(struct import *im, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value))
        im->exhausted = true;
}

void import_add(struct import *im, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value))
        im->exhausted = true;
}

json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

const char *array_text(const json_t *array, size_t i)
{
    const char *text = json_string_value(json_array_get(array, i));
    return text ? text : "";
}

const char *array_join(struct import *im, const json_t *array, const char *between)
{
    size_t size = 1, gap = strlen(between);
    for (size_t i = 0; i < json_array_size(array); i++)
        size += strlen(array_text(array, i)) + gap;
    char *joined = import_alloc(im, size), *to = joined;
    for (size_t i = 0; joined && i < json_array_size(array); i++)
        to = stpcpy(i ? stpcpy(to, between) : to, array_text(array, i));
    return joined ? joined : "";
}
