#include "client/cli/spoken.h"

#include "client/cli/cli.h"
#include "common/json.h"

#include <stdlib.h>
#include <string.h>

/* Operations that several commands ask for, or none, and entries that the server makes by itself. */
static const struct {
    const char *op, *words;
} phrases[] = {
    {"unit_appoint", N_("unit appointment")},
    {"reminder_lease", N_("mails taken for sending")},
    {"reminder_check", N_("mail checked before sending")},
    {"reminder_report", N_("outcome of a mail")},
    {"audit_prune", N_("audit trail pruned")},
    {"connect", N_("attempt to connect")},
};

const char *spoken_op(const char *op, char ret[SPOKEN_OP])
{
    const struct op *known = op_find(op);
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (!strcmp(phrases[i].op, op))
            return gettext(phrases[i].words);
    return known && command_of(known) ? command_title(command_of(known), ret) : op;
}

const char *spoken_op_read(const char *typed)
{
    enum { WORDS = 3 };
    char copy[SPOKEN_OP], *argv[WORDS + 1], *rest;
    int argc = 0, used;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (!strcmp(phrases[i].op, typed) || !strcmp(phrases[i].words, typed) ||
            !strcmp(gettext(phrases[i].words), typed))
            return phrases[i].op;
    if (op_find(typed))
        return op_find(typed)->name;
    snprintf(copy, sizeof copy, "%s", typed);
    for (char *word = strtok_r(copy, " ", &rest); word && argc <= WORDS; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    const struct command *c = argc <= WORDS ? command_find(argc, argv, &used) : NULL;
    return c && used == argc && c->op >= 0 ? ops[c->op].name : NULL;
}

/* ---- values ---- */

/* Whether a field of that name is one of a few words, anywhere in the protocol. */
static bool is_label(const ProtobufCMessageDescriptor *type, const char *field, int depth)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        if (f->type == PROTOBUF_C_TYPE_ENUM
                ? !strcmp(f->name, field)
                : depth && f->type == PROTOBUF_C_TYPE_MESSAGE && is_label(f->descriptor, field, depth - 1))
            return true;
    }
    return false;
}

static bool is_labelled(const char *field)
{
    if (!strcmp(field, "role") || !strcmp(field, "t_means"))
        return true;
    for (const struct op *op = ops; op < ops + OPS; op++)
        if (is_label(op->request, field, 1) || is_label(op->reply, field, 1))
            return true;
    return false;
}

static void put_value(FILE *out, const char *field, json_t *value);

/* "deputy:5,manager:10", as policies have it; it may be typed so too. */
static void put_list(FILE *out, const char *text)
{
    char word[64];
    while (*text) {
        size_t size = strcspn(text, ":,"), end = strspn(text + size, ":,");
        snprintf(word, sizeof word, "%.*s", (int)size, text);
        fprintf(out, "%s%.*s", view_label(word), (int)end, text + size);
        text += size + end;
    }
}

/* What people typed may look like anything: only by its field is a text known to be more than a text. */
static void put_text(FILE *out, const char *field, const char *text)
{
    char words[SPOKEN_OP];
    size_t length = strlen(field);
    char *time = length > 3 && !strcmp(field + length - 3, "_at") ? view_time(text) : NULL;
    json_t *object =
        !strcmp(field, "unit") ? json_loads(text, 0, NULL) : NULL; /* with its code, as audit show has it */
    if (object)
        put_value(out, field, object);
    else if (time)
        fputs(time, out);
    else if (!strcmp(field, "op"))
        fputs(spoken_op(text, words), out);
    else if (!strcmp(field, "escalation") || !strcmp(field, "asks"))
        put_list(out, text);
    else
        fputs(is_labelled(field) ? view_label(text) : text, out);
    json_decref(object);
    free(time);
}

