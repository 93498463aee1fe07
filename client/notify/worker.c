#include "client/notify/worker.h"

#include "client/lib/witness.h"
#include "client/mail/compose.h"
#include "client/mail/digest.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/message.h"
#include "reminder.pb-c.h"
#include "server.pb-c.h"

#include <signal.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LIMIT = 10,
    LIMIT_MAX = 100,
    QUICK_MS = 20000,
    LEASE_MS = 30000,
    MARGIN_MS = 10000,
    FRESH_MS = 1000,
    PAUSE_MIN_MS = 1000,
    PAUSE_MAX_MS = 60000
};

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
 * an end in sight (--once, or told to stop) it is given up; the server then counts the lease as run out. next: the mail whose text leaves
 * next, or NULL. True: it was asked about, just now, and may leave. */
static bool report(struct worker *w, const Mejora__Mail *mail, const struct smtp_result *r, const Mejora__Mail *next)
{
    Mejora__ReminderReportRequest request = MEJORA__REMINDER_REPORT_REQUEST__INIT;
    uint8_t id[CALL_ID];
    struct answer a;
    bool holds = false;
    arc4random_buf(id, sizeof id);
    request.has_mail = request.has_token = request.has_result = true;
    request.mail = mail->mail;
    request.token = mail->token;
    request.result = r->outcome;
    request.has_smtp_code = r->code != 0;
    request.smtp_code = r->code;
    request.smtp_text = *r->text ? (char *)(size_t)r->text : NULL;
    request.has_address_refused = request.address_refused =
        r->phase == SMTP_RCPT && r->outcome == MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_NEVER;
    request.has_leaving = request.has_leaving_token = next != NULL;
    request.leaving = next ? next->mail : 0;
    request.leaving_token = next ? next->token : 0;
    for (bool again = true; again;) {
        int64_t asked = smtp_now();
        client_call(w->client, &ops[OP_reminder_report], mail->institution, &request.base, id, &a);
        enum worker_end end = end_of(&a);
        if (end != WORKER_DONE)
            log_refusal(w, "reminder_report", &a);
        else /* what was kept for a question that had to be sent again may be an answer of long ago */
            holds = next && !((Mejora__ReminderReportReply *)(void *)a.reply)->leaving_error &&
                    smtp_now() - asked < FRESH_MS;
        answer_free(&a);
        again = end == WORKER_UNREACHABLE && !w->once && !*w->stop;
        if (again)
            back_off(w);
    }
    fault(FAULT_mail_reported);
    return holds;
}

static const char *count(struct tally *t, Mejora__MailOutcome outcome)
{
    switch (outcome) {
    case MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT: t->sent++; return "sent";
    case MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_NEVER: t->never++; return "never";
    case MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_UNKNOWN: t->unknown++; return "unknown";
    default: t->later++; return "later";
    }
}

/* gettext has one language for all threads, and forgets what it has looked up when that changes. */
static pthread_mutex_t speech = PTHREAD_MUTEX_INITIALIZER;

static void speak(const char *language)
{
    static char spoken[8];
    pthread_mutex_lock(&speech);
    if (strcmp(spoken, language) != 0)
        message_language(language, NULL);
    snprintf(spoken, sizeof spoken, "%s", language);
}

static void fall_silent(void)
{
    pthread_mutex_unlock(&speech);
}

static void show_progress(const struct worker *w)
{
    const struct tally *t = w->tally;
    if (!w->progress)
        return;
    speak(w->language);
    fputs("\r\033[K", stderr);
    fprintf(stderr, _("%ld sent, %ld later, %ld never, %ld unknown; %ld reminders waiting"), t->sent, t->later,
            t->never, t->unknown, t->waiting);
    fflush(stderr);
    fall_silent();
}

static char *compose(const struct worker *w, const Mejora__Mail *mail, enum compose_fault *ret_fault)
{
    struct compose_settings set = {
        .from = w->from, .now = time(NULL), .checkpoint = *w->checkpoint ? w->checkpoint : NULL};
    speak(digest_language(mail));
    char *text = compose_mail(mail, &set, ret_fault);
    fall_silent();
    return text;
}

/* A mail on its way through one connection. */
struct parcel {
    struct worker *worker;
    const Mejora__Mail *mail;
    char *text;
    char sender[COMPOSE_ADDRESS];
    struct smtp_letter letter;
};

static bool check(struct worker *w, const Mejora__Mail *mail)
{
    Mejora__ReminderCheckRequest request = MEJORA__REMINDER_CHECK_REQUEST__INIT;
    struct answer a;
    request.has_mail = request.has_token = true;
    request.mail = mail->mail;
    request.token = mail->token;
    bool holds = client_call(w->client, &ops[OP_reminder_check], mail->institution, &request.base, NULL, &a);
    if (!holds)
        log_refusal(w, "reminder_check", &a);
    answer_free(&a);
    return holds;
}

/* What is still to be told of the mail before. At most one: its report is heard before another text leaves. */
static bool tell(struct worker *w, const Mejora__Mail *next)
{
    const Mejora__Mail *mail = w->told;
    w->told = NULL;
    bool same = mail && next && mail->institution && next->institution && !strcmp(mail->institution, next->institution);
    return mail && report(w, mail, &w->told_result, same ? next : NULL);
}

