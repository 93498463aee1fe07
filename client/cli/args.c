#include "client/cli/cli.h"
#include "client/cli/spoken.h"

#include "common/json.h"
#include "common/period.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void usage_error(const struct command *c, const char *fmt, ...)
{
    char name[64];
    va_list args;
    va_start(args, fmt);
    fputs("mejora: ", stderr);
    vfprintf(stderr, fmt, args);
    va_end(args);
    if (c)
        fprintf(stderr, _("\nSee: mejora %s -h\n"), command_title(c, name));
    else
        fputs(_("\nSee: mejora help\n"), stderr);
}

static bool is_option(const char *text)
{
    return text[0] == '-' && (isalpha((unsigned char)text[1]) || (text[1] == '-' && text[2]));
}

static bool is_positional(const struct arg *arg)
{
    return isupper((unsigned char)arg->name[0]);
}

const char *arg_shown(const struct arg *arg, char ret[COMMAND_NAME])
{
    snprintf(ret, COMMAND_NAME, "%s%s", is_positional(arg) ? "" : "--", is_positional(arg) ? _(arg->name) : arg->name);
    return ret;
}

/* ---- values ---- */

static bool refuse_value(const struct cli *cli, const struct arg *arg, const char *text, const char *accepted)
{
    char shown[COMMAND_NAME];
    usage_error(cli->command, _("%s does not take “%s”. Accepted: %s."), arg_shown(arg, shown), text, accepted);
    return false;
}

/* Its words, separated by commas. */
static void words_of(const ProtobufCEnumDescriptor *type, char *ret, size_t size)
{
    char label[64];
    *ret = '\0';
    for (unsigned i = 1; i < type->n_values; i++)
        snprintf(ret + strlen(ret), size - strlen(ret), "%s%s", *ret ? ", " : "",
                 view_label(enum_label(type, type->values[i].value, label)));
}

/* As a form is filled in here: 30/11/2026; else as everywhere: 2026-11-30. */
static bool day_read(const char *text, struct date *ret)
{
    struct date date;
    int end = 0;
    if (date_read(text, ret))
        return true;
    if (sscanf(text, "%2d/%2d/%4d%n", &date.day, &date.month, &date.year, &end) != 3 || text[end] || !date_valid(date))
        return false;
    *ret = date;
    return true;
}

/* State and role names, and operations, may also be typed as they are shown, in the language that is spoken. */
static const char *label_typed(const ProtobufCFieldDescriptor *f, const char *text)
{
    static char label[64];
    const ProtobufCEnumDescriptor *type = f->descriptor;
    if (!strcmp(f->name, "op"))
        return spoken_op_read(text);
    for (unsigned i = 1; f->type == PROTOBUF_C_TYPE_ENUM && i < type->n_values; i++)
        if (enum_label(type, type->values[i].value, label) && !strcmp(view_label(label), text))
            return label;
    return text;
}

static bool set_field(struct cli *cli, const struct arg *arg, const char *text)
{
    const ProtobufCMessageDescriptor *type = ops[cli->command->op].request;
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(type, arg->field);
    struct json_fault fault = {0};
    char words[256];
    int number;
    const char *meant = label_typed(f, text);
    if (!meant) {
        usage_error(cli->command, _("there is no operation “%s”. The operations: mejora call --list"), text);
        return false;
    }
    if (f->type == PROTOBUF_C_TYPE_ENUM && !enum_value(f->descriptor, meant, strlen(meant), &number)) {
        words_of(f->descriptor, words, sizeof words);
        return refuse_value(cli, arg, text, words);
    }
    json_t *value = json_from_text(meant, f, &fault);
    snprintf(words, sizeof words, "%s, %s", _("yes"), _("no"));
    if (!value)
        return refuse_value(cli, arg, text,
                            !strcmp(f->name, "percent")       ? "0, 25, 50, 75, 100"
                            : f->type == PROTOBUF_C_TYPE_BOOL ? words
                                                              : fault.accepted);
    if (f->label != PROTOBUF_C_LABEL_REPEATED)
        return !json_object_set_new(cli->fields, arg->field, value);
    json_t *list = json_object_get(cli->fields, arg->field);
    if (!list)
        json_object_set_new(cli->fields, arg->field, list = json_array());
    return !json_array_append_new(list, value);
}