/* Something with a name is told by it, a list of other things by how many there are: -o json has them whole. */
static void put_value(FILE *out, const char *field, json_t *value)
{
    size_t i;
    json_t *member, *name = json_object_get(value, "name");
    if (!value || json_is_null(value))
        fputs("–", out);
    else if (json_is_string(value))
        put_text(out, field, json_string_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? _("yes") : _("no"), out);
    else if (json_is_object(value))
        put_value(out, field, name ? name : json_object_iter_value(json_object_iter(value)));
    else if (json_is_array(value) && !json_is_string(json_array_get(value, 0)))
        fprintf(out, "%zu", json_array_size(value));
    else if (json_is_array(value))
        json_array_foreach(value, i, member)
        {
            fputs(i ? "; " : "", out);
            put_value(out, field, member);
        }
    else
        json_dumpf(value, out, JSON_ENCODE_ANY);
}

char *spoken_value(const char *field, json_t *value)
{
    char *ret = NULL;
    size_t size;
    FILE *out = open_memstream(&ret, &size);
    if (!out)
        return NULL;
    put_value(out, field, value);
    fclose(out);
    return ret;
}

char *spoken_changes(json_t *before, json_t *after)
{
    char *ret = NULL;
    size_t size;
    const char *name, *lead = "";
    json_t *value;
    FILE *out = open_memstream(&ret, &size);
    json_object_foreach(after, name, value)
    {
        json_t *was = json_object_get(before, name);
        if (!out || json_equal(was, value) || !strcmp(name, "version"))
            continue;
        fprintf(out, "%s%s: ", lead, view_heading(name));
        char *before_text = was ? spoken_value(name, was) : NULL, *after_text = spoken_value(name, value);
        if (before_text && strcmp(before_text, after_text) != 0)
            fprintf(out, "%s → ", before_text);
        fputs(after_text, out);
        free(before_text);
        free(after_text);
        lead = "; ";
    }
    if (out)
        fclose(out);
    return ret;
}

/* ---- refusals ---- */

/* What the reference may name, "institution, plan", as references of that form. */
static char *references(const char *levels)
{
    static const struct {
        const char *level, *example;
    } forms[] = {{"nothing", "–"},
                 {"institution", "inm"},
                 {"plan", "inm/2026"},
                 {"action", "inm/2026/12"},
                 {"task", "inm/2026/12.3"}};
    char *ret = NULL, *copy = strdup(levels), *rest;
    size_t size;
    FILE *out = open_memstream(&ret, &size);
    for (char *level = strtok_r(copy, ", ", &rest); out && level; level = strtok_r(NULL, ", ", &rest))
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
            if (!strcmp(forms[i].level, level))
                fprintf(out, "%s%s", ftell(out) ? ", " : "", forms[i].example);
    if (out)
        fclose(out);
    free(copy);
    return ret;
}

char *spoken_refusal(const char *code, char *const args[], size_t n)
{
    static const char *const about_op[] = {"op_unknown", "as_of_write", "as_of_now"};
    char words[SPOKEN_OP], *first = NULL;
    bool is_about = false;
    for (size_t i = 0; n && code && i < sizeof about_op / sizeof *about_op; i++)
        is_about = is_about || !strcmp(code, about_op[i]);
    if (is_about)
        first = strdup(spoken_op(args[0], words));
    else if (n && code && !strcmp(code, "ref_level"))
        first = references(args[0]);
    char *text = message_text(code, first ? &first : args, first ? 1 : n);
    free(first);
    return text;
}

/* ---- rows ---- */

/* A reason that is a code gets its words; what it is about is their one argument. */
static void word_reason(json_t *row)
{
    const char *reason = json_string_value(json_object_get(row, "reason"));
    const char *ref = json_string_value(json_object_get(row, "ref"));
    char *text = NULL;
    if (reason && ref && !reason[strspn(reason, "abcdefghijklmnopqrstuvwxyz_")])
        text = message_text(reason, (char *[]){(char *)(uintptr_t)ref}, 1);
    if (text)
        json_object_set_new(row, "reason", json_string(text));
    free(text);
}

static void word_op(json_t *row)
{
    char words[SPOKEN_OP];
    const char *op = json_string_value(json_object_get(row, "op"));
    if (op)
        json_object_set_new(row, "op", json_string(spoken_op(op, words)));
}

/* What the audit log knows of a field is told as its changes are. */
static void word_values(json_t *row)
{
    static const char *const names[] = {"was", "now", "value"};
    const char *field = json_string_value(json_object_get(row, "field"));
    for (size_t i = 0; field && i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(row, names[i]);
        char *text = json_is_string(value) ? spoken_value(field, value) : NULL;
        if (text)
            json_object_set_new(row, names[i], json_string(text));
        free(text);
    }
}

