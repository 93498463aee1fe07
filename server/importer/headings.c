#include "server/importer/headings.h"

#include "server/importer/document.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Folded, without what stands in parentheses or at the end. */
static const struct {
    enum field field;
    const char *names;
} headings[] = {
    {F_NUMBER, "|no|n°|nro|num|numero|#|number|"},
    {F_CRITERION, "|criterios no|criterio no|criterios|criterio|criterion|criteria|"},
    {F_SUBCRITERION, "|subcriterio no|subcriterios no|subcriterio|subcriterios|subcriterion|subcriteria|"},
    {F_AREA, "|area de mejora|areas de mejora|area|improvement area|area for improvement|"},
    {F_ACTION, "|accion de mejora|acciones de mejora|accion|acciones|improvement action|action|actions|"},
    {F_OBJECTIVE, "|objetivo|objetivos|objective|objectives|"},
    {F_TASKS, "|tareas|tarea|actividades|tasks|"},
    {F_TIME, "|tiempo|plazo|time|"},
    {F_START, "|inicio|fecha inicio|fecha de inicio|start|"},
    {F_END, "|fin|fecha fin|fecha de fin|final|termino|end|"},
    {F_RESOURCES, "|recursos necesarios|recursos|resources|resources needed|"},
    {F_INDICATOR, "|indicador|indicadores|indicator|indicators|"},
    {F_OWNER,
     "|responsable de seguimiento|responsable del seguimiento|responsable|responsables|owner|owners|responsible|"},
    {F_COMMENTS, "|comentarios|comentario|observaciones|comments|"},
    {F_YEAR, "|ano|year|"},
    {F_STATE, "|estado de realizacion|estado|avance|state of completion|progress|"},
    {F_STEP0, "|0%|0 %|"},
    {F_STEP0 + 1, "|25%|25 %|"},
    {F_STEP0 + 2, "|50%|50 %|"},
    {F_STEP0 + 3, "|75%|75 %|"},
    {F_STEP100, "|100%|100 %|"},
    {F_RESULT, "|resultado final|resultado|final result|result|"},
};

static enum field field_named(struct import *im, const char *cell)
{
    const char *folded = import_fold(im, cell);
    size_t n = strcspn(folded, "(|");
    while (n && strchr(" .:", folded[n - 1]))
        n--;
    const char *name = import_print(im, "|%.*s|", (int)n, folded);
    for (size_t i = 0; n && i < sizeof headings / sizeof *headings; i++)
        if (strstr(headings[i].names, name))
            return headings[i].field;
    return FIELDS;
}

static bool is_blank(const char *cell)
{
    return !cell[strspn(cell, " \t\n\v\f\r")];
}

static size_t filled_cells(const struct grid_row *row, size_t *ret_first)
{
    size_t filled = 0;
    for (size_t i = row->n; i-- > 0;) {
        if (!is_blank(row->cells[i])) {
            filled++;
            *ret_first = i;
        }
    }
    return filled;
}

/* Names may continue in a second row: there `again` is true and only what is new counts. */
static size_t map_columns(struct import *im, struct table *t, const struct grid_row *row, bool again)
{
    size_t mapped = 0;
    for (int i = 0; i < (int)row->n; i++) {
        enum field field = is_blank(row->cells[i]) ? FIELDS : field_named(im, row->cells[i]);
        if (field == FIELDS || (again && t->column[field] >= 0))
            continue;
        if (t->column[field] >= 0)
            note_line(im, NOTE_heading_repeated, row->line, row->cells[i], NULL);
        t->column[field] = i;
        t->heading[field] = import_slice(im, row->cells[i], strlen(row->cells[i]));
        mapped++;
    }
    t->width = (int)row->n > t->width ? (int)row->n : t->width;
    return mapped;
}

static bool is_heading(struct import *im, const struct grid_row *row)
{
    bool number = false, topic = false;
    size_t named = 0;
    for (size_t i = 0; i < row->n; i++) {
        enum field field =
            strlen(row->cells[i]) > 80 || is_blank(row->cells[i]) ? FIELDS : field_named(im, row->cells[i]);
        number |= field == F_NUMBER;
        topic |= field == F_SUBCRITERION || field == F_ACTION;
        named += field < FIELDS;
    }
    return number && topic && named >= 3;
}

static bool is_second_heading(struct import *im, const struct table *t, const struct grid_row *row)
{
    size_t named = 0;
    for (size_t i = 0; i < row->n; i++) {
        if (is_blank(row->cells[i]))
            continue;
        enum field field = (int)i == t->column[F_NUMBER] ? FIELDS : field_named(im, row->cells[i]);
        if (field == FIELDS)
            return false;
        named++;
    }
    return named > 0;
}

