/* Importing a plan or a directory: the file becomes a grid of cells, the server says what it would change, and only then it may. */
#include "client/cli/cli.h"

#include "client/lib/grid.h"
#include "plan.pb-c.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IMPORT_TIMEOUT_MS = 60000 };

/* The whole file, at most one byte more than a grid may have: that one makes the reader refuse it. */
char *import_slurp(const char *path, size_t *ret_size)
{
    FILE *in = strcmp(path, "-") ? fopen(path, "re") : stdin;
    char *bytes = in ? malloc(GRID_LIMIT + 1) : NULL;
    bool ok = bytes && ((*ret_size = fread(bytes, 1, GRID_LIMIT + 1, in)), !ferror(in));
    if (!ok)
        say("mejora: %s: %s", path, strerror(errno));
    if (in && in != stdin)
        fclose(in);
    if (ok)
        return bytes;
    free(bytes);
    return NULL;
}

static json_t *rows_json(const struct grid *grid)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < grid->n; i++) {
        json_t *cells = json_array();
        for (size_t j = 0; j < grid->rows[i].n; j++)
            json_array_append_new(cells, json_string(grid->rows[i].cells[j]));
        json_array_append_new(rows, json_pack("{s:i, s:o}", "line", grid->rows[i].line, "cells", cells));
    }
    return rows;
}

static void say_fault(const char *path, const struct grid_fault *fault)
{
    char offset[32], line[16];
    snprintf(offset, sizeof offset, "%zu", fault->offset);
    snprintf(line, sizeof line, "%d", fault->line);
    char *text = message_text(fault->code, (char *[]){offset, line}, 2);
    say("%s: %s", path, text ? text : fault->code);
    free(text);
}

/* XLSX, ODS, DOCX are ZIP archives, XLS and DOC what was before: nothing that could be read as text by chance. */
static bool is_office(const char *bytes, size_t size)
{
    return size > 4 && (!memcmp(bytes, "PK\3\4", 4) || !memcmp(bytes, "\xd0\xcf\x11\xe0", 4));
}

static bool read_file(struct cli *cli, const char *path)
{
    size_t size;
    struct grid_file *file;
    struct grid_fault fault;
    const char *slash = strrchr(path, '/');
    char *bytes = import_slurp(path, &size);
    if (!bytes)
        return false;
    if (is_office(bytes, size)) {
        fault = (struct grid_fault){.code = "file_office"};
        say_fault(path, &fault);
        free(bytes);
        return false;
    }
    bool ok = !grid_read(bytes, size, GRID_LIMIT, &file, &fault);
    free(bytes);
    if (!ok) {
        say_fault(path, &fault);
        return false;
    }
    json_object_set_new(cli->fields, "rows", rows_json(&file->grid));
    if (cli->command->op == OP_plan_import) {
        json_object_set_new(cli->fields, "file_name", json_string(slash ? slash + 1 : path));
        json_object_set_new(cli->fields, "encoding", json_string(file->grid.encoding));
    }
    grid_free(file);
    return true;
}

/* As a sheet, an import is the list that one works through: its notes. */
static void show(struct cli *cli, json_t *reply, const char *columns)
{
    ProtobufCMessageDescriptor type = *ops[cli->command->op].reply;
    if (cli->format == FORMAT_CSV || cli->format == FORMAT_TSV) {
        type.fields = protobuf_c_message_descriptor_get_field_by_name(&type, "notes");
        type.n_fields = 1;
    }
    view_reply(cli->format, &type, reply, columns);
}

/* How many of each kind, last, where the eye is. */
static void say_counts(json_t *notes)
{
    const ProtobufCEnumDescriptor *kinds = &mejora__note_kind__descriptor;
    char kind[64], line[256] = "";
    json_t *note;
    for (unsigned i = 1; i < kinds->n_values; i++) {
        size_t n = 0, j, used = strlen(line);
        enum_label(kinds, kinds->values[i].value, kind);
        json_array_foreach(notes, j, note) n += !strcmp(json_string_value(json_object_get(note, "kind")), kind);
        if (n)
            snprintf(line + used, sizeof line - used, "%s%s: %zu", used ? ", " : "", view_label(kind), n);
    }
    if (*line)
        say("%s", line);
}