/* Why a reminder is due on its day: days from the end, weeks, working days, by its kind. */
static char *rule_text(json_t *row)
{
    const char *kind = json_string_value(json_object_get(row, "kind"));
    const char *as = json_string_value(json_object_get(row, "hears_as"));
    int rule = (int)json_integer_value(json_object_get(row, "rule")), n = abs(rule), size;
    bool own = kind && !strcmp(kind, "deadline");
    char *ret = NULL;
    if (kind && !strcmp(kind, "silence"))
        size = asprintf(&ret, ngettext("%d week without a report", "%d weeks without a report", (unsigned)n), n);
    else if (kind && !strcmp(kind, "escalation"))
        size =
            asprintf(&ret,
                     ngettext("escalation to the %2$s after %1$d working day overdue without activity",
                              "escalation to the %2$s after %1$d working days overdue without activity", (unsigned)n),
                     n, as ? view_label(as) : "?");
    else if (!rule)
        size = asprintf(&ret, "%s", own ? _("the day of the deadline") : _("the day of the end"));
    else if (rule < 0)
        size =
            own ? asprintf(&ret, ngettext("%d day before the deadline", "%d days before the deadline", (unsigned)n), n)
                : asprintf(&ret, ngettext("%d day before the end", "%d days before the end", (unsigned)n), n);
    else
        size = own ? asprintf(&ret, ngettext("%d day past the deadline", "%d days past the deadline", (unsigned)n), n)
                   : asprintf(&ret, ngettext("overdue for %d day", "overdue for %d days", (unsigned)n), n);
    return size < 0 ? NULL : ret;
}

/* "7 days before the end: inm/2026/1, inm/2026/2; overdue for 84 days: inm/2026/13" */
static char *rules_text(json_t *rules)
{
    json_t *groups = json_object(), *why, *group;
    const char *words, *ref;
    char *ret = NULL;
    size_t size, i;
    json_array_foreach(rules, i, why)
    {
        char *text = rule_text(why);
        group = json_object_get(groups, text ? text : "");
        ref = json_string_value(json_object_get(why, "ref"));
        json_object_set_new(
            groups, text ? text : "",
            json_sprintf("%s%s%s", group ? json_string_value(group) : "", group ? ", " : "", ref ? ref : ""));
        free(text);
    }
    FILE *out = open_memstream(&ret, &size);
    json_object_foreach(groups, words, group)
    {
        if (out)
            fprintf(out, "%s%s: %s", ftell(out) ? "; " : "", words, json_string_value(group));
    }
    if (out)
        fclose(out);
    json_decref(groups);
    return ret;
}

static void word_rule(json_t *row)
{
    json_t *rules = json_object_get(row, "rules");
    const char *field = rules ? "rules" : "rule";
    char *text = rules ? rules_text(rules) : json_object_get(row, "rule") ? rule_text(row) : NULL;
    if (text)
        json_object_set_new(row, field, json_string(text));
    free(text);
}

/* What the server notes by itself where people give a reason: an invitation is burnt by joining. */
static void word_invitation(json_t *row)
{
    const char *kind = json_string_value(json_object_get(row, "kind"));
    const char *why = json_string_value(json_object_get(row, "why"));
    if (kind && why && !strcmp(kind, "invitation") && !strcmp(why, "used"))
        json_object_set_new(row, "why", json_string(_("used to join")));
}

static void word_lists(json_t *row)
{
    static const char *const names[] = {"escalation", "asks"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(row, names[i]);
        char *text = json_is_string(value) ? spoken_value(names[i], value) : NULL;
        if (text)
            json_object_set_new(row, names[i], json_string(text));
        free(text);
    }
}

void spoken_reply(json_t *reply)
{
    const char *name;
    json_t *rows, *row;
    size_t i;
    json_object_foreach(reply, name, rows)
    {
        json_array_foreach(rows, i, row)
        {
            word_reason(row);
            word_op(row);
            word_values(row);
            word_rule(row);
            word_invitation(row);
        }
        if (json_is_object(rows)) {
            word_op(rows);
            word_lists(rows);
        }
    }
}
