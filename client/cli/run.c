#include "client/cli/cli.h"
#include "client/cli/kept.h"
#include "client/cli/spoken.h"

#include "common/json.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_TIMEOUT_MS = 3000 };

atomic_int interrupted;

void say(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fflush(stdout);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

const char *local_text(const struct cli *cli, const char *name)
{
    return json_string_value(json_object_get(cli->local, name));
}

bool local_is(const struct cli *cli, const char *name)
{
    return json_is_true(json_object_get(cli->local, name));
}

bool cli_open(struct cli *cli, int *ret_exit)
{
    struct profile_error error;
    *ret_exit = EXIT_FAILED;
    if (!cli->has_profile) {
        cli->profile_file = profile_path(cli->profile_option);
        cli->has_profile = cli->profile_file && profile_read(cli->profile_file, &cli->profile, &error);
        if (!cli->has_profile) {
            profile_trouble(&error, cli->profile_file);
            *ret_exit = EXIT_DENIED;
            return false;
        }
    }
    if (!cli->client && (cli->client = client_new(&cli->profile))) {
        client_stop(cli->client, &interrupted);
        if (cli->timeout_ms || cli->queue) /* who queues does not wait for somebody to come */
            client_timeout(cli->client, cli->timeout_ms ? cli->timeout_ms : QUEUE_TIMEOUT_MS);
        settle_as_of(cli);
    }
    return cli->client != NULL;
}

static bool use_institution(struct cli *cli)
{
    const char *named = local_text(cli, "institution");
    if (!named || (cli->profile.institution && !strcmp(named, cli->profile.institution)))
        return true;
    free(cli->profile.institution);
    cli->profile.plan = 0;
    cli->profile.plan_follows = false;
    return (cli->profile.institution = strdup(named)) != NULL;
}

static int32_t current_plan(struct cli *cli)
{
    enum { HASTE = 4 }; /* the rest of the time is for what was asked */
    struct answer answer;
    struct ref ref = {0};
    json_t *none = json_object();
    int ms = cli->timeout_ms ? cli->timeout_ms : CALL_TIMEOUT_MS;
    client_timeout(cli->client, ms / HASTE);
    json_t *reply = cli_try(cli->client, &ops[OP_plan_list], cli->profile.institution, none, &answer);
    client_timeout(cli->client, ms);
    if (!ref_parse(json_string_value(json_object_get(reply, "current")), &ref))
        ref.plan = 0;
    answer_free(&answer);
    json_decref(reply);
    json_decref(none);
    return ref.plan;
}

void cli_settle_plan(struct cli *cli)
{
    struct profile *p = &cli->profile;
    struct profile_error error;
    bool chosen = p->plan && !p->plan_follows, offline = cli->queue && p->plan;
    if (cli->plan_settled || chosen || offline || !p->institution || !cli->client)
        return;
    cli->plan_settled = true;
    int32_t was = p->plan, now = current_plan(cli);
    if (!now || now == was)
        return;
    p->plan = now;
    if (p->plan_follows && !local_text(cli, "institution") && profile_write(cli->profile_file, p, &error) && was)
        say(_("12 now means %s/%d/12."), p->institution, (int)now);
}

/* What an operation is about when nothing was said: as much of the profile's plan as it takes. */
static bool default_reference(struct cli *cli, unsigned about)
{
    struct ref ref = {.level = cli->command->about, .plan = cli->profile.plan};
    const char *institution = cli->profile.institution;
    if (ref.level == REF_PLAN && (!ref.plan || cli->profile.plan_follows) && (about & 1u << REF_INSTITUTION))
        ref.level = REF_INSTITUTION; /* the server knows */
    if (ref.level == REF_PLAN) {
        cli_settle_plan(cli);
        ref.plan = cli->profile.plan;
    }
    if (!institution && (about & 1u << REF_NOTHING))
        ref.level = REF_NOTHING;
    if (ref.level > REF_NOTHING && !institution)
        say(_("Which institution? Say --institution CODE, or set it for good: mejora use CODE"));
    else if (ref.level == REF_PLAN && !ref.plan)
        say(_("Which plan? Say --plan YEAR, or set it for good: mejora use %s/YEAR"), institution);
    else {
        snprintf(ref.institution, sizeof ref.institution, "%s", institution ? institution : "");
        ref_text(&ref, cli->ref);
        return true;
    }
    return false;
}

bool cli_reference(struct cli *cli, unsigned about)
{
    if (!use_institution(cli))
        return false;
    return cli->ref_typed ? args_ref(cli, cli->ref_typed, cli->ref_level) : default_reference(cli, about);
}

json_t *cli_reply(struct answer *a)
{
    if (!a->reply)
        return NULL;
    message_fill(a->reply);
    return json_from_message(a->reply);
}

json_t *cli_try(struct client *client, const struct op *op, const char *ref, json_t *fields, struct answer *ret)
{
    struct json_fault fault = {0};
    ProtobufCMessage *request = json_to_message(fields, op->request, &fault);
    *ret = (struct answer){.end = CALL_FAILED};
    if (!request)
        return NULL;
    client_call(client, op, ref && *ref ? ref : NULL, request, NULL, ret);
    protobuf_c_message_free_unpacked(request, NULL);
    return cli_reply(ret);
}

static bool check_fields(const struct op *op, json_t *fields)
{
    struct json_fault fault = {0};
    ProtobufCMessage *request = json_to_message(fields, op->request, &fault);
    if (request)
        protobuf_c_message_free_unpacked(request, NULL);
    else if (*fault.accepted)
        say(_("The field %s does not take this value. Accepted: %s."), fault.field, fault.accepted);
    else
        say(_("%s has no field %s. Its fields: mejora call --describe %s"), op->name, fault.field, op->name);
    return request != NULL;
}

bool cli_send(struct cli *cli, const struct op *op, const char *ref, json_t *fields, struct answer *ret,
              json_t **ret_reply, int *ret_exit)
{
    *ret_exit = EXIT_INVALID;
    cli->queued = -1;
    if (!check_fields(op, fields) || !cli_open(cli, ret_exit))
        return false;
    *ret_reply = kept_wanted(op) ? cli_write(cli, op, ref, fields, ret) : cli_try(cli->client, op, ref, fields, ret);
    return true;
}

json_t *cli_judge(struct cli *cli, const struct op *op, struct answer *answer, json_t *reply, int *ret_exit)
{
    bool ok = reply && answer->head->outcome == MEJORA__OUTCOME__OUTCOME_OK;
    *ret_exit = ok ? EXIT_DONE : cli->queued >= 0 ? cli->queued : trouble(cli, op, answer, reply);
    if (cli->queued < 0)
        kept_hint(op, answer);
    answer_free(answer);
    if (ok)
        return reply;
    json_decref(cli->refused);
    cli->refused = reply;
    return NULL;
}

json_t *cli_ask(struct cli *cli, const struct op *op, const char *ref, json_t *fields, int *ret_exit)
{
    struct answer answer;
    json_t *reply;
    return cli_send(cli, op, ref, fields, &answer, &reply, ret_exit) ? cli_judge(cli, op, &answer, reply, ret_exit)
                                                                     : NULL;
}

/* "{ref}: {was} → {percent}" with the reply's fields in place. */
static void say_done(const char *text, const ProtobufCMessageDescriptor *type, json_t *reply)
{
    while (*text) {
        char name[64];
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        snprintf(name, sizeof name, "%.*s", end ? (int)(end - text - 1) : 0, text + 1);
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(type, name);
        char *value = f && end ? view_value(f, json_object_get(reply, name)) : NULL;
        if (value)
            fputs(value, stdout);
        else
            putchar(*text);
        text = value ? end + 1 : text + 1;
        free(value);
    }
    putchar('\n');
}

void cli_show(struct cli *cli, const struct op *op, json_t *reply)
{
    if (cli->format == FORMAT_TABLE && *cli->as_of)
        say(_("As of %s:"), cli->as_of);
    if (cli->format == FORMAT_TABLE)
        spoken_reply(reply);
    if (cli->format == FORMAT_TABLE && cli->command->said)
        say_done(_(cli->command->said), op->reply, reply);
    else
        view_reply(cli->format, op->reply, reply, cli->command->columns);
}

json_t *cli_run_shown(struct cli *cli, int *ret_exit)
{
    const struct op *op = &ops[cli->command->op];
    if (!cli_open(cli, ret_exit))
        return NULL;
    if (!cli_reference(cli, op->about)) {
        *ret_exit = EXIT_USAGE;
        return NULL;
    }
    json_t *reply = cli_ask(cli, op, cli->ref, cli->fields, ret_exit);
    if (reply)
        cli_show(cli, op, reply);
    return reply;
}

int cli_run(struct cli *cli)
{
    int code;
    json_decref(cli_run_shown(cli, &code));
    return code;
}

/* The post is the command's word. */
int run_appoint(struct cli *cli)
{
    json_object_set_new(cli->fields, "post", json_string(cli->command->verb));
    return cli_run(cli);
}
