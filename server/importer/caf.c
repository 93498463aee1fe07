#include "server/importer/caf.h"

#include "common/text.h"
#include "server/importer/lists.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER = 8 };

/* "|title|variant|" of plain text */
static const char *names_of(struct import *im, const struct catalogue_caf *c)
{
    const char *names = import_print(im, "|%s|", import_plain(im, c->title));
    for (const char *at = c->variants ? c->variants : ""; *at;) {
        size_t n = strcspn(at, "|");
        names = import_print(im, "%s%s|", names, import_plain(im, import_slice(im, at, n)));
        at += n + (at[n] == '|');
    }
    return names;
}

void caf_learn(struct import *im)
{
    im->caf_names = import_alloc(im, (im->catalogue->n_caf + 1) * sizeof *im->caf_names);
    for (size_t i = 0; im->caf_names && i < im->catalogue->n_caf; i++)
        im->caf_names[i] = names_of(im, &im->catalogue->caf[i]);
}

/* 2: one of the names, 1: begins with one, 0: neither */
static int names_match(const char *names, const char *plain)
{
    int best = 0;
    for (const char *at = names + 1; *at;) {
        size_t n = strcspn(at, "|");
        if (n && !strncmp(plain, at, n) && (!plain[n] || plain[n] == ' ')) {
            int match = plain[n] ? 1 : 2;
            best = match > best ? match : best;
        }
        at += n + 1;
    }
    return best;
}

static const struct catalogue_caf *caf_find(const struct import *im, const char *number, size_t *ret_i)
{
    for (size_t i = 0; i < im->catalogue->n_caf; i++) {
        if (!strcmp(im->catalogue->caf[i].number, number)) {
            *ret_i = i;
            return &im->catalogue->caf[i];
        }
    }
    return NULL;
}

/* --- criterion --- */

/* "CRITERIO 3: PERSONAS" or "3. Personas"; *ret_title is what follows the number */
static int criterion_number(const char *folded, const char **ret_title)
{
    const char *at = folded;
    if (!strncmp(at, "criterio", 8) || !strncmp(at, "criterion", 9))
        at += strcspn(at, " 0123456789");
    at += strspn(at, " no.:°#");
    if (!isdigit((unsigned char)*at) || isdigit((unsigned char)at[1]) || *at == '0')
        return 0;
    *ret_title = at + 1 + strspn(at + 1, " .:-");
    return *at - '0';
}

/* Forms carry an instruction in the heading's cell, and every year writes the titles a little differently: the number
 * counts. */
static int criterion_read(struct import *im, const struct record *r, const char *cell)
{
    const char *title = "", *folded = import_fold(im, cell), *pasted = strstr(folded, "considerar ");
    int number = criterion_number(folded, &title);
    size_t i;
    const struct catalogue_caf *known = caf_find(im, import_print(im, "%d", number), &i);
    if (!known)
        return 0;
    if (pasted)
        note_add(im, NOTE_criterion_instruction, r, F_CRITERION, cell, known->title);
    const char *plain = import_plain(im, pasted > title ? import_slice(im, title, (size_t)(pasted - title)) : title);
    if (*plain && names_match(im->caf_names[i], plain) != 2)
        note_add(im, NOTE_criterion_title, r, F_CRITERION, cell, known->title);
    return number;
}

/* --- subcriteria --- */

/* The number at the start, as "4.6", and where the title begins. */
static const char *subcriterion_number(const char *folded, char ret[NUMBER])
{
    const char *at = folded;
    if (!strncmp(at, "subcriteri", 10))
        at += strcspn(at, " 0123456789");
    at += strspn(at, " no.:°#");
    size_t criterion = strspn(at, "0123456789"),
           part = at[criterion] == '.' ? strspn(at + criterion + 1, "0123456789") : 0;
    if (!criterion || criterion > 2 || !part || part > 2)
        return NULL;
    snprintf(ret, NUMBER, "%d.%d", text_number(at) % 100, text_number(at + criterion + 1) % 100);
    at += criterion + 1 + part;
    return at + strspn(at, " .:-)");
}

bool caf_numbered(const char *folded)
{
    char number[NUMBER];
    return subcriterion_number(folded, number);
}

/* The only other subcriterion that this title names. */
static const struct catalogue_caf *titled(const struct import *im, const char *plain)
{
    const struct catalogue_caf *found = NULL;
    for (size_t i = 0; i < im->catalogue->n_caf; i++) {
        if (!strchr(im->catalogue->caf[i].number, '.') || !names_match(im->caf_names[i], plain))
            continue;
        if (found)
            return NULL;
        found = &im->catalogue->caf[i];
    }
    return found;
}

