#include "server/importer/followup.h"

#include "server/importer/align.h"
#include "server/importer/units.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 32 /* rows a text may have slipped */, STEPS = 5 };

/* --- which plan row a text comes from --- */

struct bag { /* the words of a text, as sorted hashes */
    uint32_t *words;
    size_t n;
};

static int compare_words(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static struct bag bag_of(struct import *im, const struct record *r, enum field field)
{
    const char *text = import_fold(im, record_text(im, r, field));
    struct bag bag = {import_alloc(im, (strlen(text) / 2 + 1) * sizeof(uint32_t)), 0};
    for (const char *at = text; bag.words && *at; at += *at == ' ') {
        uint32_t hash = 2166136261u; /* FNV-1a */
        for (; *at && *at != ' '; at++)
            hash = (hash ^ (unsigned char)*at) * 16777619u;
        bag.words[bag.n++] = hash;
    }
    if (bag.words)
        qsort(bag.words, bag.n, sizeof *bag.words, compare_words);
    return bag;
}

/* Of a thousand: twice the words in common among the words of both. */
static size_t likeness(const struct bag *a, const struct bag *b)
{
    size_t common = 0, i = 0, j = 0;
    while (i < a->n && j < b->n) {
        int order = compare_words(&a->words[i], &b->words[j]);
        common += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return a->n + b->n ? 2000 * common / (a->n + b->n) : 0;
}

/* The likest plan row near `own`, the nearest of equals; SIZE_MAX when none is half alike. */
static size_t likest(const struct bag *plan, size_t n, size_t own, const struct bag *text)
{
    size_t best = SIZE_MAX, best_likeness = 499, first = own > WINDOW ? own - WINDOW : 0;
    for (size_t i = first; i < n && i <= own + WINDOW; i++) {
        size_t like = likeness(&plan[i], text);
        size_t off = i > own ? i - own : own - i, best_off = best > own ? best - own : own - best;
        if (like > best_likeness || (like == best_likeness && best != SIZE_MAX && off < best_off)) {
            best = i;
            best_likeness = like;
        }
    }
    return best;
}

/* --- the table's slips --- */

struct column { /* one text column of the follow-up against the plan's */
    enum field field;
    enum note_code slip;
    struct bag *plan;
    bool *found;      /* beside plan: a follow-up row speaks of it */
    const char *runs; /* "11–17: -1": numbers and how far their texts slipped */
    int first, last, offset;
};

static void run_end(struct import *im, struct column *c)
{
    if (!c->offset)
        return;
    const char *run = c->first == c->last ? import_print(im, "%d: %+d", c->first, c->offset)
                                          : import_print(im, "%d–%d: %+d", c->first, c->last, c->offset);
    c->runs = *c->runs ? import_print(im, "%s, %s", c->runs, run) : run;
}

static void run_note(struct import *im, struct column *c, int item_no, int offset)
{
    if (offset != c->offset) {
        run_end(im, c);
        c->first = item_no;
        c->offset = offset;
    }
    c->last = item_no;
}

/* The first words in which two texts of one row differ. */
static void check_wording(struct import *im, const struct record *r, enum field field, const char *plan,
                          const char *text)
{
    const char *a = import_plain(im, plan), *b = import_plain(im, text);
    while (*a && *b) {
        size_t n = strcspn(a, " "), m = strcspn(b, " ");
        if (n != m || memcmp(a, b, n) != 0)
            break;
        a += n + (a[n] == ' ');
        b += m + (b[m] == ' ');
    }
    if (*a || *b)
        note_add(im, NOTE_followup_wording, r, field, import_slice(im, a, strcspn(a, " ")),
                 import_slice(im, b, strcspn(b, " ")));
}

/* Returns the number of the plan row that the text comes from, 0 if none. */
static int text_match(struct import *im, const struct record *r, size_t own, struct column *c)
{
    const struct records *plan = &im->records[TABLE_PLAN];
    struct bag bag = bag_of(im, r, c->field);
    size_t i = likest(c->plan, plan->n, own, &bag);
    int item_no = i < plan->n ? plan->all[i].item_no : 0;
    if (i < plan->n)
        c->found[i] = true;
    run_note(im, c, r->item_no, i < plan->n ? (int)i - (int)own : 0);
    if (i == own)
        check_wording(im, r, c->field, record_text(im, &plan->all[i], c->field), record_text(im, r, c->field));
    else if (item_no)
        note_add(im, c->slip, r, c->field, import_print(im, "%d", r->item_no), import_print(im, "%d", item_no));
    return item_no;
}

/* --- progress --- */

/* "x", "✓", "1", "sí", the step itself, a date, initials: a mark under one of the five steps */
static bool is_mark(const char *text, int step)
{
    static const char *const marks[] = {"x", "xx", "✓", "✔", "1", "si", "ok", "yes"};
    struct period date;
    char *end;
    size_t letters = 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (!strcmp(text, marks[i]))
            return true;
    if (isdigit((unsigned char)*text) && strtol(text, &end, 10) == step && !end[strspn(end, " %")])
        return true;
    for (const char *at = text; *at; at++)
        letters += isalpha((unsigned char)*at) ? 1 : strchr(". ", *at) ? 0 : 100;
    return (letters >= 2 && letters <= 4 && strcmp(text, "no") != 0) || period_read(text, PERIOD_QUARTER, &date);
}

static json_t *percent_odd(struct import *im, const struct record *r, enum field field, const char *text)
{
    char *end;
    long number = isdigit((unsigned char)*text) ? strtol(text, &end, 10) : -1;
    bool percentage = number >= 0 && number <= 100 && !end[strspn(end, " %")];
    long step = percentage ? number / 25 * 25 : 0;
    if (percentage && step == number && field == F_STATE)
        return json_integer(number);
    json_t *note = note_add(im, percentage ? NOTE_progress_value : NOTE_progress_unknown, r, field, text,
                            percentage ? import_print(im, "%ld", step) : NULL);
    if (percentage)
        note_patch(im, note, json_pack("{s:i}", "percent", (int)step));
    return json_null();
}

/* An empty row of steps is "not reported", which is not 0 %. */
static json_t *percent_read(struct import *im, const struct record *r)
{
    enum field marked = FIELDS;
    const char *columns = "";
    size_t marks = 0;
    for (int step = 0; step < STEPS; step++) {
        enum field field = (enum field)(F_STEP0 + step);
        if (!*record_text(im, r, field))
            continue;
        marked = field;
        const char *heading = r->table->heading[field];
        columns = marks++ ? import_print(im, "%s, %s", columns, heading) : heading;
    }
    if (marks > 1) {
        note_add(im, NOTE_progress_marks, r, marked, columns, NULL);
        return json_null();
    }
    bool steps = r->table->column[F_STEP0] >= 0 || r->table->column[F_STEP100] >= 0;
    if (!marks && !steps && *record_text(im, r, F_STATE))
        return percent_odd(im, r, F_STATE, record_text(im, r, F_STATE));
    if (!marks)
        return json_null();
    int percent = 25 * ((int)marked - F_STEP0);
    const char *text = record_text(im, r, marked);
    return is_mark(import_fold(im, text), percent) ? json_integer(percent) : percent_odd(im, r, marked, text);
}

static void check_result(struct import *im, const struct record *r, const json_t *percent, const char *result)
{
    bool done = json_integer_value(percent) == 100;
    if (*result && !done)
        note_add(im, NOTE_result_early, r, F_RESULT, result, NULL);
    if (done)
        note_add(im, NOTE_evidence_absent, r, F_STEP100, "100", NULL);
}

/* --- rows --- */

static int year_read(struct import *im, const struct record *r)
{
    const char *text = record_text(im, r, F_YEAR);
    char *end = NULL;
    long year = isdigit((unsigned char)*text) ? strtol(text, &end, 10) : 0;
    bool right = !*text || (end && !*end && year == im->year);
    if (!right && im->year)
        note_add(im, NOTE_followup_year, r, F_YEAR, text, import_print(im, "%d", im->year));
    return right && *text ? (int)year : 0;
}

static void check_owners(struct import *im, const struct record *r, const struct record *plan, const json_t *owners)
{
    const json_t *planned = json_object_get(plan->action, "owners");
    if (!json_array_size(owners) || units_same(planned, owners))
        return;
    json_t *note =
        note_add(im, NOTE_owner_differs, r, F_OWNER, record_text(im, plan, F_OWNER), record_text(im, r, F_OWNER));
    note_patch(im, note, json_pack("{s:o}", "owners", json_deep_copy(owners)));
}

static void row_join(struct import *im, struct record *r, size_t own, struct column columns[2])
{
    const struct record *plan = &im->records[TABLE_PLAN].all[own];
    json_t *owners = units_read(im, r, F_OWNER), *percent = percent_read(im, r);
    int year = year_read(im, r), action_no = text_match(im, r, own, &columns[0]),
        tasks_no = text_match(im, r, own, &columns[1]);
    const char *result = record_text(im, r, F_RESULT);
    bool confirmed = units_overlap(im, json_object_get(plan->action, "owners"), owners);
    check_owners(im, r, plan, owners);
    check_result(im, r, percent, result);
    json_t *row =
        json_pack("{s:i, s:i, s:s?, s:s?, s:o, s:s?, s:o, s:o, s:o, s:i, s:i, s:b}", "item_no", r->item_no, "line",
                  r->row->line, "action_text", record_text(im, r, F_ACTION), "tasks_text", record_text(im, r, F_TASKS),
                  "year", year ? json_integer(year) : json_null(), "owner_text", record_text(im, r, F_OWNER), "percent",
                  percent, "result", text_or_null(result), "comments", text_or_null(record_text(im, r, F_COMMENTS)),
                  "action_item_no", action_no, "tasks_item_no", tasks_no, "owner_confirmed", confirmed);
    import_add(im, im->followup, import_keep(im, row));
    json_decref(owners);
}

static size_t plan_index(const struct import *im, int item_no)
{
    const struct records *plan = &im->records[TABLE_PLAN];
    for (size_t i = 0; i < plan->n; i++)
        if (plan->all[i].item_no == item_no)
            return i;
    return SIZE_MAX;
}

static void check_missing(struct import *im)
{
    const struct records *plan = &im->records[TABLE_PLAN], *followup = &im->records[TABLE_FOLLOWUP];
    bool *reported = import_alloc(im, plan->n + 1);
    for (size_t i = 0; reported && i < followup->n; i++) {
        size_t at = plan_index(im, followup->all[i].item_no);
        if (at != SIZE_MAX)
            reported[at] = true;
    }
    for (size_t i = 0; reported && i < plan->n; i++)
        if (!reported[i])
            note_add(im, NOTE_followup_missing, &plan->all[i], FIELDS, import_print(im, "%d", plan->all[i].item_no),
                     NULL);
}

static void columns_begin(struct import *im, struct column columns[2])
{
    const struct records *plan = &im->records[TABLE_PLAN];
    columns[0] = (struct column){.field = F_ACTION, .slip = NOTE_followup_action, .runs = ""};
    columns[1] = (struct column){.field = F_TASKS, .slip = NOTE_followup_tasks, .runs = ""};
    for (size_t c = 0; c < 2; c++) {
        columns[c].plan = import_alloc(im, (plan->n + 1) * sizeof *columns[c].plan);
        columns[c].found = import_alloc(im, plan->n + 1);
        for (size_t i = 0; columns[c].plan && i < plan->n; i++)
            columns[c].plan[i] = bag_of(im, &plan->all[i], columns[c].field);
    }
}

/* Texts that slipped away altogether: others stand in their place. */
static void check_lost(struct import *im, const struct column *c)
{
    const struct records *plan = &im->records[TABLE_PLAN];
    for (size_t i = 0; *c->runs && i < plan->n; i++)
        if (!c->found[i] && c->plan[i].n)
            note_add(im, NOTE_followup_lost, &plan->all[i], c->field, import_print(im, "%d", plan->all[i].item_no),
                     NULL);
}

/* One question for the whole table, however many of its texts have slipped. */
static void ask_alignment(struct import *im, struct column columns[2])
{
    size_t rows = json_array_size(im->followup), confirmed = 0;
    for (size_t i = 0; i < rows; i++)
        confirmed += json_is_true(json_object_get(json_array_get(im->followup, i), "owner_confirmed"));
    run_end(im, &columns[0]);
    run_end(im, &columns[1]);
    const char *actions = *columns[0].runs ? columns[0].runs : "0", *tasks = *columns[1].runs ? columns[1].runs : "0";
    if (!*columns[0].runs && !*columns[1].runs)
        return;
    const struct record *first = &im->records[TABLE_FOLLOWUP].all[0];
    json_t *note =
        note_line(im, NOTE_followup_alignment, first->row->line, import_print(im, "%s; %s", actions, tasks), NULL);
    note_args(im, note, actions, tasks, import_print(im, "%zu/%zu", confirmed, rows));
    check_lost(im, &columns[0]);
    check_lost(im, &columns[1]);
}

void followup_read(struct import *im)
{
    struct records *followup = &im->records[TABLE_FOLLOWUP];
    struct column columns[2];
    if (!followup->n)
        return;
    columns_begin(im, columns);
    for (size_t i = 0; i < followup->n && !im->exhausted; i++) {
        struct record *r = &followup->all[i];
        size_t own = plan_index(im, r->item_no);
        record_align(im, r);
        if (own == SIZE_MAX)
            note_add(im, NOTE_followup_number, r, F_NUMBER, import_print(im, "%d", r->item_no), NULL);
        else
            row_join(im, r, own, columns);
    }
    if (!im->exhausted)
        ask_alignment(im, columns);
    check_missing(im);
}
