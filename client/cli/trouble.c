#include "client/cli/cli.h"
#include "client/cli/kept.h"
#include "client/cli/spoken.h"

#include "people.pb-c.h"
#include "plan.pb-c.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    Mejora__Outcome outcome;
    enum exit_code code;
} exits[] = {
    {MEJORA__OUTCOME__OUTCOME_INVALID, EXIT_INVALID},         {MEJORA__OUTCOME__OUTCOME_DENIED, EXIT_DENIED},
    {MEJORA__OUTCOME__OUTCOME_NOT_FOUND, EXIT_NOT_FOUND},     {MEJORA__OUTCOME__OUTCOME_CONFLICT, EXIT_CONFLICT},
    {MEJORA__OUTCOME__OUTCOME_ID_REUSED, EXIT_CONFLICT},      {MEJORA__OUTCOME__OUTCOME_BUSY, EXIT_UNREACHABLE},
    {MEJORA__OUTCOME__OUTCOME_UNAVAILABLE, EXIT_UNREACHABLE}, {MEJORA__OUTCOME__OUTCOME_TOO_LARGE, EXIT_INVALID},
};

static int exit_of(Mejora__Outcome outcome)
{
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        if (exits[i].outcome == outcome)
            return (int)exits[i].code;
    return EXIT_FAILED;
}

void profile_trouble(const struct profile_error *error, const char *path)
{
    char *text = profile_explain(error, path);
    say("mejora: %s", text ? text : path);
    free(text);
}

static char *shown(const ProtobufCMessageDescriptor *type, json_t *reply, const char *field)
{
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(type, field);
    return f ? view_value(f, json_object_get(reply, field)) : strdup("");
}

static void say_changes(json_t *changes)
{
    json_t *change;
    size_t i;
    const ProtobufCMessageDescriptor *type = &mejora__change__descriptor;
    json_array_foreach(changes, i, change)
    {
        char *was = shown(type, change, "was"), *now = shown(type, change, "now");
        say("  %s: %s → %s", view_heading(json_string_value(json_object_get(change, "field"))), was, now);
        free(was);
        free(now);
    }
}

/* Somebody else was first: who, when, from what to what, and how to go on. */
static void say_conflict(const struct op *op, json_t *reply)
{
    const char *by = json_string_value(json_object_get(reply, "changed_by"));
    if (!by)
        return;
    char *who = view_safe(by), *at = shown(op->reply, reply, "changed_at"),
         *why = shown(op->reply, reply, "changed_why");
    say(_("Changed by %s at %s."), who, at);
    if (json_object_get(reply, "percent")) {
        char *was = shown(op->reply, reply, "was"), *percent = shown(op->reply, reply, "percent");
        const char *ref = json_string_value(json_object_get(reply, "ref"));
        say("  %s → %s", was, percent);
        if (json_object_get(reply, "changed_why"))
            say("  %s: %s", view_heading("why"), why);
        say(_("If yours still holds, say so over version %d: --if-version %d. See: mejora progress history %s"),
            (int)json_integer_value(json_object_get(reply, "version")),
            (int)json_integer_value(json_object_get(reply, "version")), ref ? ref : "");
        free(was);
        free(percent);
    }
    say_changes(json_object_get(reply, "changes"));
    free(who);
    free(at);
    free(why);
}

/* The option or word that fills a field; the field itself when the command has none for it. */
static const char *asked_as(const struct cli *cli, const char *field, char ret[COMMAND_NAME])
{
    for (const struct arg *arg = cli->command->args; arg->name; arg++)
        if (arg->field && !strcmp(arg->field, field))
            return arg_shown(arg, ret);
    return field;
}

/* Fields by what was typed for them. */
static char *refusal_words(const struct cli *cli, const struct answer *a, const char *code)
{
    char shown[COMMAND_NAME], *field = NULL;
    if (a->head->n_error_args && code && (!strcmp(code, "field_missing") || !strcmp(code, "field_invalid")))
        field = (char *)(uintptr_t)asked_as(cli, a->head->error_args[0], shown);
    return field ? spoken_refusal(code, &field, 1) : spoken_refusal(code, a->head->error_args, a->head->n_error_args);
}

