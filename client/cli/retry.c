/* Asking again: every write is kept on disk from before it is sent until it is answered, and `mejora retry` asks what was
 * left with the id it had, so that it is done once. */
#include "client/cli/kept.h"

#include "common/json.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS "requests: id asked_at ref what"

static bool is_temporary(const struct answer *a)
{
    return a->head && (a->head->outcome == MEJORA__OUTCOME__OUTCOME_BUSY ||
                       a->head->outcome == MEJORA__OUTCOME__OUTCOME_UNAVAILABLE);
}

bool kept_is_open(const struct answer *a)
{
    return a->end == CALL_UNKNOWN || (a->end == CALL_STOPPED && a->sent);
}

bool kept_is_unreached(const struct answer *a)
{
    return a->end == CALL_UNKNOWN || a->end == CALL_UNREACHABLE || a->end == CALL_NOT_MEJORA || is_temporary(a);
}

/* Into the queue instead of on its way. */
static bool put_off(struct cli *cli, Mejora__Kept *k, bool sent)
{
    if (queue_add(cli, k, sent))
        return true;
    say(_("mejora: this request cannot be queued: %s"), strerror(errno));
    return false;
}

static json_t *send_kept(struct cli *cli, Mejora__Kept *k, struct answer *ret)
{
    k->has_sent_at = 1;
    k->sent_at = k->asked_at;
    char *name = strdup(k->name);
    if (!kept_store(cli, KEPT_PENDING, k))
        say(_("mejora: this request cannot be kept for asking again: %s"), strerror(errno));
    json_t *reply = kept_send(cli, k, ret);
    bool queued = cli->queue && kept_is_unreached(ret) && put_off(cli, k, kept_is_open(ret));
    if (queued)
        kept_drop(cli, KEPT_PENDING, name);
    else if (!kept_is_open(ret))
        json_array_append_new(cli->settled, json_string(name));
    free(name);
    return reply;
}

/* Not before: whoever is killed in between has seen no answer, and asks for it again. */
void kept_forget_settled(const struct cli *cli)
{
    json_t *name;
    size_t i;
    json_array_foreach(cli->settled, i, name) kept_drop(cli, KEPT_PENDING, json_string_value(name));
}

json_t *cli_write(struct cli *cli, const struct op *op, const char *ref, json_t *fields, struct answer *ret)
{
    struct json_fault fault = {0};
    ProtobufCMessage *request = json_to_message(fields, op->request, &fault);
    Mejora__Kept *k = request ? kept_new(cli, op, ref, request) : NULL;
    *ret = (struct answer){.end = CALL_FAILED};
    if (request)
        protobuf_c_message_free_unpacked(request, NULL);
    if (!k)
        return NULL;
    json_t *reply = NULL;
    if (!cli->queue || !queue_waits(cli))
        reply = send_kept(cli, k, ret);
    else if (!put_off(cli, k, false))
        ret->end = CALL_UNREACHABLE;
    mejora__kept__free_unpacked(k, NULL);
    return reply;
}

void kept_hint(const struct op *op, const struct answer *a)
{
    char id[CALL_ID * 2 + 1];
    if (kept_wanted(op) && kept_is_open(a))
        say(_("To settle it, without doing it twice: mejora retry %s"),
            sodium_bin2hex(id, sizeof id, a->id, sizeof a->id));
}

bool kept_is_settled(const struct answer *a)
{
    return a->end == CALL_ANSWERED && !is_temporary(a) && a->head->outcome != MEJORA__OUTCOME__OUTCOME_DENIED &&
           a->head->outcome != MEJORA__OUTCOME__OUTCOME_UNSUPPORTED &&
           a->head->outcome != MEJORA__OUTCOME__OUTCOME_INTERNAL;
}

int kept_report(struct cli *cli, const Mejora__Kept *k, const struct answer *a, json_t *reply)
{
    const struct op *op = op_find(k->op);
    const struct command *asked = cli->command;
    if (!reply || a->head->outcome != MEJORA__OUTCOME__OUTCOME_OK)
        return trouble(cli, op, a, reply);
    if (command_of(op))
        cli->command = command_of(op);
    cli_show(cli, op, reply);
    cli->command = asked;
    return EXIT_DONE;
}

static int retry(struct cli *cli, const Mejora__Kept *k)
{
    struct answer answer;
    char *what = view_safe(k->what);
    say("%s: %s", k->ref ? k->ref : "–", what ? what : "");
    free(what);
    if (!kept_may_send(cli, k))
        return EXIT_FAILED;
    json_t *reply = kept_send(cli, k, &answer);
    int code = kept_report(cli, k, &answer, reply);
    kept_hint(op_find(k->op), &answer);
    if (kept_is_settled(&answer))
        kept_drop(cli, KEPT_PENDING, k->name);
    answer_free(&answer);
    json_decref(reply);
    return code;
}

static int retry_all(struct cli *cli, const Mejora__KeptList *list)
{
    int first = EXIT_DONE;
    for (size_t i = 0; i < list->n_requests; i++) {
        int code = retry(cli, list->requests[i]);
        first = first ? first : code;
        if (code == EXIT_UNREACHABLE || code == EXIT_UNKNOWN || code == EXIT_INTERRUPTED)
            break; /* the others would fare alike */
    }
    return first;
}

static int retry_one(struct cli *cli, const Mejora__KeptList *list, const char *id)
{
    const Mejora__Kept *k = kept_find(list, id);
    if (!k)
        return EXIT_NOT_FOUND;
    if (!local_is(cli, "drop"))
        return retry(cli, k);
    kept_drop(cli, KEPT_PENDING, k->name);
    return EXIT_DONE;
}

int run_retry(struct cli *cli)
{
    const char *id = local_text(cli, "ID");
    int code;
    if (local_is(cli, "drop") ? !id || local_is(cli, "all") : id && local_is(cli, "all")) {
        usage_error(cli->command, "%s", _("say either which one, by its id, or --all; --drop takes one id"));
        return EXIT_USAGE;
    }
    if (!id && !local_is(cli, "all"))
        return kept_show_all(cli, KEPT_PENDING, COLUMNS, _("Nothing waits for an answer."));
    if (!cli_open(cli, &code))
        return code;
    Mejora__KeptList *list = kept_list(cli, KEPT_PENDING);
    if (!list)
        return EXIT_FAILED;
    code = id ? retry_one(cli, list, id) : retry_all(cli, list);
    mejora__kept_list__free_unpacked(list, NULL);
    return code;
}