static bool set_days(struct cli *cli, const struct arg *arg, const char *text)
{
    char *end;
    errno = 0;
    long days = strtol(text, &end, 10);
    if (end == text || (*end && strcmp(end, "d") != 0) || errno || days < 0 || days > 36500)
        return refuse_value(cli, arg, text, "30, 30d");
    return !json_object_set_new(cli->fields, arg->field, json_integer(days));
}

/* Days back from today; -1: not such a word. */
static long days_back(const char *text)
{
    static const struct {
        const char *word;
        long days;
    } known[] = {{"today", 0}, {"hoy", 0}, {"yesterday", 1}, {"ayer", 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(text, known[i].word))
            return known[i].days;
    char *end;
    long days = strtol(text, &end, 10);
    return end != text && !strcmp(end, "d") && days >= 0 && days < 36500 ? days : -1;
}

static bool set_day(struct cli *cli, const struct arg *arg, const char *text)
{
    struct date date;
    char iso[DATE_TEXT];
    if (!day_read(text, &date))
        return refuse_value(cli, arg, text, "2026-11-20, 20/11/2026");
    date_write(date, iso);
    return !json_object_set_new(cli->fields, arg->field, json_string(iso));
}

/* Days back are kept as a number: what today is, the institution says. */
static bool set_date(struct cli *cli, const struct arg *arg, const char *text)
{
    struct date date;
    char day[DATE_TEXT];
    long back = days_back(text);
    if (back >= 0)
        return !json_object_set_new(cli->fields, arg->field, json_integer(back));
    snprintf(day, sizeof day, "%s", text);
    if (arg->kind == ARG_INSTANT && strlen(text) > strlen(day) && date_read(day, &date))
        return !json_object_set_new(cli->fields, arg->field, json_string(text));
    return day_read(text, &date) ? set_day(cli, arg, text)
                                 : refuse_value(cli, arg, text, _("2026-11-20, 20/11/2026, today, yesterday, 7d"));
}

/* "T2-2026" as --end becomes end_date, its last day, and end_period, where the request has one. */
static bool set_period(struct cli *cli, const struct arg *arg, const char *text)
{
    struct period period;
    char name[32], iso[DATE_TEXT];
    if (day_read(text, &period.first))
        period = (struct period){period.first, period.first, PERIOD_DAY};
    else if (!period_read(text, PERIOD_QUARTER, &period))
        return refuse_value(cli, arg, text, "T1-2026, ene-26, 2026-01-31, 31/1/2026");
    date_write(strcmp(arg->field, "end") ? period.first : period.last, iso);
    snprintf(name, sizeof name, "%s_date", arg->field);
    json_object_set_new(cli->fields, name, json_string(iso));
    snprintf(name, sizeof name, "%s_period", arg->field);
    if (period.unit != PERIOD_DAY &&
        protobuf_c_message_descriptor_get_field_by_name(ops[cli->command->op].request, name))
        json_object_set_new(cli->fields, name, json_string(text));
    return true;
}

bool args_ref(struct cli *cli, const char *text, enum ref_level level)
{
    const char *institution = cli->profile.institution;
    struct ref ref;
    char *error;
    if (level > REF_PLAN && !ref_complete(text, institution, 0, &ref))
        cli_settle_plan(cli);
    /* a lone year is a plan where a plan is wanted, an action's number elsewhere */
    int32_t year = level <= REF_PLAN ? 0 : cli->profile.plan;
    if (ref_complete(text, institution, year, &ref)) {
        ref_text(&ref, cli->ref);
        return true;
    }
    struct ref other;
    if (ref_complete(text, institution ? institution : "x", year ? year : 2000, &other))
        say(_("“%s” is short for a reference, but the profile names no institution or plan. Say it whole "
              "(inm/2026/12), or set "
              "them: mejora use inm/2026"),
            text);
    else if ((error = message_text("ref_malformed", (char *[]){(char *)(uintptr_t)text}, 1))) {
        say("%s", error);
        free(error);
    }
    return false;
}

static bool set_local(struct cli *cli, const struct arg *arg, const char *text)
{
    if (!(arg->flags & ARG_MANY))
        return !json_object_set_new(cli->local, arg->name, json_string(text));
    json_t *list = json_object_get(cli->local, arg->name);
    if (!list)
        json_object_set_new(cli->local, arg->name, list = json_array());
    return !json_array_append_new(list, json_string(text));
}

static bool set_arg(struct cli *cli, const struct arg *arg, const char *text)
{
    switch (arg->kind) {
    case ARG_FIELD: return set_field(cli, arg, text);
    case ARG_DAYS: return set_days(cli, arg, text);
    case ARG_DAY: return set_day(cli, arg, text);
    case ARG_DATE:
    case ARG_INSTANT: return set_date(cli, arg, text);
    case ARG_PERIOD: return set_period(cli, arg, text);
    case ARG_SWITCH: return !json_object_set_new(cli->fields, arg->field, json_true());
    case ARG_LOCAL_SWITCH: return !json_object_set_new(cli->local, arg->name, json_true());
    case ARG_REF:
        json_object_set_new(cli->local, arg->name, json_string(text)); /* completed once the profile is read */
        if (arg->level > REF_INSTITUTION) {
            cli->ref_typed = text;
            cli->ref_level = arg->level;
        }
        return true;
    default: return set_local(cli, arg, text);
    }
}

/* ---- the command line ---- */

static bool is_switch(const struct arg *arg)
{
    return arg->kind == ARG_SWITCH || arg->kind == ARG_LOCAL_SWITCH;
}

enum {
    COMMON_PROFILE,
    COMMON_FORMAT,
    COMMON_LANGUAGE,
    COMMON_TIMEOUT,
    COMMON_HELP,
    COMMON_QUEUE,
    COMMON_AS_OF,
    COMMON
};

static int common_find(const char *text, size_t size)
{
    static const struct {
        const char *name;
        int what;
    } names[] = {
        {"--profile", COMMON_PROFILE}, {"-o", COMMON_FORMAT},         {"--output", COMMON_FORMAT},
        {"--lang", COMMON_LANGUAGE},   {"--timeout", COMMON_TIMEOUT}, {"-h", COMMON_HELP},
        {"--help", COMMON_HELP},       {"--queue", COMMON_QUEUE},     {"--as-of", COMMON_AS_OF},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == size && !memcmp(names[i].name, text, size))
            return names[i].what;
    return COMMON;
}

static bool set_timeout(struct cli *cli, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "s") != 0) || !(seconds > 0 && seconds <= 86400)) {
        usage_error(cli->command, _("%s does not take “%s”. Accepted: %s."), "--timeout", text, "10, 0.5, 30s");
        return false;
    }
    cli->timeout_ms = (int)(seconds * 1000);
    return true;
}

