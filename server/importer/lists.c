#include "server/importer/lists.h"

#include "common/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *open, *close;
    bool bold;
} tags[] = {
    {"<i>", "</i>", false}, {"<em>", "</em>", false},        {"<u>", "</u>", false},
    {"<b>", "</b>", true},  {"<strong>", "</strong>", true}, {"**", "**", true},
};

static const char *strip_pair(struct import *im, const char *text, size_t tag, const char **bold)
{
    const char *open = strcasestr(text, tags[tag].open);
    size_t skip = strlen(tags[tag].open);
    const char *close = open ? strcasestr(open + skip, tags[tag].close) : NULL;
    if (!close)
        return text;
    int run = (int)(close - open - (ptrdiff_t)skip);
    if (tags[tag].bold && !*bold)
        *bold = import_slice(im, open + skip, (size_t)run);
    return import_print(im, "%.*s%.*s%s", (int)(open - text), text, run, open + skip, close + strlen(tags[tag].close));
}

const char *markup_strip(struct import *im, const char *text, const char **ret_bold)
{
    enum { PAIRS = 16 }; /* more are not a person's doing */
    const char *plain = text;
    *ret_bold = NULL;
    for (size_t tag = 0; tag < sizeof tags / sizeof *tags; tag++) {
        for (int pair = 0; pair < PAIRS; pair++) {
            const char *next = strip_pair(im, plain, tag, ret_bold);
            if (next == plain)
                break;
            plain = next;
        }
    }
    return plain == text ? text : import_slice(im, plain, strlen(plain));
}

const char *text_read(struct import *im, const struct record *r, enum field field, const char **ret_bold)
{
    const char *bold, *text = record_text(im, r, field), *plain = markup_strip(im, text, &bold);
    if (plain != text)
        note_add(im, NOTE_markup_removed, r, field, text, plain);
    if (ret_bold)
        *ret_bold = bold;
    return plain;
}

json_t *list_split(struct import *im, const struct record *r, enum field field, const char *text, const char *separator)
{
    json_t *list = import_keep(im, json_array());
    size_t skip = strlen(separator);
    for (const char *at = text; at;) {
        const char *stop = strstr(at, separator);
        const char *part = import_slice(im, at, stop ? (size_t)(stop - at) : strlen(at));
        if (*part && json_array_size(list) == IMPORTER_LIST) {
            note_add(im, NOTE_list_too_long, r, field, import_print(im, "%d", IMPORTER_LIST), NULL);
            break;
        }
        if (*part)
            import_add(im, list, json_string(part));
        at = stop ? stop + skip : NULL;
    }
    return list;
}

/* --- tasks --- */

/* A number that can open task number `expected`: at a word's start, within two of it, with a dot or before a capital.
 */
static bool opens_task(const char *start, const char *at, int expected, size_t *ret_length, int *ret_number)
{
    size_t digits = strspn(at, "0123456789");
    if (!digits || digits > 2 || (at > start && !isspace((unsigned char)at[-1])))
        return false;
    int number = text_number(at);
    bool dot = at[digits] == '.';
    size_t length = digits + dot;
    length += strspn(at + length, " \n\t");
    unsigned char next = (unsigned char)at[length];
    bool phrase = dot ? next && !isdigit(next) : (isupper(next) || next == 0xc3) && length > digits; /* 0xc3: Á … ñ */
    if (!phrase || abs(number - expected) > 2)
        return false;
    *ret_length = length;
    *ret_number = number;
    return true;
}

static void task_add(struct import *im, json_t *tasks, int printed, const char *text, size_t n)
{
    const char *words = import_slice(im, text, n);
    if (!*words)
        return;
    json_t *task = json_pack("{s:i, s:o, s:s}", "task_no", (int)json_array_size(tasks) + 1, "printed_no",
                             text_or_null(printed ? import_print(im, "%d", printed) : NULL), "text", words);
    import_add(im, tasks, import_keep(im, task));
}

/* How many numbers open a task: one alone in running text is not a list. */
static size_t count_numbers(const char *text)
{
    size_t count = 0, length;
    int number, expected = 1;
    for (const char *at = text; *at; at++) {
        if (opens_task(text, at, expected, &length, &number)) {
            expected = ++count == 1 ? number + 1 : expected + 1;
            at += length - 1;
        }
    }
    return count;
}

static void check_numbers(struct import *im, const struct record *r, const json_t *tasks, const char *text)
{
    bool in_order = true;
    size_t i;
    json_t *task;
    json_array_foreach(tasks, i, task)
    {
        const char *printed = json_string_value(json_object_get(task, "printed_no"));
        in_order &= printed ? (size_t)text_number(printed) == i + 1 : i == 0;
    }
    if (!in_order)
        note_add(im, NOTE_task_numbers, r, F_TASKS, text, import_print(im, "1–%zu", json_array_size(tasks)));
    else if (json_array_size(tasks) && json_is_null(json_object_get(json_array_get(tasks, 0), "printed_no")))
        note_add(im, NOTE_task_number_implied, r, F_TASKS, array_text(tasks, 0), "1");
}

json_t *tasks_read(struct import *im, const struct record *r, const char *text)
{
    json_t *tasks = import_keep(im, json_array());
    size_t numbers = count_numbers(text), length;
    int printed = 0, number;
    const char *start = text;
    bool numbered = numbers > 1 || (numbers == 1 && isdigit((unsigned char)*text));
    for (const char *at = text; numbered && *at; at++) {
        bool more = json_array_size(tasks) + 1 < IMPORTER_LIST;
        int expected = (int)json_array_size(tasks) + 1 + (at > start);
        if (!more || !opens_task(text, at, expected, &length, &number))
            continue;
        task_add(im, tasks, printed, start, (size_t)(at - start));
        printed = number;
        start = at + length;
        at = start - 1;
    }
    task_add(im, tasks, printed, start, strlen(start));
    if (numbered)
        check_numbers(im, r, tasks, text);
    return tasks;
}

/* --- resources --- */

static const struct {
    const char *stem, *name;
} resources[] = {
    {"human", "Humanos"},     {"tecnol", "Tecnológicos"},     {"financ", "Financieros"}, {"material", "Materiales"},
    {"econom", "Económicos"}, {"informatic", "Informáticos"}, {"fisic", "Físicos"},      {"logistic", "Logísticos"},
};

static const char *resource_name(const char *folded)
{
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++)
        if (!strncmp(folded, resources[i].stem, strlen(resources[i].stem)) && !strchr(folded, ' '))
            return resources[i].name;
    return NULL;
}

bool resource_known(const char *folded)
{
    const char *slash = strpbrk(folded, "/ ");
    char word[32];
    size_t n = slash ? (size_t)(slash - folded) : strlen(folded);
    if (n >= sizeof word)
        return false;
    memcpy(word, folded, n);
    word[n] = '\0';
    return resource_name(word);
}

json_t *resources_read(struct import *im, const struct record *r)
{
    json_t *parts = list_split(im, r, F_RESOURCES, record_text(im, r, F_RESOURCES), "/"),
           *set = import_keep(im, json_array());
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const char *part = array_text(parts, i), *name = resource_name(import_plain(im, part));
        if (!name)
            note_add(im, NOTE_resource_unknown, r, F_RESOURCES, part, NULL);
        else if (strcmp(name, part) != 0)
            note_add(im, NOTE_resource_normalised, r, F_RESOURCES, part, name);
        import_add(im, set, json_string(name ? name : part));
    }
    json_decref(parts);
    return set;
}
