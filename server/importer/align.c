#include "server/importer/align.h"

#include "server/importer/caf.h"
#include "server/importer/lists.h"

#include <stdlib.h>
#include <string.h>

enum {
    SUBCRITERION = 1,
    BLANK_SUBCRITERION = 2,
    START = 4,
    END = 8,
    RESOURCES = 16,
    ALL = SUBCRITERION | START | END | RESOURCES
};

static bool is_period(struct import *im, const struct record *r, enum field field, int shift)
{
    struct period p;
    return period_read(record_text_at(im, r, field, shift), im->options.t_means, &p);
}

/* Which of the cells that cannot be mistaken are where this shift says. */
static unsigned anchors(struct import *im, const struct record *r, int shift)
{
    const char *sub = import_fold(im, record_text_at(im, r, F_SUBCRITERION, shift));
    const char *resources = import_fold(im, record_text_at(im, r, F_RESOURCES, shift));
    return (caf_numbered(sub) ? SUBCRITERION : 0u) | (*sub ? 0u : BLANK_SUBCRITERION) |
           (is_period(im, r, F_START, shift) ? START : 0u) | (is_period(im, r, F_END, shift) ? END : 0u) |
           (resource_known(resources) ? RESOURCES : 0u);
}

static bool is_mapped(const struct record *r, int column)
{
    const struct table *t = r->table;
    int number = t->column[F_NUMBER];
    if (column == number)
        return true;
    for (int field = 0; field < FIELDS; field++) {
        int own = t->column[field];
        bool spans = (field == F_TIME && t->column[F_START] >= 0) || (field == F_STATE && t->column[F_STEP0] >= 0);
        if (own >= 0 && !spans && own + (own > number ? r->shift : 0) == column)
            return true;
    }
    return false;
}

/* No cell with something in it is passed over in silence. */
static void check_leftovers(struct import *im, const struct record *r)
{
    int width = r->table->width + (r->shift > 0 ? r->shift : 0);
    for (int i = 0; i < (int)r->row->n; i++) {
        const char *text = import_slice(im, r->row->cells[i], strlen(r->row->cells[i]));
        if (*text && !is_mapped(r, i))
            note_add(im, i < width ? NOTE_cell_unplaced : NOTE_cell_surplus, r, FIELDS, text, NULL);
    }
}

static void note_shift(struct import *im, const struct record *r)
{
    static const enum note_code notes[] = {[0] = NOTE_row_shifted_left_two,
                                           [1] = NOTE_row_shifted_left,
                                           [3] = NOTE_row_shifted_right,
                                           [4] = NOTE_row_shifted_right_two};
    if (!r->shift)
        return;
    note_add(im, notes[r->shift + 2], r, FIELDS, import_print(im, "%+d", r->shift), "0");
    int comments = r->table->column[F_COMMENTS];
    if (comments >= 0 && comments + r->shift >= (int)r->row->n)
        note_add(im, NOTE_comment_lost, r, F_COMMENTS, "", NULL);
}

bool record_align(struct import *im, struct record *r)
{
    static const int shifts[] = {-1, 1, -2, 2};
    unsigned here = anchors(im, r, 0);
    size_t fitting = 0;
    bool fits = (here & START) && (here & END) && (here & (SUBCRITERION | BLANK_SUBCRITERION));
    for (size_t i = 0; !fits && r->table->kind == TABLE_PLAN && i < sizeof shifts / sizeof *shifts; i++) {
        if ((anchors(im, r, shifts[i]) & ALL) == ALL) {
            r->shift = shifts[i];
            fitting++;
        }
    }
    bool mostly =
        __builtin_popcount(here & ALL) >= 2; /* then it is one cell that is wrong, and that cell will be named */
    if (fitting != 1)
        r->shift = 0;
    if (r->table->kind == TABLE_PLAN && !fits && fitting != 1 && !mostly) {
        note_add(im, NOTE_row_misaligned, r, FIELDS, import_print(im, "%d", r->item_no), NULL);
        return false;
    }
    note_shift(im, r);
    check_leftovers(im, r);
    return true;
}