/* A day, days back, or an instant, of which the server knows how they are written. */
static bool set_as_of(struct cli *cli, const char *text)
{
    char day[DATE_TEXT];
    struct date date;
    snprintf(day, sizeof day, "%s", text);
    cli->days_back = days_back(text);
    if (cli->days_back < 0 && !day_read(text, &date) && (!date_read(day, &date) || strlen(text) >= sizeof cli->as_of)) {
        usage_error(cli->command, _("%s does not take “%s”. Accepted: %s."), "--as-of", text,
                    _("2026-11-20, 20/11/2026, today, yesterday, 7d"));
        return false;
    }
    if (cli->days_back < 0 && strchr(text, '/'))
        date_write(date, cli->as_of);
    else
        snprintf(cli->as_of, sizeof cli->as_of, "%s", cli->days_back < 0 ? text : "");
    cli->days_back = cli->days_back < 0 ? 0 : cli->days_back;
    return true;
}

bool args_past(const struct cli *cli, const struct op *op)
{
    char name[64];
    if ((!*cli->as_of && !cli->days_back) || (op && op->kind == READ))
        return true;
    const char *about = op && cli->command->op < 0 ? op->name : command_title(cli->command, name);
    char *words =
        spoken_refusal(op && op->kind == WRITE ? "as_of_write" : "as_of_now", (char *[]){(char *)(uintptr_t)about}, 1);
    usage_error(cli->command, "%s", words ? words : "--as-of");
    free(words);
    return false;
}