/* Returns the number that the title speaks for, where it is another one. */
static const char *check_title(struct import *im, const struct record *r, size_t i, const char *part, const char *title)
{
    const struct catalogue_caf *own = &im->catalogue->caf[i], *other;
    const char *plain = import_plain(im, title);
    int match = names_match(im->caf_names[i], plain);
    if (!*plain || match == 2)
        return NULL;
    other = match ? NULL : titled(im, plain);
    if (other)
        return other->number;
    if (!match && own->title_2013 && *own->title_2013 && !strcmp(import_plain(im, own->title_2013), plain))
        note_add(im, NOTE_subcriterion_2013, r, F_SUBCRITERION, part,
                 import_print(im, "%s %s", own->number, own->title));
    else
        note_add(im, NOTE_subcriterion_title, r, F_SUBCRITERION, part,
                 import_print(im, "%s %s", own->number, own->title));
    return NULL;
}

static bool array_has(const json_t *array, const char *text)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!strcmp(array_text(array, i), text))
            return true;
    return false;
}

static void propose_number(struct import *im, const struct record *r, const json_t *subcriteria, const char *was,
                           const char *now)
{
    json_t *changed = import_keep(im, json_array());
    for (size_t i = 0; i < json_array_size(subcriteria); i++) {
        const char *number = array_text(subcriteria, i);
        number = strcmp(number, was) != 0 ? number : now;
        if (!array_has(changed, number))
            import_add(im, changed, json_string(number));
    }
    size_t at;
    const struct catalogue_caf *known = caf_find(im, now, &at);
    json_t *note = note_add(im, NOTE_subcriterion_other, r, F_SUBCRITERION, was, now);
    note_args(im, note, was, known->title, now);
    note_patch(im, note, json_pack("{s:o}", "subcriteria", changed));
}

static json_t *subcriteria_read(struct import *im, const struct record *r, const char *cell)
{
    json_t *parts = list_split(im, r, F_SUBCRITERION, cell, "//"), *numbers = import_keep(im, json_array());
    const char *was = NULL, *proposed = NULL;
    for (size_t i = 0; i < json_array_size(parts); i++) {
        char number[NUMBER];
        const char *part = array_text(parts, i), *title = subcriterion_number(import_fold(im, part), number);
        size_t at;
        if (!title) {
            note_add(im, NOTE_subcriterion_unreadable, r, F_SUBCRITERION, part, NULL);
        } else if (!caf_find(im, number, &at)) {
            note_add(im, NOTE_subcriterion_unknown, r, F_SUBCRITERION, part, NULL);
        } else if (array_has(numbers, number)) {
            note_add(im, NOTE_value_repeated, r, F_SUBCRITERION, part, number);
        } else {
            const char *other = check_title(im, r, at, part, title);
            proposed = other ? other : proposed;
            was = other ? im->catalogue->caf[at].number : was;
            import_add(im, numbers, json_string(number));
        }
    }
    if (proposed)
        propose_number(im, r, numbers, was, proposed);
    json_decref(parts);
    return numbers;
}

/* A merged block prints its label once, and not always in its first row: what fills down is only the row without any
 * number. */
void caf_read(struct import *im, const struct record *r, json_t *action, const json_t *above)
{
    const char *cell = record_text(im, r, F_CRITERION), *sub = record_text(im, r, F_SUBCRITERION);
    int printed = *cell ? criterion_read(im, r, cell) : 0;
    json_t *numbers, *filled = json_object_get(above, "subcriteria");
    const char *first = array_text(filled, 0);
    if (*sub) {
        numbers = subcriteria_read(im, r, sub);
    } else if (*first && (!printed || printed == *first - '0')) {
        numbers = json_deep_copy(filled);
        note_add(im, NOTE_subcriterion_filled, r, F_SUBCRITERION, "", array_join(im, filled, ", "));
    } else {
        numbers = json_array();
        note_add(im, NOTE_subcriterion_missing, r, F_SUBCRITERION, NULL, NULL);
    }
    first = array_text(numbers, 0);
    int criterion = *first ? text_number(first) : printed;
    import_put(im, action, "criterion", criterion ? json_integer(criterion) : json_null());
    if (criterion && !printed)
        note_add(im, NOTE_criterion_derived, r, F_CRITERION, cell, import_print(im, "%d", criterion));
    else if (printed && criterion != printed)
        note_add(im, NOTE_criterion_differs, r, F_CRITERION, import_print(im, "%d", printed),
                 import_print(im, "%d", criterion));
    import_put(im, action, "subcriteria", numbers);
}
