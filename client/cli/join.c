/* Becoming somebody the server knows: invitations, joining, and what short references mean. No private key ever
 * travels. */
#include "client/cli/cli.h"

#include "common/json.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

static json_t *key_json(const char *z85)
{
    uint8_t key[32];
    char hex[65];
    zmq_z85_decode(key, z85);
    return json_string(sodium_bin2hex(hex, sizeof hex, key, sizeof key));
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static bool copy_server(const struct profile *from, struct profile *to)
{
    for (size_t i = 0; i < from->n_endpoints; i++)
        if (!profile_endpoint_add(to, from->endpoints[i]))
            return false;
    memcpy(to->server_key, from->server_key, PROFILE_KEY);
    return true;
}

/* ---- mejora person invite ---- */

static char *invitation_path(const struct cli *cli, const char *person)
{
    char *path = copy(local_text(cli, "file"));
    return path || asprintf(&path, "%s.invitation", person) >= 0 ? path : NULL;
}

static int write_invitation(struct cli *cli, struct profile *invitation, json_t *reply, const char *path)
{
    struct profile_error error;
    invitation->person = copy(json_string_value(json_object_get(reply, "person")));
    invitation->institution = copy(json_string_value(json_object_get(reply, "institution")));
    invitation->expires_at = copy(json_string_value(json_object_get(reply, "expires_at")));
    if (!profile_write(path, invitation, &error)) {
        profile_trouble(&error, path);
        return EXIT_FAILED;
    }
    json_object_set_new(reply, "file", json_string(path));
    if (cli->format == FORMAT_TABLE)
        printf("%s\n", path);
    else
        view_reply(cli->format, ops[OP_person_invite].reply, reply, NULL);
    say(_("Give this file to %s alone; it is good for one: mejora join %s"), invitation->person, path);
    return EXIT_DONE;
}

int run_invite(struct cli *cli)
{
    struct profile invitation = {.invitation = true};
    int code = EXIT_FAILED;
    char *path = invitation_path(cli, json_string_value(json_object_get(cli->fields, "person")));
    if (path && !access(path, F_OK)) {
        say(_("mejora: %s exists already. Name another with --file."), path);
        code = EXIT_USAGE;
    } else if (path && cli_open(cli, &code)) {
        json_t *reply = NULL;
        code = EXIT_USAGE;
        if (cli_reference(cli, ops[OP_person_invite].about) && copy_server(&cli->profile, &invitation) &&
            profile_keys_make(&invitation)) {
            json_object_set_new(cli->fields, "invitation_key", key_json(invitation.public_key));
            reply = cli_ask(cli, &ops[OP_person_invite], cli->ref, cli->fields, &code);
        }
        if (reply)
            code = write_invitation(cli, &invitation, reply, path);
        json_decref(reply);
    }
    profile_free(&invitation);
    free(path);
    return code;
}

/* ---- mejora join ---- */

/* Writes the person's own keys before the server hears of them: whatever happens, the key that is registered is kept.
 */
static bool prepare(struct cli *cli, const struct profile *invitation, int *ret_exit)
{
    struct profile_error error;
    *ret_exit = EXIT_FAILED;
    if (profile_read(cli->profile_file, &cli->profile, &error)) {
        if (cli->profile.pending && !strcmp(cli->profile.server_key, invitation->server_key))
            return true; /* an earlier join that was cut off */
        say(_("mejora: %s is somebody's profile already. Name another with --profile."), cli->profile_file);
        *ret_exit = EXIT_USAGE;
        return false;
    }
    cli->profile.pending = true;
    cli->profile.person = copy(invitation->person);
    if (error.fault == PROFILE_MISSING && copy_server(invitation, &cli->profile) && profile_keys_make(&cli->profile) &&
        profile_write(cli->profile_file, &cli->profile, &error))
        return true;
    profile_trouble(&error, cli->profile_file);
    return false;
}

static int complete(struct cli *cli, json_t *me, const char *invitation_file)
{
    struct profile_error error;
    const char *institution = json_string_value(json_object_get(me, "institution"));
    free(cli->profile.institution);
    cli->profile.institution = institution && strcmp(institution, "*") != 0 ? strdup(institution) : NULL;
    cli->profile.pending = false;
    cli->profile.plan_follows = cli->profile.institution != NULL;
    cli_settle_plan(cli); /* so that short references work from the start, also without a connection */
    if (!profile_write(cli->profile_file, &cli->profile, &error)) {
        profile_trouble(&error, cli->profile_file);
        return EXIT_FAILED;
    }
    unlink(invitation_file);
    view_reply(cli->format, ops[OP_whoami].reply, me, ".: person name institution roles units key");
    say(_("Your profile is %s. Try: mejora"), cli->profile_file);
    return EXIT_DONE;
}

/* Registers the key with the invitation's. What counts is whether the server knows it afterwards: the answer may have
 * got lost on an earlier try. */
static json_t *register_key(struct cli *cli, struct client *inviting, int *ret_exit)
{
    struct answer joined, known;
    json_t *none = json_object();
    json_t *reply = cli_try(inviting, &ops[OP_join], NULL, cli->fields, &joined);
    json_t *me = joined.end == CALL_STOPPED ? NULL : cli_try(cli->client, &ops[OP_whoami], NULL, none, &known);
    bool ok = me && known.head && known.head->outcome == MEJORA__OUTCOME__OUTCOME_OK;
    *ret_exit = EXIT_DONE;
    if (!ok && joined.end == CALL_KEY_UNKNOWN) {
        say(_("mejora: the server does not know this invitation: it was used, withdrawn or has expired. Ask for "
              "another."));
        *ret_exit = EXIT_DENIED;
    } else if (!ok) {
        *ret_exit = trouble(
            cli, &ops[OP_join],
            joined.end == CALL_ANSWERED && joined.head->outcome == MEJORA__OUTCOME__OUTCOME_OK ? &known : &joined,
            reply);
    }
    answer_free(&joined);
    if (joined.end != CALL_STOPPED)
        answer_free(&known);
    json_decref(reply);
    json_decref(none);
    if (ok)
        return me;
    json_decref(me);
    return NULL;
}

static int join(struct cli *cli, struct profile *invitation, const char *file)
{
    char host[65] = "";
    int code;
    if (!prepare(cli, invitation, &code))
        return code;
    cli->has_profile = true;
    gethostname(host, sizeof host - 1);
    json_object_set_new(cli->fields, "public_key", key_json(cli->profile.public_key));
    if (!json_object_get(cli->fields, "label"))
        json_object_set_new(cli->fields, "label", json_string(host));
    struct client *inviting = client_new(invitation);
    if (!inviting || !cli_open(cli, &code)) {
        client_free(inviting);
        return EXIT_FAILED;
    }
    if (cli->timeout_ms)
        client_timeout(inviting, cli->timeout_ms);
    client_stop(inviting, &interrupted);
    json_t *me = register_key(cli, inviting, &code);
    if (me)
        code = complete(cli, me, file);
    json_decref(me);
    client_free(inviting);
    return code;
}

int run_join(struct cli *cli)
{
    struct profile invitation;
    struct profile_error error;
    const char *file = local_text(cli, "FILE");
    if (access(file, F_OK)) {
        say(_("mejora: there is no file %s. An invitation comes from Planificación: mejora person invite"), file);
        return EXIT_FAILED;
    }
    if (!profile_read(file, &invitation, &error)) {
        profile_trouble(&error, file);
        return EXIT_FAILED;
    }
    int code = EXIT_USAGE;
    cli->profile_file = profile_path(cli->profile_option);
    if (!invitation.invitation)
        say(_("mejora: %s is a profile, not an invitation."), file);
    else
        code = join(cli, &invitation, file);
    profile_free(&invitation);
    return code;
}

/* ---- mejora use ---- */

/* False: the server was asked, and says that there is no such thing or that it is not for this person. */
static bool is_there(struct cli *cli, const struct op *op, int *ret_exit)
{
    struct answer answer;
    json_t *none = json_object(), *reply = cli_try(cli->client, op, cli->ref, none, &answer);
    bool there = answer.end != CALL_ANSWERED || (answer.head->outcome != MEJORA__OUTCOME__OUTCOME_NOT_FOUND &&
                                                 answer.head->outcome != MEJORA__OUTCOME__OUTCOME_DENIED);
    if (!there)
        *ret_exit = trouble(cli, op, &answer, reply);
    answer_free(&answer);
    json_decref(reply);
    json_decref(none);
    return there;
}

int run_use(struct cli *cli)
{
    struct ref ref;
    struct profile_error error;
    int code;
    if (!cli_open(cli, &code))
        return code;
    if (!args_ref(cli, local_text(cli, "REF"), REF_PLAN))
        return EXIT_INVALID;
    ref_parse(cli->ref, &ref);
    if (!is_there(cli, ref.plan ? &ops[OP_plan_show] : &ops[OP_plan_list], &code))
        return code;
    free(cli->profile.institution);
    cli->profile.institution = strdup(ref.institution);
    cli->profile.plan = ref.plan;
    cli->profile.plan_follows = !ref.plan;
    if (!profile_write(cli->profile_file, &cli->profile, &error)) {
        profile_trouble(&error, cli->profile_file);
        return EXIT_FAILED;
    }
    if (ref.plan)
        say(_("12 now means %s/%d/12."), ref.institution, ref.plan);
    else
        say(_("12 now means action 12 of the current plan of %s."), ref.institution);
    return EXIT_DONE;
}