static bool set_common(struct cli *cli, int what, const char *text)
{
    switch (what) {
    case COMMON_PROFILE: cli->profile_option = text; return true;
    case COMMON_LANGUAGE:
        cli->language = text;
        if (!strcmp(text, "es") || !strcmp(text, "en"))
            return message_language(text, NULL) != NULL;
        usage_error(cli->command, _("%s does not take “%s”. Accepted: %s."), "--lang", text, "es, en");
        return false;
    case COMMON_FORMAT:
        if (format_find(text, &cli->format))
            return true;
        usage_error(cli->command, _("%s does not take “%s”. Accepted: %s."), "-o", text, "table, json, csv, tsv");
        return false;
    case COMMON_QUEUE: cli->queue = true; return true;
    case COMMON_TIMEOUT: return set_timeout(cli, text);
    case COMMON_AS_OF: return set_as_of(cli, text);
    default: cli->wants_help = true; return true;
    }
}

static const struct arg *option_find(const struct command *c, const char *name, size_t size)
{
    for (const struct arg *arg = c ? c->args : NULL; arg && arg->name; arg++)
        if (!is_positional(arg) && strlen(arg->name) == size && !memcmp(arg->name, name, size))
            return arg;
    return NULL;
}

/* One option at argv[0], perhaps with its value in argv[1]. How many words it took; 0: said what is wrong. */
static int take_option(struct cli *cli, int argc, char *argv[])
{
    size_t size = strcspn(argv[0], "=");
    bool joined = argv[0][size] == '=';
    int common = common_find(argv[0], size);
    const struct arg *arg =
        strncmp(argv[0], "--", 2) || common < COMMON ? NULL : option_find(cli->command, argv[0] + 2, size - 2);
    bool lone = arg ? is_switch(arg) : common == COMMON_HELP || common == COMMON_QUEUE;
    const char *value = joined ? argv[0] + size + 1 : argc > 1 ? argv[1] : NULL;
    if (!arg && common == COMMON)
        usage_error(cli->command, _("there is no option %s"), argv[0]);
    else if (lone && joined)
        usage_error(cli->command, _("%.*s takes no value"), (int)size, argv[0]);
    else if (!lone && !value)
        usage_error(cli->command, _("%s needs a value"), argv[0]);
    else if (arg ? set_arg(cli, arg, value) : set_common(cli, common, value))
        return lone || joined ? 1 : 2;
    return 0;
}

bool args_common(struct cli *cli, int *argc, char **argv[])
{
    while (*argc && is_option((*argv)[0])) {
        int used = take_option(cli, *argc, *argv);
        if (!used)
            return false;
        *argc -= used;
        *argv += used;
    }
    return true;
}

static bool has_value(const struct cli *cli, const struct arg *arg)
{
    char dated[64];
    snprintf(dated, sizeof dated, "%s_date", arg->field ? arg->field : "");
    return json_object_get(arg->field ? cli->fields : cli->local, arg->field ? arg->field : arg->name) ||
           json_object_get(cli->fields, dated);
}

static bool is_complete(const struct cli *cli)
{
    char shown[COMMAND_NAME];
    for (const struct arg *arg = cli->command->args; arg->name; arg++)
        if ((arg->flags & ARG_NEEDED) && !has_value(cli, arg)) {
            usage_error(cli->command, _("%s is missing: %s"), arg_shown(arg, shown), _(arg->help));
            return false;
        }
    return true;
}

static const struct arg *next_positional(const struct arg *arg)
{
    while (arg->name && !is_positional(arg))
        arg++;
    return arg;
}

bool args_read(struct cli *cli, int argc, char *argv[])
{
    const struct arg *next = next_positional(cli->command->args);
    for (bool options = true; argc;) {
        int used = 1;
        if (options && !strcmp(argv[0], "--")) {
            options = false;
        } else if (options && is_option(argv[0])) {
            used = take_option(cli, argc, argv);
        } else if (!next->name) {
            usage_error(cli->command, _("“%s” is one word too many"), argv[0]);
            used = 0;
        } else {
            used = set_arg(cli, next, argv[0]);
            next = next->flags & ARG_MANY ? next : next_positional(next + 1);
        }
        if (!used)
            return false;
        argc -= used;
        argv += used;
    }
    if (cli->queue && !command_queues(cli->command)) {
        usage_error(cli->command, _("%s is for commands that change something and need no answer to go on"), "--queue");
        return false;
    }
    const struct op *op = cli->command->op < 0 ? NULL : &ops[cli->command->op];
    return cli->wants_help || (is_complete(cli) && (cli->command->run == run_call || args_past(cli, op)));
}
