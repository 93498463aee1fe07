/* The queue: what was asked with --queue while nobody could be reached, sent later in the order in which it was asked. */
#include "client/cli/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS "requests: id asked_at ref what state reason"

static size_t waiting(const Mejora__KeptList *list)
{
    size_t n = 0;
    for (size_t i = 0; list && i < list->n_requests; i++)
        n += list->requests[i]->state != MEJORA__KEPT_STATE__KEPT_STATE_REFUSED;
    return n;
}

static size_t count_waiting(const struct cli *cli)
{
    Mejora__KeptList *list = kept_list(cli, KEPT_QUEUE);
    size_t n = waiting(list);
    if (list)
        mejora__kept_list__free_unpacked(list, NULL);
    return n;
}

bool queue_waits(const struct cli *cli)
{
    return count_waiting(cli) > 0;
}

static void set_sent(Mejora__Kept *k, bool sent, int64_t at)
{
    k->has_state = 1;
    k->state = sent ? MEJORA__KEPT_STATE__KEPT_STATE_UNANSWERED : MEJORA__KEPT_STATE__KEPT_STATE_WAITING;
    k->has_sent_at = sent;
    k->sent_at = at;
}

/* ---- sending ---- */

static bool store_refused(const struct cli *cli, Mejora__Kept *k, const struct answer *a)
{
    char label[64];
    const char *code = a->head->error;
    Mejora__Kept refused = *k; /* borrows */
    if (!code)
        code = enum_label(&mejora__outcome__descriptor, (int)a->head->outcome, label);
    refused.state = MEJORA__KEPT_STATE__KEPT_STATE_REFUSED;
    refused.code = (char *)(uintptr_t)(code ? code : "?");
    refused.n_args = a->head->n_error_args;
    refused.args = a->head->error_args;
    return kept_store(cli, KEPT_QUEUE, &refused);
}

/* What became of it, on disk. False: it is still to be sent, and so are those behind it. */
static bool settle(const struct cli *cli, Mejora__Kept *k, const struct answer *a, bool sent_before)
{
    bool settled = a->end == CALL_ANSWERED && !kept_is_unreached(a) && (!sent_before || kept_is_settled(a));
    if (settled && a->head->outcome == MEJORA__OUTCOME__OUTCOME_OK) {
        kept_drop(cli, KEPT_QUEUE, k->name);
    } else if (settled) {
        return store_refused(cli, k, a);
    } else if (!sent_before && !kept_is_open(a)) {
        set_sent(k, false, 0);
        kept_store(cli, KEPT_QUEUE, k);
    }
    return settled;
}

static bool send_one(struct cli *cli, Mejora__Kept *k, int *ret_exit)
{
    struct answer answer;
    char *what = view_safe(k->what);
    bool sent_before = k->has_sent_at;
    say("%s: %s", k->ref ? k->ref : "–", what ? what : "");
    free(what);
    *ret_exit = EXIT_FAILED;
    if (!kept_may_send(cli, k))
        return false;
    if (!sent_before)
        set_sent(k, true, kept_now());
    if (!kept_store(cli, KEPT_QUEUE, k)) {
        say(_("mejora: this request cannot be kept for asking again: %s"), strerror(errno));
        return false;
    }
    json_t *reply = kept_send(cli, k, &answer);
    *ret_exit = kept_report(cli, k, &answer, reply);
    bool settled = settle(cli, k, &answer, sent_before);
    answer_free(&answer);
    json_decref(reply);
    return settled;
}

/* In order, past refusals, up to the first that cannot be sent. The exit code: the first that is not 0; *ret_last: that
 * of the last one sent. */
static int send_all(struct cli *cli, int *ret_last, bool *ret_stopped)
{
    int first = EXIT_DONE, lock = kept_lock(cli, KEPT_QUEUE);
    *ret_last = EXIT_DONE;
    *ret_stopped = lock < 0;
    Mejora__KeptList *list = kept_list(cli, KEPT_QUEUE);
    if (lock < 0 && waiting(list)) {
        say(_("mejora: the queue is being sent already."));
        first = EXIT_FAILED;
    }
    for (size_t i = 0; list && i < list->n_requests && !*ret_stopped; i++)
        if (list->requests[i]->state != MEJORA__KEPT_STATE__KEPT_STATE_REFUSED) {
            *ret_stopped = !send_one(cli, list->requests[i], ret_last);
            first = first ? first : *ret_last;
        }
    if (list)
        mejora__kept_list__free_unpacked(list, NULL);
    if (lock >= 0)
        close(lock);
    return first;
}

static void say_waiting(const struct cli *cli)
{
    size_t n = count_waiting(cli);
    if (n)
        say(ngettext("Queued: %zu waiting. To send it: mejora queue send",
                     "Queued: %zu waiting. To send them: mejora queue send", n),
            n);
}

bool queue_add(struct cli *cli, Mejora__Kept *k, bool sent)
{
    bool stopped = true, alone = !queue_waits(cli);
    set_sent(k, sent, k->asked_at);
    if (!kept_append(cli, KEPT_QUEUE, k))
        return false;
    cli->queued = EXIT_DONE;
    if (!alone)
        send_all(cli, &cli->queued, &stopped);
    if (stopped)
        cli->queued = EXIT_DONE;
    say_waiting(cli);
    return true;
}

/* ---- mejora queue ---- */

int run_queue_send(struct cli *cli)
{
    int code, last;
    bool stopped;
    if (!cli_open(cli, &code))
        return code;
    if (!queue_waits(cli)) {
        say(_("Nothing is waiting to be sent."));
        return EXIT_DONE;
    }
    code = send_all(cli, &last, &stopped);
    say_waiting(cli);
    return code;
}

int run_queue_list(struct cli *cli)
{
    return kept_show_all(cli, KEPT_QUEUE, COLUMNS, _("The queue is empty."));
}

int run_queue_drop(struct cli *cli)
{
    return kept_named(cli, KEPT_QUEUE, NULL);
}