static void show_changes(struct cli *cli, json_t *reply)
{
    show(cli, reply, cli->command->columns);
    if (cli->format == FORMAT_TABLE)
        say_counts(json_object_get(reply, "notes"));
}

/* All faults at once, by line and column, without what is right beside them. JSON had them with the refusal. */
static void show_faults(struct cli *cli)
{
    json_t *faults = json_pack("{s:[]}", "notes"), *note;
    size_t i;
    json_array_foreach(json_object_get(cli->refused, "notes"), i, note)
    {
        if (!strcmp(json_string_value(json_object_get(note, "kind")), "refused"))
            json_array_append(json_object_get(faults, "notes"), note);
    }
    if (json_array_size(json_object_get(faults, "notes")) && cli->format != FORMAT_JSON)
        show(cli, faults,
             cli->command->op == OP_plan_import ? "notes: line column item_no reason"
                                                : "notes: line column was reason");
    json_decref(faults);
}

static json_t *ask(struct cli *cli, bool dry, int *ret_exit)
{
    json_object_set_new(cli->fields, "dry_run", json_boolean(dry));
    json_t *reply = cli_ask(cli, &ops[cli->command->op], cli->ref, cli->fields, ret_exit);
    if (!reply)
        show_faults(cli);
    return reply;
}

static bool confirmed(void)
{
    char *line = NULL;
    size_t size = 0;
    fflush(stdout);
    fputs(_("Apply this? [y/N] "), stderr);
    bool yes = getline(&line, &size, stdin) > 0 && strchr("yYsS", line[0]) && line[0];
    free(line);
    return yes;
}

static int apply(struct cli *cli, bool quiet)
{
    int code;
    json_t *reply = ask(cli, false, &code);
    if (!reply)
        return code;
    if (!quiet || cli->format != FORMAT_TABLE)
        show_changes(cli, reply);
    if (!json_is_true(json_object_get(reply, "applied")))
        say(_("Nothing to change."));
    else if (cli->command->op == OP_unit_import)
        say(_("Done."));
    else
        say(_("Done: %s. What is left to decide: mejora decision list"),
            json_string_value(json_object_get(reply, "plan")));
    json_decref(reply);
    return code;
}

/* First what would change; then, on a yes, the change. */
static int propose(struct cli *cli)
{
    int code;
    bool dry = local_is(cli, "dry-run"), yes = local_is(cli, "yes"),
         tty = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    if (yes && !dry)
        return apply(cli, false); /* the server refuses what a dry run would refuse, and changes nothing then */
    json_t *reply = ask(cli, true, &code);
    if (!reply)
        return code;
    show_changes(cli, reply);
    json_decref(reply);
    if (dry || !tty) {
        say(dry ? _("This was only a look: nothing was changed.")
                : _("Nothing was changed: there is nobody to ask. Say --yes to apply it."));
        return EXIT_DONE;
    }
    if (confirmed())
        return apply(cli, true);
    say(_("Nothing was changed."));
    return EXIT_DONE;
}

int run_import(struct cli *cli)
{
    const char *year = local_text(cli, "year");
    int code;
    struct ref ref;
    if (cli->queue && (!local_is(cli, "yes") || local_is(cli, "dry-run"))) {
        usage_error(cli->command, "%s", _("--queue goes with --yes: nobody can be asked later"));
        return EXIT_USAGE;
    }
    if (!read_file(cli, local_text(cli, "FILE")))
        return EXIT_INVALID;
    cli->timeout_ms = cli->timeout_ms ? cli->timeout_ms : IMPORT_TIMEOUT_MS;
    if (!cli_open(cli, &code))
        return code;
    if (!cli_reference(cli, ops[cli->command->op].about))
        return EXIT_USAGE;
    if (year && (!ref_parse(cli->ref, &ref) || !args_ref(cli, year, REF_PLAN)))
        return EXIT_USAGE;
    return propose(cli);
}
