#include "server/importer/units.h"

#include "common/text.h"
#include "server/importer/lists.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT_CODE = 63, UNIT_NAME = 200, GROUPS = 8 };

/* --- codes --- */

static bool is_acronym(const char *alias, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isupper((unsigned char)alias[i]))
            return false;
    return n > 1 && n <= 8;
}

static const char *slug(struct import *im, const char *name)
{
    const char *folded = import_fold(im, name);
    char *code = import_alloc(im, strlen(folded) + 2), *to = code;
    if (!code)
        return "";
    for (const char *from = folded; *from && to - code < UNIT_CODE; from++) {
        if (isalnum((unsigned char)*from))
            *to++ = *from;
        else if (to > code && to[-1] != '-')
            *to++ = '-';
    }
    if (to > code && to[-1] == '-')
        to--;
    *to = '\0';
    return code;
}

static const char *code_of(struct import *im, const struct catalogue_unit *unit)
{
    size_t n = unit->aliases ? strcspn(unit->aliases, "|") : 0;
    if (unit->code)
        return unit->code;
    return slug(im, is_acronym(unit->aliases, n) ? import_slice(im, unit->aliases, n) : unit->name);
}

static const char *free_code(struct import *im, const char *name)
{
    const char *base = slug(im, name), *code = *base ? base : "unit";
    for (int i = 2; json_object_get(im->unit_codes, code); i++)
        code = import_print(im, "%.58s-%d", *base ? base : "unit", i);
    return code;
}

/* --- what is known --- */

static json_t *unit_new(struct import *im, const char *code, const char *name, bool own, bool known)
{
    import_put(im, im->unit_codes, code, json_true());
    return import_keep(im,
                       json_pack("{s:s, s:s, s:b, s:b}", "code", code, "name", name, "known", known, "listed", own));
}

static void learn_name(struct import *im, json_t *unit, const char *name)
{
    const char *plain = import_plain(im, name);
    if (*plain && !json_object_get(im->known_units, plain))
        import_put(im, im->known_units, plain, json_incref(unit));
}

static void learn(struct import *im, const struct catalogue_unit *units, size_t n, bool own)
{
    for (size_t i = 0; i < n; i++) {
        if (!own && json_object_get(im->known_units, import_plain(im, units[i].name)))
            continue;
        const char *code = code_of(im, &units[i]);
        bool taken = !own && json_object_get(im->unit_codes, code);
        json_t *unit = unit_new(im, taken ? free_code(im, units[i].name) : code, units[i].name, own, true);
        learn_name(im, unit, units[i].name);
        for (const char *at = units[i].aliases ? units[i].aliases : ""; *at;) {
            size_t length = strcspn(at, "|");
            learn_name(im, unit, import_slice(im, at, length));
            at += length + (at[length] == '|');
        }
        if (own)
            learn_name(im, unit, units[i].code);
        json_decref(unit);
    }
}

void units_learn(struct import *im)
{
    learn(im, im->catalogue->units, im->catalogue->n_units, true);
    learn(im, im->catalogue->common, im->catalogue->n_common, false);
}

/* --- finding --- */

/* The same but for one word that is one letter off, two if it is long; short words and numbers tell units apart. */
static bool misspelt(const char *a, const char *b)
{
    bool one = false;
    while (*a && *b) {
        size_t na = strcspn(a, " "), nb = strcspn(b, " ");
        if (na != nb || memcmp(a, b, na) != 0) {
            char wa[48], wb[48];
            size_t least = na < nb ? na : nb;
            if (one || least < 5 || na >= sizeof wa || nb >= sizeof wb || strcspn(a, "0123456789") < na)
                return false;
            *(char *)mempcpy(wa, a, na) = *(char *)mempcpy(wb, b, nb) = '\0';
            if (!text_near(wa, wb, least < 10 ? 1 : 2))
                return false;
            one = true;
        }
        a += na + (a[na] == ' ');
        b += nb + (b[nb] == ' ');
    }
    return !*a && !*b;
}

static json_t *unit_find(struct import *im, const char *plain, bool *ret_misspelt)
{
    json_t *unit = json_object_get(im->known_units, plain);
    const char *name;
    *ret_misspelt = false;
    if (unit || strlen(plain) > UNIT_NAME)
        return unit;
    json_object_foreach(im->known_units, name, unit)
    {
        if (misspelt(plain, name)) {
            *ret_misspelt = true;
            return unit;
        }
    }
    return NULL;
}

/* What a new name probably stands for: a known unit that begins with the same two telling words. */
static const json_t *probable(struct import *im, const char *plain)
{
    const char *name;
    json_t *unit;
    json_object_foreach(im->known_units, name, unit)
    {
        size_t telling = 0;
        for (const char *a = plain, *b = name; *a && *b;) {
            size_t n = strcspn(a, " ");
            if (n != strcspn(b, " ") || memcmp(a, b, n) != 0)
                break;
            telling += n > 3;
            a += n + (a[n] == ' ');
            b += n + (b[n] == ' ');
        }
        if (telling >= 2 && json_is_true(json_object_get(unit, "known")))
            return unit;
    }
    return NULL;
}

static void list_unit(struct import *im, json_t *unit)
{
    if (json_is_true(json_object_get(unit, "listed")))
        return;
    import_put(im, unit, "listed", json_true());
    json_t *known = json_is_true(json_object_get(unit, "known")) ? json_true() : json_false();
    import_add(im, im->units,
               json_pack("{s:O, s:O, s:o}", "code", json_object_get(unit, "code"), "name",
                         json_object_get(unit, "name"), "known", known));
}

