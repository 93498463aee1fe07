#include "client/notify/worker.h"

#include "client/notify/compose.h"
#include "client/notify/digest.h"
#include "common/log.h"
#include "common/message.h"
#include "reminder.pb-c.h"
#include "server.pb-c.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIMIT = 10, MARGIN_MS = 10000, PAUSE_MIN_MS = 1000, PAUSE_MAX_MS = 60000 };

/* Sleeps up to ms, a random part of it so that workers do not march in step; a signal ends it. */
static void pause_ms(const struct worker *w, int ms)
{
    int some = ms / 2 + (int)arc4random_uniform((uint32_t)ms / 2 + 1);
    struct timespec t = {some / 1000, some % 1000 * 1000000L};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!*w->stop)
        ppoll(NULL, 0, &t, &before); /* a signal between the check and the sleep is not missed */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void back_off(struct worker *w)
{
    int doubled = w->failures < 6 ? PAUSE_MIN_MS << w->failures : PAUSE_MAX_MS;
    w->failures++;
    pause_ms(w, doubled);
}

static enum worker_end end_of(const struct answer *a)
{
    if (a->end == CALL_ANSWERED)
        switch (a->head->outcome) {
        case MEJORA__OUTCOME__OUTCOME_OK: return WORKER_DONE;
        case MEJORA__OUTCOME__OUTCOME_DENIED: return WORKER_DENIED;
        case MEJORA__OUTCOME__OUTCOME_BUSY:
        case MEJORA__OUTCOME__OUTCOME_UNAVAILABLE: return WORKER_UNREACHABLE;
        default: return WORKER_FAILED;
        }
    return a->end == CALL_KEY_UNKNOWN ? WORKER_DENIED : a->end == CALL_FAILED ? WORKER_FAILED : WORKER_UNREACHABLE;
}

static void log_refusal(const struct worker *w, const char *op, const struct answer *a)
{
    log_line(LOG_WARNING, "worker=%s op=%s end=%d outcome=%d error=%s", w->name, op, (int)a->end,
             a->head ? (int)a->head->outcome : 0, a->head && a->head->error ? a->head->error : "-");
}

/* The mail may be out: the report is asked for with one id until the server has heard it, even while stopping. Without
 * an end in sight (--once, or told to stop) it is given up; the server then counts the lease as run out. */
static void report(struct worker *w, const Mejora__Mail *mail, const struct smtp_result *r)
{
    Mejora__ReminderReportRequest request = MEJORA__REMINDER_REPORT_REQUEST__INIT;
    uint8_t id[CALL_ID];
    struct answer a;
    arc4random_buf(id, sizeof id);
    request.has_mail = request.has_token = request.has_result = true;
    request.mail = mail->mail;
    request.token = mail->token;
    request.result = r->outcome;
    request.has_smtp_code = r->code != 0;
    request.smtp_code = r->code;
    request.smtp_text = *r->text ? (char *)r->text : NULL;
    client_stop(w->client, NULL);
    for (bool again = true; again;) {
        client_call(w->client, &ops[OP_reminder_report], mail->institution, &request.base, id, &a);
        enum worker_end end = end_of(&a);
        if (end != WORKER_DONE)
            log_refusal(w, "reminder_report", &a);
        answer_free(&a);
        again = end == WORKER_UNREACHABLE && !w->once && !*w->stop;
        if (again)
            back_off(w);
    }
    client_stop(w->client, w->stop);
}

static const char *tally(struct worker *w, Mejora__MailOutcome outcome)
{
    switch (outcome) {
    case MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT: w->sent++; return "sent";
    case MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_NEVER: w->never++; return "never";
    case MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_UNKNOWN: w->unknown++; return "unknown";
    default: w->later++; return "later";
    }
}

static void show_progress(const struct worker *w)
{
    if (!w->progress)
        return;
    fputs("\r\033[K", stderr);
    fprintf(stderr, _("%ld sent, %ld later, %ld never, %ld unknown; %ld reminders waiting"), w->sent, w->later,
            w->never, w->unknown, w->waiting);
    fflush(stderr);
}