static void require_columns(struct import *im, const struct table *t, int line)
{
    static const struct {
        enum field field;
        const char *name;
    } needed[] = {{F_SUBCRITERION, "Subcriterio No."},
                  {F_ACTION, "Acción de Mejora"},
                  {F_START, "Inicio"},
                  {F_END, "Fin"},
                  {F_OWNER, "Responsable de seguimiento"}};
    for (size_t i = 0; t->kind == TABLE_PLAN && i < sizeof needed / sizeof *needed; i++)
        if (t->column[needed[i].field] < 0)
            note_line(im, NOTE_heading_missing, line, needed[i].name, NULL);
}

/* A blank heading beside "Tiempo" with no second row of names: the two are start and end. */
static void split_time(struct table *t, const struct grid_row *row)
{
    int at = t->column[F_TIME];
    if (at < 0 || t->column[F_START] >= 0 || t->column[F_END] >= 0 || at + 1 >= (int)row->n ||
        !is_blank(row->cells[at + 1]))
        return;
    t->column[F_START] = at;
    t->column[F_END] = at + 1;
    t->heading[F_START] = t->heading[F_END] = t->heading[F_TIME];
}

/* Reads the headings in row *i and, if they go on, in the one below; leaves *i at the last of them. */
static const struct table *table_read(struct import *im, size_t *i)
{
    const struct grid_row *row = &im->grid->rows[*i];
    struct table *t = import_alloc(im, sizeof *t);
    if (!t)
        return NULL;
    memset(t->column, -1, sizeof t->column);
    map_columns(im, t, row, false);
    if (*i + 1 < im->grid->n && is_second_heading(im, t, row + 1)) {
        map_columns(im, t, row + 1, true);
        ++*i;
    }
    split_time(t, row);
    bool states = t->column[F_STATE] >= 0 || t->column[F_STEP0] >= 0 || t->column[F_STEP100] >= 0;
    t->kind = t->column[F_SUBCRITERION] < 0 && (states || t->column[F_YEAR] >= 0) ? TABLE_FOLLOWUP : TABLE_PLAN;
    require_columns(im, t, row->line);
    im->saw_table[t->kind] = true;
    return t;
}

/* "7" or "7." */
static int item_number(const struct table *t, const struct grid_row *row)
{
    size_t column = (size_t)t->column[F_NUMBER];
    const char *cell = column < row->n ? row->cells[column] : "";
    char *end;
    cell += strspn(cell, " ");
    long number = isdigit((unsigned char)*cell) ? strtol(cell, &end, 10) : 0;
    if (number < 1 || number > 999999)
        return 0;
    end += *end == '.';
    return is_blank(end) ? (int)number : 0;
}

static void row_read(struct import *im, const struct table *t, const struct grid_row *row)
{
    size_t first = 0, filled = filled_cells(row, &first);
    int number = t && filled > 1 ? item_number(t, row) : 0;
    if (number) {
        struct records *records = &im->records[t->kind];
        for (size_t i = 0; i < records->n; i++)
            if (records->all[i].item_no == number) {
                note_add(im, NOTE_number_repeated, &(struct record){.table = t, .row = row, .item_no = number},
                         F_NUMBER, import_print(im, "%d", number), NULL);
                return;
            }
        records->all[records->n++] = (struct record){.table = t, .row = row, .item_no = number};
    } else if (filled && !document_line(im, row)) {
        const char *text = import_slice(im, row->cells[first], strlen(row->cells[first]));
        note_line(im, t && filled > 1 ? NOTE_number_missing : NOTE_text_outside, row->line, text, NULL);
    }
}

void headings_read(struct import *im)
{
    const struct table *table = NULL;
    for (size_t i = 0; i < TABLE_KINDS; i++)
        im->records[i].all = import_alloc(im, (im->grid->n + 1) * sizeof(struct record));
    for (size_t i = 0; i < im->grid->n && !im->exhausted; i++) {
        if (is_heading(im, &im->grid->rows[i]))
            table = table_read(im, &i);
        else
            row_read(im, table, &im->grid->rows[i]);
    }
    if (!im->saw_table[TABLE_PLAN])
        note_line(im, im->saw_table[TABLE_FOLLOWUP] ? NOTE_plan_missing : NOTE_not_a_plan, 0, NULL, NULL);
}
