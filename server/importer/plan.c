#include "server/importer/plan.h"

#include "common/text.h"
#include "server/importer/align.h"
#include "server/importer/caf.h"
#include "server/importer/lists.h"
#include "server/importer/units.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- hints about texts, which stay as they are --- */

static bool has_word(const char *text, const char *word, size_t n)
{
    for (const char *at = text; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (length == n && !memcmp(at, word, n))
            return true;
        at += length;
    }
    return false;
}

/* The objective says nothing but the action again: all of its words, or the same five to begin with. */
static bool repeats(const char *objective, const char *action)
{
    size_t words = 0, opening = 0;
    bool all = true, together = true;
    const char *beside = action;
    for (const char *at = objective; *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " "), m = strcspn(beside, " ");
        together &= n == m && !memcmp(at, beside, n);
        opening += together;
        all &= has_word(action, at, n);
        words++;
        at += n;
        beside += m;
        beside += strspn(beside, " ");
    }
    return words && (all || opening >= 5);
}

/* Aims and products by the verb they open with: a plan's objective is an aim, its action makes something. */
static bool opens_with(const char *plain, const char *verbs)
{
    char word[32];
    size_t n = strcspn(plain, " ");
    if (!n || n > sizeof word - 3)
        return false;
    word[0] = word[n + 1] = ' ';
    memcpy(word + 1, plain, n);
    word[n + 2] = '\0';
    return strstr(verbs, word);
}

static bool looks_swapped(const char *objective, const char *action)
{
    static const char products[] =
        " establecer implementar crear disenar elaborar instalar adquirir contratar redactar ";
    static const char aims[] =
        " lograr eficientizar fortalecer garantizar asegurar mejorar contar fomentar conocer concientizar "
        "optimizar incrementar aumentar reducir promover facilitar ";
    return opens_with(objective, products) || (opens_with(action, aims) && !opens_with(objective, aims));
}

static void check_objective(struct import *im, const struct record *r, const json_t *actions, const char *objective)
{
    const char *action = array_join(im, actions, " // ");
    const char *plain_action = import_plain(im, action), *plain_objective = import_plain(im, objective);
    if (!*plain_objective)
        return;
    if (repeats(plain_objective, plain_action))
        note_add(im, NOTE_objective_repeats, r, F_OBJECTIVE, objective, NULL);
    else if (looks_swapped(plain_objective, plain_action))
        note_patch(im, note_add(im, NOTE_objective_swapped, r, F_OBJECTIVE, objective, action),
                   json_pack("{s:s, s:[s]}", "objective", action, "actions", objective));
}

/* An area pasted among the actions is no action. */
static void check_actions(struct import *im, const struct record *r, const json_t *areas, const json_t *actions)
{
    json_t *others = import_keep(im, json_array());
    const char *pasted = NULL;
    for (size_t i = 0; i < json_array_size(actions); i++) {
        const char *action = array_text(actions, i), *same = NULL;
        for (size_t j = 0; j < json_array_size(areas) && !same; j++)
            same = strcmp(import_plain(im, action), import_plain(im, array_text(areas, j))) ? NULL : action;
        pasted = same ? same : pasted;
        if (!same)
            import_add(im, others, json_string(action));
    }
    if (pasted && json_array_size(others))
        note_patch(im, note_add(im, NOTE_action_is_area, r, F_ACTION, pasted, ""),
                   json_pack("{s:O}", "actions", others));
    json_decref(others);
}

static void check_balance(struct import *im, const struct record *r, enum field field, const char *text,
                          const char *from)
{
    int depth = 0, quotes = 0;
    bool broken = false;
    for (const char *at = from; *at; at++) {
        depth += (*at == '(') - (*at == ')');
        quotes += *at == '"';
        broken |= depth < 0;
    }
    if (broken || depth || quotes % 2)
        note_add(im, NOTE_unbalanced, r, field, text, NULL);
}