/* What to do about it: read how it is asked, or ask somebody who may. */
static void say_remedy(const struct cli *cli, const struct op *op, const char *code)
{
    static const char *const wrong[] = {"field_missing", "field_invalid", "nothing_to_change"};
    char name[COMMAND_NAME], label[64];
    const char *lead = _("Who may: ");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (!strcmp(code, wrong[i]) && cli->command->help)
            say(_("See: mejora %s -h"), command_title(cli->command, name));
    if (strcmp(code, "role_denied") != 0)
        return;
    for (unsigned i = 1; i < mejora__role__descriptor.n_values; i++) {
        int role = mejora__role__descriptor.values[i].value;
        if (op->roles & 1u << role) {
            fprintf(stderr, "%s%s", lead, view_label(enum_label(&mejora__role__descriptor, role, label)));
            lead = ", ";
        }
    }
    fputc('\n', stderr);
}

static int refused(struct cli *cli, const struct op *op, const struct answer *a, json_t *reply)
{
    char label[64] = "?";
    const char *code =
        a->head->error ? a->head->error : enum_label(&mejora__outcome__descriptor, (int)a->head->outcome, label);
    char *text = refusal_words(cli, a, code ? code : label);
    char *safe = view_safe(text ? text : label);
    say("mejora: %s", safe);
    say_conflict(op, reply);
    say_remedy(cli, op, code ? code : label);
    if (cli->format == FORMAT_JSON) { /* scripts read why from where they read the rest */
        json_t *args = json_array();
        for (size_t i = 0; i < a->head->n_error_args; i++)
            json_array_append_new(args, json_string(a->head->error_args[i]));
        json_t *error =
            json_pack("{s:s, s:s*, s:o, s:s*, s:O}", "outcome",
                      enum_label(&mejora__outcome__descriptor, (int)a->head->outcome, label) ? label : "?", "error",
                      a->head->error, "error_args", args, "message", text, "reply", reply ? reply : json_null());
        view_json(error);
        json_decref(error);
    }
    free(safe);
    free(text);
    return exit_of(a->head->outcome);
}

static int unanswered(struct cli *cli, const struct op *op, const struct answer *a)
{
    char id[CALL_ID * 2 + 1];
    const char *where = cli->profile.n_endpoints ? cli->profile.endpoints[0] : "";
    sodium_bin2hex(id, sizeof id, a->id, CALL_ID);
    switch (a->end) {
    case CALL_UNKNOWN:
        say(_("mejora: no answer came. The request may have been carried out or not; its id is %s."), id);
        if (!kept_wanted(op))
            say(_("Look before you repeat it."));
        return EXIT_UNKNOWN;
    case CALL_STOPPED:
        if (a->sent && op->kind == WRITE)
            say(_("mejora: interrupted. The request may have been carried out or not; its id is %s."), id);
        return EXIT_INTERRUPTED;
    case CALL_TOO_LARGE: say("mejora: %s", _("The request is too large.")); return EXIT_INVALID;
    case CALL_KEY_UNKNOWN:
        say(_("mejora: this key is not registered with the server at %s. Ask for an invitation, then: mejora join "
              "FILE"),
            where);
        return EXIT_DENIED;
    case CALL_NOT_MEJORA:
        say(_("mejora: whoever listens at %s does not have the server key that the profile %s expects."), where,
            cli->profile_file);
        return EXIT_UNREACHABLE;
    case CALL_UNREACHABLE:
        say(a->sent ? _("mejora: the server at %s does not answer.")
                    : _("mejora: nobody listens at %s. Is the server running?"),
            where);
        return EXIT_UNREACHABLE;
    default:
        say(_("mejora: no connection can be made to “%s”. Is that an endpoint, as in tcp://host:7117?"), where);
        return EXIT_FAILED;
    }
}

int trouble(struct cli *cli, const struct op *op, const struct answer *a, json_t *reply)
{
    if (a->end != CALL_ANSWERED)
        return unanswered(cli, op, a);
    if (a->head->outcome != MEJORA__OUTCOME__OUTCOME_OK)
        return refused(cli, op, a, reply);
    say(_("mejora: the server's answer cannot be shown: its text is not UTF-8."));
    return EXIT_FAILED;
}
