#include "server/importer/notes.h"

#include <string.h>

#define REPAIRED  "repaired"
#define TO_DECIDE "to_decide"
#define REFUSED   "refused"
#define HINT      "hint"

static const struct {
    const char *code, *kind;
} notes[] = {
#define NOTE(code, kind) {#code, kind},
#include "server/importer/notes.def"
#undef NOTE
};

static json_t *add(struct import *im, enum note_code code, int line, const char *column, int item_no, const char *was,
                   const char *now)
{
    json_t *args = import_keep(im, json_array());
    if (was || now)
        import_add(im, args, json_string(was ? was : ""));
    if (now)
        import_add(im, args, json_string(now));
    json_t *note =
        json_pack("{s:s, s:s, s:o*, s:o*, s:o*, s:s, s:s?, s:o}", "kind", notes[code].kind, "code", notes[code].code,
                  "line", line ? json_integer(line) : NULL, "column", column ? json_string(column) : NULL, "item_no",
                  item_no ? json_integer(item_no) : NULL, "was", was ? was : "", "now", now, "args", args);
    import_add(im, im->notes, import_keep(im, note));
    if (!strcmp(notes[code].kind, TO_DECIDE))
        import_put(im, note, "patch", json_object());
    return note;
}

json_t *note_add(struct import *im, enum note_code code, const struct record *at, enum field field, const char *was,
                 const char *now)
{
    const char *column = at && field < FIELDS ? at->table->heading[field] : NULL;
    return add(im, code, at ? at->row->line : 0, column, at ? at->item_no : 0, was, now);
}

json_t *note_line(struct import *im, enum note_code code, int line, const char *was, const char *now)
{
    return add(im, code, line, NULL, 0, was, now);
}

void note_args_set(struct import *im, json_t *note, const char *const *args)
{
    json_t *set = json_object_get(note, "args");
    json_array_clear(set);
    for (; *args; args++)
        import_add(im, set, json_string(*args));
}

void note_patch(struct import *im, json_t *note, json_t *patch)
{
    import_put(im, note, "patch", patch);
}

bool notes_refused(const struct import *im)
{
    size_t i;
    json_t *note;
    json_array_foreach(im->notes, i, note)
    {
        if (!strcmp(json_string_value(json_object_get(note, "kind")), REFUSED))
            return true;
    }
    return false;
}

const char *note_code_name(enum note_code code)
{
    return notes[code].code;
}