/* "Acta de comité creado Contratación del analista": a lost line break leaves a capital where the sentence goes on. */
static void check_indicator(struct import *im, const struct record *r, const char *text)
{
    const char *word = text;
    for (const char *at = strchr(text, ' '); at; word = at + 1, at = strchr(word, ' ')) {
        bool goes_on = at - word > 3 && islower((unsigned char)at[-1]);
        if (!goes_on || !isupper((unsigned char)at[1]) || !strchr(at + 1, ' '))
            continue;
        json_t *note = note_add(im, NOTE_indicator_glued, r, F_INDICATOR, text, NULL);
        note_args(im, note, import_slice(im, text, (size_t)(at - text)), at + 1);
        return;
    }
}

/* --- reading --- */

/* "6) Aplica…": the number of the example in the questionnaire that the area was taken from. */
static int example_number(const char *area)
{
    size_t digits = strspn(area, "0123456789");
    return digits && digits <= 2 && area[digits] == ')' ? text_number(area) : 0;
}

static void texts_read(struct import *im, const struct record *r, json_t *action)
{
    const char *area = text_read(im, r, F_AREA, NULL), *did = text_read(im, r, F_ACTION, NULL), *bold;
    const char *objective = text_read(im, r, F_OBJECTIVE, NULL), *tasks = text_read(im, r, F_TASKS, &bold);
    json_t *areas = list_split(im, r, F_AREA, area, "//"), *actions = list_split(im, r, F_ACTION, did, "//");
    int example = example_number(area);
    if (!json_array_size(actions))
        note_add(im, NOTE_action_missing, r, F_ACTION, NULL, NULL);
    if (example)
        note_add(im, NOTE_example_number, r, F_AREA, import_print(im, "%d)", example), NULL);
    check_actions(im, r, areas, actions);
    check_objective(im, r, actions, objective);
    check_balance(im, r, F_AREA, area, example ? strchr(area, ')') + 1 : area);
    check_balance(im, r, F_TASKS, tasks, tasks);
    import_put(im, action, "improvement_areas", areas);
    import_put(im, action, "caf_example_no", example ? json_integer(example) : json_null());
    import_put(im, action, "title", text_or_null(bold));
    import_put(im, action, "actions", actions);
    import_put(im, action, "objective", text_or_null(objective));
    import_put(im, action, "tasks", tasks_read(im, r, tasks));
}

static bool time_read(struct import *im, const struct record *r, enum field field, struct period *ret)
{
    const char *text = record_text(im, r, field);
    size_t n = strlen(text);
    if (!period_read(text, im->options.t_means, ret)) {
        note_add(im, NOTE_date_unreadable, r, field, text, NULL);
        return false;
    }
    bool short_year =
        ret->unit == PERIOD_MONTH && isalpha((unsigned char)*text) && !isdigit((unsigned char)text[n - 3]);
    if (ret->unit == PERIOD_T && im->t_assumed && !im->saw_t)
        note_line(im, NOTE_quarter_assumed, r->row->line, text, "quarter");
    if (short_year && !im->saw_month_year) {
        char month[PERIOD_TEXT];
        period_write(ret->first, ret->last, im->options.t_means, month);
        note_line(im, NOTE_month_year, r->row->line, text, month);
    }
    im->saw_t |= ret->unit == PERIOD_T;
    im->saw_month_year |= short_year;
    return true;
}

static void see_year(struct import *im, int year)
{
    im->least_year = !im->least_year || year < im->least_year ? year : im->least_year;
    im->most_year = year > im->most_year ? year : im->most_year;
}

static void times_read(struct import *im, const struct record *r, json_t *action)
{
    struct period start, end;
    bool start_ok = time_read(im, r, F_START, &start), end_ok = time_read(im, r, F_END, &end);
    char start_iso[DATE_TEXT] = "", end_iso[DATE_TEXT] = "";
    const char *start_text = record_text(im, r, F_START), *end_text = record_text(im, r, F_END);
    if (start_ok) {
        date_write(start.first, start_iso);
        see_year(im, start.first.year);
    }
    if (end_ok) {
        date_write(end.last, end_iso);
        see_year(im, end.last.year);
    }
    if (start_ok && end_ok && date_days(end.last) < date_days(start.first))
        note_args(im, note_add(im, NOTE_date_order, r, F_END, end_text, NULL), end_text, start_text);
    import_put(im, action, "start_period", text_or_null(start_text));
    import_put(im, action, "end_period", text_or_null(end_text));
    import_put(im, action, "start_date", text_or_null(start_iso));
    import_put(im, action, "end_date", text_or_null(end_iso));
}