/* Is it still this worker's, and still true? Without an answer it does not go. */
static bool still_holds(void *parcel)
{
    const struct parcel *p = parcel;
    return tell(p->worker, p->mail) || check(p->worker, p->mail);
}

/* more: another mail follows, so the report has company. */
static void settle(struct worker *w, const Mejora__Mail *mail, const struct smtp_result *r, bool more)
{
    const char *outcome = count(w->tally, r->outcome), *why = r->stale ? "stale" : r->error;
    log_line(r->outcome == MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT ? LOG_INFO : LOG_WARNING,
             "worker=%s mail=%" PRId64 " token=%d outcome=%s code=%d ms=%" PRId64 "%s%s", w->name, mail->mail,
             mail->token, outcome, r->code, r->ms, why ? " reason=" : "", why ? why : "");
    tell(w, NULL);
    if (more && r->outcome == MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT) {
        w->told = mail;
        w->told_result = *r;
    } else {
        report(w, mail, r, NULL);
    }
    snprintf(w->away, sizeof w->away, "%s", !r->away ? "" : r->error ? r->error : r->text);
    show_progress(w);
}

/* What can never be composed is a fault of the data: the server hears which, and the person's mail stops there. */
static void give_up(struct worker *w, const Mejora__Mail *mail, enum compose_fault why)
{
    struct smtp_result r = {.outcome = MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_NEVER,
                            .phase = why == COMPOSE_BAD_ADDRESS ? SMTP_RCPT : SMTP_DATA,
                            .error = compose_fault_name(why)};
    snprintf(r.text, sizeof r.text, "%s", r.error);
    settle(w, mail, &r, false);
}

/* Where the relay sends what comes back later: the mail's number tells whose it was. */
static const char *return_path(const struct worker *w, int64_t mail, char ret[COMPOSE_ADDRESS])
{
    const char *star = w->bounces ? strchr(w->bounces, '*') : NULL;
    if (!star)
        return w->bounces;
    snprintf(ret, COMPOSE_ADDRESS, "%.*s%" PRId64 "%s", (int)(star - w->bounces), w->bounces, mail, star + 1);
    return ret;
}

/* Leases of several workers wait for each other, and one that is given up keeps its mails from everybody until it runs out:
 * better to wait. Counted from before the question, so that an answer that came late does not lengthen the lease. */
static enum worker_end lease(struct worker *w, struct answer *ret, int64_t *ret_until)
{
    Mejora__ReminderLeaseRequest request = MEJORA__REMINDER_LEASE_REQUEST__INIT;
    request.has_limit = request.has_lease_seconds = true;
    request.limit = *w->away ? 1 : w->limit; /* a relay that was away is tried with one mail */
    request.lease_seconds = w->lease_s;
    *ret_until = smtp_now() + w->lease_s * 1000L - MARGIN_MS;
    client_timeout(w->client, LEASE_MS);
    client_call(w->client, &ops[OP_reminder_lease], w->institution, &request.base, NULL, ret);
    client_timeout(w->client, CALL_TIMEOUT_MS);
    fault(FAULT_mail_leased);
    return end_of(ret);
}

static void look_at_queue(struct worker *w)
{
    struct answer a;
    if (w->progress && client_call(w->client, &ops[OP_server_status], NULL, NULL, NULL, &a))
        w->tally->waiting = (long)((Mejora__ServerStatusReply *)(void *)a.reply)->reminders_pending;
    if (w->progress)
        answer_free(&a);
}

/* The audit log as it is sealed now goes into every mail: out of reach of whoever has the database. If it contradicts what was
 * seen of it, mails go on, for who is reminded has nothing to do with it; but somebody has to look. */
static void look_at_log(struct worker *w)
{
    struct witness seen;
    enum witness_end end = witness_look(w->client, w->profile_file, &seen, NULL);
    snprintf(w->checkpoint, sizeof w->checkpoint, "%s", end == WITNESS_FINE ? seen.text : "");
    if (!witness_contradicted(end))
        return;
    w->tally->contradicted = true;
    log_line(LOG_ERROR, "worker=%s the audit log contradicts what was seen of it: end=%d file=%s evidence=%s", w->name,
             (int)end, seen.file, *seen.evidence ? seen.evidence : "-");
}

/* A lease's mails on their way. */
struct batch {
    const Mejora__ReminderLeaseReply *reply;
    int64_t until;
    size_t next;
};

/* The connections besides the first, each with a thread while the queue is long. */
struct helpers {
    struct helper {
        struct worker worker;
        pthread_t thread;
        enum worker_end end;
    } each[CONNECTIONS];
    int n; /* that were started */
};

static bool goes_on(const struct worker *w, const struct batch *b)
{
    return !*w->away && !*w->stop && smtp_now() < b->until;
}