static json_t *unit_add(struct import *im, const struct record *r, enum field field, const char *name)
{
    if (strlen(name) > UNIT_NAME) {
        note_add(im, NOTE_unit_too_long, r, field, name, NULL);
        return NULL;
    }
    if (im->new_units == IMPORTER_NEW_UNITS) {
        note_add(im, NOTE_units_too_many, r, field, name, import_print(im, "%d", IMPORTER_NEW_UNITS));
        return NULL;
    }
    im->new_units++;
    const char *plain = import_plain(im, name), *code = free_code(im, name);
    const json_t *alias = probable(im, plain);
    const char *alias_of = json_string_value(json_object_get(alias, "code"));
    json_t *unit = unit_new(im, code, name, false, false);
    import_put(im, unit, "alias_of", text_or_null(alias_of));
    learn_name(im, unit, name);
    list_unit(im, unit);
    json_t *note = note_add(im, alias ? NOTE_unit_alias : NOTE_unit_new, r, field, name,
                            alias ? json_string_value(json_object_get(alias, "name")) : NULL);
    note_patch(im, note, json_pack("{s:{s:s, s:s?}}", "unit", "code", code, "alias_of", alias_of));
    json_object_del(note, "item_no"); /* asked once for the whole plan, whichever row comes first */
    json_decref(unit);
    return json_object_get(im->known_units, plain);
}

/* --- cells --- */

static void owner_add(struct import *im, const struct record *r, enum field field, json_t *owners, json_t *unit)
{
    const char *code = json_string_value(json_object_get(unit, "code"));
    size_t i;
    json_t *owner;
    list_unit(im, unit);
    json_array_foreach(owners, i, owner)
    {
        if (code && !strcmp(json_string_value(json_object_get(owner, "unit")), code)) {
            note_add(im, NOTE_value_repeated, r, field, json_string_value(json_object_get(unit, "name")), code);
            return;
        }
    }
    import_add(im, owners,
               json_pack("{s:O, s:O}", "unit", json_object_get(unit, "code"), "name", json_object_get(unit, "name")));
}

/* " y " may part two units or belong to one name: the longest known names from the left win, all of them or none. */
static size_t split_known(struct import *im, const char *plain, json_t *found[GROUPS])
{
    size_t n = 0;
    bool off;
    for (const char *at = plain; *at;) {
        size_t length = 0;
        for (const char *stop = at + strlen(at); stop && !length; stop = memrchr(at, ' ', (size_t)(stop - at))) {
            bool ends = !*stop || !strncmp(stop, " y ", 3) || !strncmp(stop, " and ", 5);
            found[n] = ends ? unit_find(im, import_slice(im, at, (size_t)(stop - at)), &off) : NULL;
            length = found[n] ? (size_t)(stop - at) : 0;
        }
        if (!length || ++n == GROUPS)
            return 0;
        at += length;
        at += *at ? 1 + strcspn(at + 1, " ") : 0;
        at += *at == ' ';
    }
    return n;
}

static void part_read(struct import *im, const struct record *r, enum field field, const char *part, json_t *owners)
{
    size_t n = strlen(part);
    const char *name = import_slice(im, part, n && part[n - 1] == '.' ? n - 1 : n), *plain = import_plain(im, name);
    bool off;
    json_t *unit = unit_find(im, plain, &off), *found[GROUPS];
    if (off)
        note_add(im, NOTE_unit_misspelt, r, field, name, json_string_value(json_object_get(unit, "name")));
    size_t several = unit || strlen(plain) > UNIT_NAME ? 0 : split_known(im, plain, found);
    for (size_t i = 0; i < several; i++)
        owner_add(im, r, field, owners, found[i]);
    if (several || !*plain)
        return;
    unit = unit ? unit : unit_add(im, r, field, name);
    if (unit)
        owner_add(im, r, field, owners, unit);
}

json_t *units_read(struct import *im, const struct record *r, enum field field)
{
    json_t *parts = list_split(im, r, field, record_text(im, r, field), "/"), *owners = import_keep(im, json_array());
    for (size_t i = 0; i < json_array_size(parts); i++)
        part_read(im, r, field, array_text(parts, i), owners);
    json_decref(parts);
    return owners;
}

/* --- comparing --- */

static const char *owner_code(const json_t *owners, size_t i)
{
    const char *code = json_string_value(json_object_get(json_array_get(owners, i), "unit"));
    return code ? code : "";
}

static bool has_code(const json_t *owners, const char *code)
{
    for (size_t i = 0; i < json_array_size(owners); i++)
        if (!strcmp(owner_code(owners, i), code))
            return true;
    return false;
}

bool units_same(const json_t *a, const json_t *b)
{
    bool same = json_array_size(a) == json_array_size(b);
    for (size_t i = 0; i < json_array_size(a); i++)
        same &= has_code(b, owner_code(a, i));
    return same;
}

bool units_overlap(const struct import *im, const json_t *a, const json_t *b)
{
    const char *name;
    json_t *unit;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (has_code(b, owner_code(a, i)))
            return true;
    json_object_foreach(im->known_units, name, unit)
    {
        const char *alias = json_string_value(json_object_get(unit, "alias_of"));
        const char *code = json_string_value(json_object_get(unit, "code"));
        if (alias && ((has_code(a, code) && has_code(b, alias)) || (has_code(b, code) && has_code(a, alias))))
            return true;
    }
    return false;
}