static void owners_read(struct import *im, const struct record *r, json_t *action)
{
    json_t *owners = units_read(im, r, F_OWNER);
    const char *text = record_text(im, r, F_OWNER);
    const char *lead = json_string_value(json_object_get(json_array_get(owners, 0), "name"));
    if (!*text)
        note_add(im, NOTE_owner_missing, r, F_OWNER, "", NULL);
    if (json_array_size(owners) > 1)
        note_add(im, NOTE_lead_assumed, r, F_OWNER, text, lead);
    import_put(im, action, "owners", owners);
    import_put(im, action, "owner_text", text_or_null(text));
}

static json_t *action_read(struct import *im, const struct record *r, const json_t *above)
{
    json_t *action = import_keep(im, json_object());
    const char *indicator = text_read(im, r, F_INDICATOR, NULL);
    import_put(im, action, "item_no", json_integer(r->item_no));
    import_put(im, action, "line", json_integer(r->row->line));
    import_put(im, action, "shift", json_integer(r->shift));
    caf_read(im, r, action, above);
    texts_read(im, r, action);
    times_read(im, r, action);
    import_put(im, action, "resources", resources_read(im, r));
    import_put(im, action, "indicator", text_or_null(indicator));
    check_indicator(im, r, indicator);
    owners_read(im, r, action);
    import_put(im, action, "comments", list_split(im, r, F_COMMENTS, text_read(im, r, F_COMMENTS, NULL), "//"));
    return action;
}

/* --- the plan as a whole --- */

static const char *objective_of(const struct record *r)
{
    const char *text = json_string_value(json_object_get(r->action, "objective"));
    return text ? text : "";
}

/* The same objective and nearly the same tasks: perhaps one action for two subcriteria, perhaps a slip. */
static void check_duplicates(struct import *im)
{
    json_t *seen = import_keep(im, json_object());
    const struct records *plan = &im->records[TABLE_PLAN];
    for (size_t i = 0; i < plan->n; i++) {
        const struct record *r = &plan->all[i];
        const char *objective = import_plain(im, objective_of(r));
        json_t *earlier = *objective ? json_object_get(seen, objective) : NULL;
        const struct record *other = earlier ? &plan->all[json_integer_value(earlier)] : NULL;
        if (other && text_near(import_plain(im, record_text(im, r, F_TASKS)),
                               import_plain(im, record_text(im, other, F_TASKS)), TEXT_NEAR_MAX))
            note_add(im, NOTE_possible_duplicate, r, FIELDS, import_print(im, "%d", other->item_no), NULL);
        if (*objective)
            import_put(im, seen, objective, json_integer((json_int_t)i));
    }
    json_decref(seen);
}

static int compare_int(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Numbers are what meetings speak of: gaps stay, and are pointed out. */
static void check_gaps(struct import *im)
{
    const struct records *plan = &im->records[TABLE_PLAN];
    int *numbers = import_alloc(im, (plan->n + 1) * sizeof *numbers);
    for (size_t i = 0; numbers && i < plan->n; i++)
        numbers[i] = plan->all[i].item_no;
    if (numbers)
        qsort(numbers, plan->n, sizeof *numbers, compare_int);
    for (size_t i = 0; numbers && i < plan->n; i++) {
        int next = i ? numbers[i - 1] + 1 : 1, before = numbers[i] - 1;
        if (before > next)
            note_line(im, NOTE_number_gap, 0, import_print(im, "%d–%d", next, before), NULL);
        else if (before == next)
            note_line(im, NOTE_number_gap, 0, import_print(im, "%d", next), NULL);
    }
}

void plan_read(struct import *im)
{
    struct records *plan = &im->records[TABLE_PLAN];
    const json_t *above = NULL;
    for (size_t i = 0; i < plan->n && !im->exhausted; i++) {
        struct record *r = &plan->all[i];
        if (!record_align(im, r))
            continue;
        r->action = action_read(im, r, above);
        above = r->action;
        import_add(im, im->actions, r->action);
    }
    check_duplicates(im);
    check_gaps(im);
}
