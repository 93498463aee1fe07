#include "client/cli/cli.h"

#include <ctype.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_usage(const struct command *c, FILE *out)
{
    char name[64];
    fprintf(out, "  mejora %s", command_title(c, name));
    for (const struct arg *arg = c->args; arg->name; arg++)
        if (isupper((unsigned char)arg->name[0]))
            fprintf(out, arg->flags & ARG_MANY ? " %s…" : arg->flags & ARG_NEEDED ? " %s" : " [%s]", _(arg->name));
    for (const struct arg *arg = c->args; arg->name; arg++)
        if (!isupper((unsigned char)arg->name[0]) && arg->flags & ARG_NEEDED)
            fprintf(out, " --%s …", arg->name);
    fputs(_(" [OPTIONS]\n"), out);
}

static void put_line(struct libscols_table *t, const char *left, const char *right)
{
    struct libscols_line *line = scols_table_new_line(t, NULL);
    scols_line_set_data(line, 0, left);
    scols_line_set_data(line, 1, right);
}

static struct libscols_table *lines_new(FILE *out)
{
    struct libscols_table *t = scols_new_table();
    scols_table_set_stream(t, out);
    scols_table_enable_noheadings(t, true);
    scols_table_set_column_separator(t, "  ");
    if (!isatty(fileno(out)))
        scols_table_set_termforce(t, SCOLS_TERMFORCE_NEVER);
    scols_table_new_column(t, "", 0, 0);
    struct libscols_column *right = scols_table_new_column(t, "", 0, SCOLS_FL_WRAP);
    scols_column_set_safechars(right, "\n");
    scols_column_set_wrapfunc(right, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
    return t;
}

/* The right column's texts are broken at words, to what the left one leaves of the line. */
static void wrap_lines(struct libscols_table *t, size_t width)
{
    size_t widest = 0;
    struct libscols_line *line;
    for (size_t i = 0; (line = scols_table_get_line(t, i)); i++) {
        size_t left = view_columns(scols_line_get_column_data(line, scols_table_get_column(t, 0)));
        widest = left > widest ? left : widest;
    }
    for (size_t i = 0; width > widest + 2 && (line = scols_table_get_line(t, i)); i++) {
        char *text = strdup(scols_line_get_column_data(line, scols_table_get_column(t, 1)));
        scols_line_refer_data(line, 1, view_wrap(text, width - widest - 2));
    }
}

static void put_text(const char *text, FILE *out)
{
    char *wrapped = view_wrap(strdup(text), view_width(out));
    fputs(wrapped ? wrapped : text, out);
    free(wrapped);
}

static void lines_put(struct libscols_table *t, FILE *out)
{
    wrap_lines(t, view_width(out));
    fflush(out);
    scols_print_table(t);
    scols_unref_table(t);
}

static void put_common(struct libscols_table *t)
{
    put_line(t, _("  --profile FILE"),
             _("whose keys and which server; else $MEJORA_PROFILE, ~/.config/mejora/profile"));
    put_line(t, _("  -o FORMAT"), _("table, json, csv or tsv"));
    put_line(t, "  --lang es|en", _("the language of texts"));
    put_line(t, _("  --timeout SECONDS"), _("how long to wait for the server; 10"));
    put_line(t, "  -h", _("this help"));
}

/* With the command's words as they are in the language that is spoken. */
static void put_example(const struct command *c, FILE *out)
{
    char name[COMMAND_NAME], title[COMMAND_NAME];
    const char *rest = c->example + strlen("mejora ");
    size_t size = strlen(command_name(c, name));
    if (strncmp(rest, name, size) != 0)
        fprintf(out, "  %s\n", c->example);
    else
        fprintf(out, "  mejora %s%s\n", command_title(c, title), rest + size);
}

void help_command(const struct command *c, FILE *out)
{
    char left[64], other[COMMAND_NAME];
    if (!c->help) {
        help_all(out);
        return;
    }
    fputs(_("Example:\n"), out);
    put_example(c, out);
    fputs(_("\nUsage:\n"), out);
    put_usage(c, out);
    fputc('\n', out);
    put_text(_(c->help), out);
    fputc('\n', out);
    bool spanish = !strcmp(command_title(c, left), command_alias(c, other));
    fprintf(out, spanish ? _("In English: mejora %s\n\n") : _("In Spanish: mejora %s\n\n"),
            spanish ? command_name(c, left) : other);
    struct libscols_table *t = lines_new(out);
    for (const struct arg *arg = c->args; arg->name; arg++) {
        bool positional = isupper((unsigned char)arg->name[0]),
             lone = arg->kind == ARG_SWITCH || arg->kind == ARG_LOCAL_SWITCH;
        snprintf(left, sizeof left, "  %s%s%s", arg_shown(arg, other), positional || lone ? "" : " …",
                 arg->flags & ARG_MANY && !positional ? _(" (repeatable)") : "");
        put_line(t, left, _(arg->help));
    }
    if (c->op >= 0 && ops[c->op].kind == READ)
        put_line(t, _("  --as-of DATE"),
                 _("as it stood at the end of that day: 2026-06-30, yesterday, 7d; or at an instant"));
    if (command_queues(c))
        put_line(t, "  --queue", _("when the server cannot be reached, keep this for: mejora queue send"));
    put_common(t);
    lines_put(t, out);
}

/* Those of one noun, or all. How many. */
static size_t put_commands(const char *noun, FILE *out)
{
    char name[COMMAND_NAME], left[COMMAND_NAME + 2];
    struct libscols_table *t = lines_new(out);
    size_t n = 0;
    for (const struct command *c = commands; c < commands + n_commands; c++)
        if (!noun || command_belongs(c, noun)) {
            snprintf(left, sizeof left, "  %s", command_title(c, name));
            put_line(t, left, _(c->help));
            n++;
        }
    lines_put(t, out);
    return n;
}

void help_all(FILE *out)
{
    put_text(_("mejora keeps the improvement plan of your institution together with everybody who works on it.\n\n"
               "Examples:\n"
               "  mejora                                  what I must do\n"
               "  mejora action list --mine               the actions of my units\n"
               "  mejora progress report 12 75            action 12 is at 75 %\n\n"
               "Commands:\n"),
             out);
    put_commands(NULL, out);
    fputs(_("\nOptions of every command:\n"), out);
    struct libscols_table *t = lines_new(out);
    put_common(t);
    put_line(t, "  --version", _("which version this is"));
    lines_put(t, out);
    put_text(_("\nExit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 denied or unknown key, 5 conflict, "
               "6 invalid input, "
               "7 server unreachable, 8 outcome unknown, 9 the audit log contradicts itself, 130 interrupted.\n"
               "More about one command: mejora help COMMAND\n"),
             out);
}

int run_help(struct cli *cli)
{
    json_t *words = json_object_get(cli->local, "COMMAND");
    char *argv[3] = {0};
    int n = 0, used;
    for (; n < 3 && n < (int)json_array_size(words); n++)
        argv[n] = (char *)(uintptr_t)json_string_value(json_array_get(words, (size_t)n));
    const struct command *c = n ? command_find(n, argv, &used) : NULL;
    if (c) {
        help_command(c, stdout);
        return EXIT_DONE;
    }
    if (n == 1 && put_commands(command_word(argv[0]), stdout))
        return EXIT_DONE;
    help_all(n ? stderr : stdout);
    return n ? EXIT_USAGE : EXIT_DONE;
}