/* The next one that can be composed; the others are settled here. */
static bool take(struct worker *w, struct batch *b, struct parcel *ret)
{
    enum compose_fault why;
    while (goes_on(w, b) && b->next < b->reply->n_mails) {
        const Mejora__Mail *mail = b->reply->mails[b->next++];
        char *text = compose(w, mail, &why);
        if (text) {
            *ret = (struct parcel){.worker = w, .mail = mail, .text = text};
            ret->letter = (struct smtp_letter){.sender = return_path(w, mail->mail, ret->sender),
                                               .address = mail->address,
                                               .text = text,
                                               .size = strlen(text),
                                               .until = b->until,
                                               .holds = still_holds,
                                               .about = ret};
            return true;
        }
        give_up(w, mail, why);
    }
    return false;
}

static void deliver(struct worker *w, const struct parcel *p, const struct parcel *next)
{
    struct smtp_result r;
    smtp_send(w->smtp, &p->letter, next ? &next->letter : NULL, &r);
    fault(FAULT_mail_taken);
    settle(w, p->mail, &r, next);
}

/* The next one is ready before this one leaves, so that its envelope can go along. */
static void batch_send(struct worker *w, struct batch *b)
{
    struct parcel two[2];
    int at = 0;
    client_stop(w->client, NULL); /* what is in hand is finished, and told */
    bool have = take(w, b, &two[at]);
    while (have) {
        bool more = take(w, b, &two[!at]);
        deliver(w, &two[at], more ? &two[!at] : NULL);
        free(two[at].text);
        at = !at;
        have = more && goes_on(w, b);
        if (more && !have)
            free(two[at].text);
    }
    tell(w, NULL);
    client_stop(w->client, w->stop);
}

static bool connection_open(struct worker *w)
{
    w->client = client_new(w->profile);
    w->smtp = smtp_new(w->relay);
    if (w->client)
        client_stop(w->client, w->stop);
    return w->client && w->smtp;
}

static void connection_close(struct worker *w)
{
    smtp_free(w->smtp);
    client_free(w->client);
}

static void helpers_start(struct helpers *h, const struct worker *w);

/* One lease and its mails. helpers: who is called when there are many; NULL: nobody. */
static enum worker_end round_run(struct worker *w, struct helpers *helpers, size_t *ret_mails)
{
    struct answer a;
    struct batch b = {.next = 0};
    int64_t begun = smtp_now();
    bool full = false;
    *ret_mails = 0;
    enum worker_end end = lease(w, &a, &b.until);
    if (end == WORKER_DONE) {
        b.reply = (void *)a.reply;
        *ret_mails = b.reply->n_mails;
        full = !*w->away && b.reply->n_mails == (size_t)w->limit;
        *w->away = '\0';
        if (helpers && full)
            helpers_start(helpers, w);
        look_at_log(w);
        batch_send(w, &b);
        end = *w->away ? WORKER_RELAY_AWAY : WORKER_DONE;
    } else if (!*w->stop) {
        log_refusal(w, "reminder_lease", &a);
    }
    w->limit = full && !end && smtp_now() - begun < QUICK_MS ? LIMIT_MAX : LIMIT;
    answer_free(&a);
    return end;
}

/* Leases and sends like the first connection, but only while there is something: to wait, and to try again, is the first one's. */
static void *help_out(void *helper)
{
    struct helper *h = helper;
    size_t mails;
    do
        h->end = round_run(&h->worker, NULL, &mails);
    while (!h->end && mails && !*h->worker.stop);
    return NULL;
}

/* A connection that does not come about is one fewer. */
static void helpers_start(struct helpers *h, const struct worker *w)
{
    while (h->n < w->connections - 1) {
        struct helper *new = &h->each[h->n];
        *new = (struct helper){.worker = *w};
        new->worker.limit = LIMIT;
        if (!connection_open(&new->worker) || pthread_create(&new->thread, NULL, help_out, new)) {
            connection_close(&new->worker);
            return;
        }
        h->n++;
    }
}

/* Waits for them; how the first of them that failed ended, if nothing had failed before. */
static enum worker_end helpers_end(struct helpers *h, struct worker *w, enum worker_end end)
{
    while (h->n > 0) {
        struct helper *one = &h->each[--h->n];
        pthread_join(one->thread, NULL);
        connection_close(&one->worker);
        if (!end && one->end) {
            end = one->end;
            memcpy(w->away, one->worker.away, sizeof w->away);
        }
    }
    return end;
}

static enum worker_end work_off(struct worker *w, struct helpers *helpers)
{
    enum worker_end end = WORKER_DONE;
    while (!*w->stop) {
        size_t mails;
        look_at_queue(w);
        end = round_run(w, helpers, &mails);
        if (end || !mails)
            end = helpers_end(helpers, w, end);
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

enum worker_end worker_run(struct worker *w)
{
    struct helpers *helpers = calloc(1, sizeof *helpers);
    w->limit = LIMIT;
    enum worker_end end = connection_open(w) && helpers ? work_off(w, helpers) : WORKER_FAILED;
    if (helpers)
        helpers_end(helpers, w, end);
    connection_close(w);
    free(helpers);
    speak(w->language);
    fall_silent();
    return end;
}
