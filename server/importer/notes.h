/* notes - what the importer has to tell people about a file: repaired, to decide, refused, or worth a look.
 *
 * A note is known again by its code, number and `was`, not by its line. */
#pragma once

#include "server/importer/import.h"

enum note_code {
#define NOTE(code, kind) NOTE_##code,
#include "server/importer/notes.def"
#undef NOTE
    NOTE_CODES
};

/* Adds a note about a record's cell (record NULL: the whole file) and lends it. Its arguments are `was` and `now`. */
json_t *note_add(struct import *im, enum note_code code, const struct record *at, enum field field, const char *was,
                 const char *now);

/* Adds a note about a line that belongs to no record. */
json_t *note_line(struct import *im, enum note_code code, int line, const char *was, const char *now);

/* Other arguments than `was` and `now`. */
#define note_args(im, note, ...) note_args_set(im, note, (const char *const[]){__VA_ARGS__, NULL})
void note_args_set(struct import *im, json_t *note, const char *const *args);

/* What accepting the proposal would set. */
void note_patch(struct import *im, json_t *note, json_t *patch);

bool notes_refused(const struct import *im);
const char *note_code_name(enum note_code code);