static char *compose(const struct worker *w, const Mejora__Mail *mail, enum compose_fault *fault)
{
    message_language(digest_language(mail), NULL);
    char *text = compose_mail(mail, w->from, time(NULL), fault);
    message_language(w->language, NULL);
    return text;
}

/* What can never be composed is a fault of the data: the server hears which, and the person's mail stops there. */
static void deliver(struct worker *w, const Mejora__Mail *mail, int64_t until)
{
    enum compose_fault fault;
    struct smtp_result r = {.outcome = MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_NEVER};
    char *text = compose(w, mail, &fault);
    if (text) {
        smtp_send(w->smtp, mail->address, text, strlen(text), until, &r);
    } else {
        r.error = compose_fault_name(fault);
        snprintf(r.text, sizeof r.text, "%s", r.error);
    }
    free(text);
    const char *outcome = tally(w, r.outcome);
    log_line(r.outcome == MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT ? LOG_INFO : LOG_WARNING,
             "worker=%s mail=%" PRId64 " token=%d outcome=%s code=%d ms=%" PRId64 "%s%s", w->name, mail->mail,
             mail->token, outcome, r.code, r.ms, r.error ? " reason=" : "", r.error ? r.error : "");
    report(w, mail, &r);
    snprintf(w->away, sizeof w->away, "%s", !r.away ? "" : r.error ? r.error : r.text);
    show_progress(w);
}

/* Counted from before the question, so that an answer that came late does not lengthen the lease. */
static enum worker_end lease(struct worker *w, struct answer *ret, int64_t *ret_until)
{
    Mejora__ReminderLeaseRequest request = MEJORA__REMINDER_LEASE_REQUEST__INIT;
    request.has_limit = request.has_lease_seconds = true;
    request.limit = *w->away ? 1 : LIMIT; /* a relay that was away is tried with one mail */
    request.lease_seconds = w->lease_s;
    *ret_until = smtp_now() + w->lease_s * 1000L - MARGIN_MS;
    client_call(w->client, &ops[OP_reminder_lease], w->institution, &request.base, NULL, ret);
    return end_of(ret);
}

static void look_at_queue(struct worker *w)
{
    struct answer a;
    if (w->progress && client_call(w->client, &ops[OP_server_status], NULL, NULL, NULL, &a))
        w->waiting = (long)((Mejora__ServerStatusReply *)(void *)a.reply)->reminders_pending;
    if (w->progress)
        answer_free(&a);
}

/* One lease and its mails. *ret_mails: how many there were. */
static enum worker_end round_run(struct worker *w, size_t *ret_mails)
{
    struct answer a;
    int64_t until;
    *ret_mails = 0;
    enum worker_end end = lease(w, &a, &until);
    if (end == WORKER_DONE) {
        const Mejora__ReminderLeaseReply *reply = (void *)a.reply;
        *ret_mails = reply->n_mails;
        *w->away = '\0';
        for (size_t i = 0; i < reply->n_mails && !*w->away && !*w->stop && smtp_now() < until; i++)
            deliver(w, reply->mails[i], until);
        end = *w->away ? WORKER_RELAY_AWAY : WORKER_DONE;
    } else if (!*w->stop) {
        log_refusal(w, "reminder_lease", &a);
    }
    answer_free(&a);
    return end;
}

enum worker_end worker_run(struct worker *w)
{
    enum worker_end end = WORKER_DONE;
    client_stop(w->client, w->stop);
    while (!*w->stop) {
        size_t mails;
        look_at_queue(w);
        end = round_run(w, &mails);
        if (end == WORKER_DENIED || (w->once && (end || !mails)))
            break;
        if (end)
            back_off(w);
        else
            w->failures = 0;
        if (!end && !mails)
            pause_ms(w, w->interval_s * 1000);
    }
    return *w->stop ? WORKER_DONE : end;
}
