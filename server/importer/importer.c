#include "server/importer/importer.h"

#include "server/importer/caf.h"
#include "server/importer/document.h"
#include "server/importer/followup.h"
#include "server/importer/headings.h"
#include "server/importer/plan.h"
#include "server/importer/units.h"

#include <stdint.h>
#include <string.h>
#include <unistr.h>

static void check_cell(struct import *im, const struct grid_row *row, size_t i)
{
    size_t n = strlen(row->cells[i]);
    const char *place = import_print(im, "%zu", i + 1);
    if (n > IMPORTER_CELL)
        note_line(im, NOTE_cell_too_long, row->line, place, import_print(im, "%d", IMPORTER_CELL));
    if (u8_check((const uint8_t *)row->cells[i], n))
        note_line(im, NOTE_text_invalid, row->line, place, NULL);
}

static void check_limits(struct import *im)
{
    if (im->grid->n > IMPORTER_ROWS) {
        note_line(im, NOTE_rows_too_many, 0, import_print(im, "%zu", im->grid->n),
                  import_print(im, "%d", IMPORTER_ROWS));
        return;
    }
    for (size_t i = 0; i < im->grid->n; i++) {
        const struct grid_row *row = &im->grid->rows[i];
        if (row->n > IMPORTER_COLUMNS)
            note_line(im, NOTE_columns_too_many, row->line, import_print(im, "%zu", row->n),
                      import_print(im, "%d", IMPORTER_COLUMNS));
        for (size_t j = 0; j < row->n && j <= IMPORTER_COLUMNS; j++)
            check_cell(im, row, j);
    }
}

static bool begin(struct import *im)
{
    json_t **made[] = {&im->known_units, &im->unit_codes, &im->signatures, &im->actions,
                       &im->units,       &im->followup,   &im->notes};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        *made[i] = import_keep(im, i < 2 ? json_object() : json_array());
    im->t_assumed = !im->options.t_means;
    if (im->t_assumed)
        im->options.t_means = PERIOD_QUARTER;
    return !im->exhausted;
}

static void end(struct import *im)
{
    json_decref(im->known_units);
    json_decref(im->unit_codes);
    json_decref(im->signatures);
    json_decref(im->actions);
    json_decref(im->units);
    json_decref(im->followup);
    json_decref(im->notes);
    json_decref(im->title);
    arena_free(&im->scratch);
}

static void read_all(struct import *im)
{
    check_limits(im);
    if (notes_refused(im))
        return;
    caf_learn(im);
    units_learn(im);
    headings_read(im);
    if (im->exhausted)
        return;
    plan_read(im);
    document_settle(im);
    followup_read(im);
}

static json_t *draft(struct import *im)
{
    const char *t_means = im->options.t_means == PERIOD_QUARTER ? "quarter" : "four_months";
    return json_pack("{s:O?, s:o, s:i, s:s, s:O, s:O, s:O, s:O, s:O}", "title", im->title, "year",
                     im->year ? json_integer(im->year) : json_null(), "caf", 2020, "t_means", t_means, "signatures",
                     im->signatures, "actions", im->actions, "units", im->units, "followup", im->followup, "notes",
                     im->notes);
}

json_t *importer_read(const struct grid *grid, const struct catalogue *catalogue,
                      const struct importer_options *options)
{
    struct import im = {.grid = grid, .catalogue = catalogue, .options = *options};
    json_t *result = NULL;
    arena_init(&im.scratch, SIZE_MAX);
    if (begin(&im))
        read_all(&im);
    if (!im.exhausted)
        result = draft(&im);
    end(&im);
    return result;
}
