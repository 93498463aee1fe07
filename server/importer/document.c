#include "server/importer/document.h"

#include "common/text.h"
#include "server/importer/lists.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *begins, *role;
} roles[] = {
    {"responsable plan", "plan"}, {"responsable del plan", "plan"}, {"elabora", "plan"},          {"revisa", "reviews"},
    {"revisado por", "reviews"},  {"aprueba", "approves"},          {"aprobado por", "approves"},
};

static const char *row_text(struct import *im, const struct grid_row *row)
{
    const char *text = "";
    for (size_t i = 0; i < row->n; i++) {
        const char *cell = import_slice(im, row->cells[i], strlen(row->cells[i]));
        if (*cell)
            text = *text ? import_print(im, "%s %s", text, cell) : cell;
    }
    return text;
}

/* What was written on the line, if anything: underscores are only the line. */
static const char *filled_in(struct import *im, const char *text, size_t n)
{
    while (n && strchr(" _", *text))
        text++, n--;
    while (n && strchr(" _", text[n - 1]))
        n--;
    return import_slice(im, text, n);
}

/* "Revisa: Ana Peña Fecha: 2023-02-01" */
static void signature_read(struct import *im, const char *role, int line, const char *text)
{
    const char *name = strchr(text, ':') + 1, *word = strcasestr(name, "fecha"),
               *mark = word ? strchr(word, ':') : NULL;
    const char *date = mark ? filled_in(im, mark + 1, strlen(mark + 1)) : "";
    struct date day;
    if (*date && !date_read(date, &day)) {
        note_line(im, NOTE_signature_date, line, date, NULL);
        date = "";
    }
    json_t *signature = json_pack("{s:s, s:o, s:o}", "role", role, "name",
                                  text_or_null(filled_in(im, name, word ? (size_t)(word - name) : strlen(name))),
                                  "date", text_or_null(date));
    import_add(im, im->signatures, import_keep(im, signature));
}

static int year_in(const char *text)
{
    for (const char *at = text; *at; at++) {
        size_t digits = strspn(at, "0123456789");
        int year = digits == 4 ? text_number(at) : 0;
        if (year >= 1970 && year <= 2199)
            return year;
        at += digits ? digits - 1 : 0;
    }
    return 0;
}

static void title_read(struct import *im, const struct grid_row *row, const char *text)
{
    const char *bold, *plain = markup_strip(im, text, &bold);
    if (im->title)
        return; /* the follow-up's own title */
    if (plain != text)
        note_line(im, NOTE_markup_removed, row->line, text, plain);
    im->title = import_keep(im, json_string(plain));
    im->title_year = year_in(plain);
}

bool document_line(struct import *im, const struct grid_row *row)
{
    const char *text = row_text(im, row), *folded = import_fold(im, text);
    for (size_t i = 0; strchr(text, ':') && i < sizeof roles / sizeof *roles; i++) {
        size_t n = strlen(roles[i].begins);
        if (!strncmp(folded, roles[i].begins, n) && strchr(" :", folded[n])) {
            signature_read(im, roles[i].role, row->line, text);
            return true;
        }
    }
    if (strlen(text) > 300 || !strstr(folded, "plan de mejora"))
        return false;
    title_read(im, row, text);
    return true;
}

static void year_settle(struct import *im)
{
    int stated = im->options.year ? im->options.year : im->title_year;
    bool dated = im->most_year != 0;
    if (im->options.year && im->title_year && im->options.year != im->title_year)
        note_line(im, NOTE_year_differs, 0, import_print(im, "%d", im->title_year),
                  import_print(im, "%d", im->options.year));
    im->year = stated ? stated : im->least_year == im->most_year ? im->least_year : 0;
    if (stated)
        return;
    const char *least = import_print(im, "%d", im->least_year), *most = import_print(im, "%d", im->most_year);
    if (dated && im->least_year == im->most_year)
        note_line(im, NOTE_year_from_dates, 0, "", least);
    else if (dated)
        note_line(im, NOTE_year_ambiguous, 0, least, most);
    else if (!notes_refused(im))
        note_line(im, NOTE_year_missing, 0, NULL, NULL);
}

/* A plan may run over its year's edge; it is worth a look. */
static void check_years(struct import *im)
{
    static const enum field fields[] = {F_START, F_END};
    static const char *const keys[] = {"start_date", "end_date"};
    const struct records *plan = &im->records[TABLE_PLAN];
    for (size_t i = 0; im->year && i < 2 * plan->n; i++) {
        const struct record *r = &plan->all[i / 2];
        const char *date = json_string_value(json_object_get(r->action, keys[i % 2]));
        if (date && text_number(date) != im->year)
            note_add(im, NOTE_date_outside_year, r, fields[i % 2], date, import_print(im, "%d", im->year));
    }
}

void document_settle(struct import *im)
{
    year_settle(im);
    check_years(im);
    if (!im->title && im->saw_table[TABLE_PLAN]) {
        im->title = import_keep(im, json_string("PLAN DE MEJORA INSTITUCIONAL"));
        note_line(im, NOTE_title_assumed, 0, "", "PLAN DE MEJORA INSTITUCIONAL");
    }
    if (im->saw_nfd)
        note_line(im, NOTE_text_normalised, 0, NULL, NULL);
    if (strcmp(im->grid->encoding ? im->grid->encoding : "UTF-8", "UTF-8") != 0)
        note_line(im, NOTE_encoding_read, 0, im->grid->encoding, "UTF-8");
}
