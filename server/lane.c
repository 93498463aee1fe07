#include "server/lane.h"

#include "common/clock.h"
#include "common/fault.h"
#include "common/log.h"
#include "server/db.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TRIES = 5, PATIENCE_MS = 5000, GATHER_MS = 8 };

/* How a batch went: where it failed (0 <= at < n), or one of these. */
enum { DONE = -1, LOST = -2, COMMIT_FAILED = -3, ONE_OF_MANY = -4 };

struct attempt {
    int at;
    enum db_failure failure;
};

/* A refusal by the front, or a query of the audit trail, takes the same road as a statement of its own, so that it is in the
 * audit trail too. */
static const char note[] = "note";
static const char note_sql[] = "select lib.note($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb)";
enum { NOTE_PARAMETERS = 11 };

static bool prepare(PGconn *pg, const char *name, const char *sql, int n, const Oid types[])
{
    PGresult *r = PQprepare(pg, name, sql, n, types);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
    if (!ok)
        log_line(LOG_ERROR, "lane: cannot prepare %s: %s", name, PQresultErrorMessage(r));
    PQclear(r);
    return ok;
}

/* What the statement is called that asks about the past. */
static const char *past_name(const struct op *op, char ret[80])
{
    snprintf(ret, 80, "%s as of", op->name);
    return ret;
}

/* The statement that only asks whether somebody may has the operation's name with this before it. */
static const char *enter_name(const struct op *op, char ret[80])
{
    snprintf(ret, 80, "may %s", op->name);
    return ret;
}

static const char *many_name(const struct op *op, char ret[80])
{
    snprintf(ret, 80, "many %s", op->name);
    return ret;
}

static bool join(struct lane *l)
{
    char name[80];
    bool ok = PQstatus(l->pg) == CONNECTION_OK;
    for (int i = 0; ok && i < OPS; i++) {
        const struct plan *p = &l->plans[i];
        if ((p->op->kind == WRITE) == l->read_only)
            continue;
        ok = prepare(l->pg, ops[i].name, p->sql, p->n_types, p->types) &&
             (!p->past || prepare(l->pg, past_name(p->op, name), p->past, p->n_types + 1, p->types)) &&
             (!p->many_sql || prepare(l->pg, many_name(p->op, name), p->many_sql, p->n_types, p->arrays)) &&
             (!p->enter_sql || prepare(l->pg, enter_name(p->op, name), p->enter_sql, ROAD_READ, p->types));
    }
    if (ok && !l->read_only)
        ok = prepare(l->pg, note, note_sql, 0, NULL);
    return ok && PQsetnonblocking(l->pg, 1) == 0 && PQenterPipelineMode(l->pg) == 1;
}

static void hand_back(struct lane *l, struct list *list)
{
    l->calls += (unsigned long)list->n;
    mailbox_put(l->out, list);
}

/* Nobody waits for a database that is away: what has come in meanwhile is sent back to ask again. */
static void turn_away(struct lane *l)
{
    struct list waiting;
    if (!mailbox_take(&l->in, 1, l->batch, &waiting))
        return;
    for (struct call *c = waiting.first; c; c = c->next)
        if (!call_is_refused(c))
            call_refuse(c, MEJORA__OUTCOME__OUTCOME_UNAVAILABLE, "database_unavailable", NULL);
    hand_back(l, &waiting);
}

/* False: not within PATIENCE_MS, or the lane is closing. */
static bool reconnect(struct lane *l)
{
    int64_t until = clock_ms() + PATIENCE_MS;
    for (long delay = 20; !l->closing; delay = delay < 1000 ? delay * 2 : delay) {
        PQfinish(l->pg);
        l->pg = db_connect(l->conninfo, l->read_only);
        if (join(l))
            return true;
        if (clock_ms() + delay > until)
            return false;
        clock_pause_ms(delay + random() % delay);
    }
    return false;
}

static void wait_for(PGconn *pg, short events)
{
    struct pollfd p = {.fd = PQsocket(pg), .events = events};
    poll(&p, 1, -1);
}

/* Both directions at once: a server that is answering must not stop us from asking, nor the other way round. */
static bool flush(PGconn *pg)
{
    int left;
    while ((left = PQflush(pg)) == 1) {
        wait_for(pg, POLLIN | POLLOUT);
        if (!PQconsumeInput(pg))
            return false;
    }
    return left == 0;
}

static void send_next(struct lane *l);

/* Waits for the backend; meanwhile, once enough calls for it wait, the next batch goes out. */
static void wait_for_answer(struct lane *l)
{
    struct pollfd on[] = {{.fd = PQsocket(l->pg), .events = POLLIN}, {.fd = l->in.wake, .events = POLLIN}};
    poll(on, l->next && !l->next->n ? 2 : 1, -1);
    if (on[1].revents)
        send_next(l);
}

static PGresult *next_result(struct lane *l)
{
    while (PQisBusy(l->pg)) {
        wait_for_answer(l);
        if (!PQconsumeInput(l->pg))
            return NULL;
    }
    return PQgetResult(l->pg);
}

static bool send_values(PGconn *pg, const char *statement, const struct slice v[], int n)
{
    const char *values[MAX_COLUMNS];
    int sizes[MAX_COLUMNS], binary[MAX_COLUMNS];
    for (int i = 0; i < n; i++) {
        values[i] = v[i].data;
        sizes[i] = v[i].size;
        binary[i] = 1;
    }
    return PQsendQueryPrepared(pg, statement, n, values, sizes, binary, 1) == 1;
}

static struct slice text(const char *s)
{
    return (struct slice){s, s ? (int)strlen(s) : 0};
}

/* What the reference does not name is null. */
static void put_reference(struct call *c, struct slice v[])
{
    const struct ref *r = &c->about;
    v[ROAD_KEY] = slice_i64(c->key, &c->arena);
    v[ROAD_INSTITUTION] = text(r->level >= REF_INSTITUTION ? r->institution : NULL);
    v[ROAD_PLAN] = r->level >= REF_PLAN ? slice_i32(r->plan, &c->arena) : (struct slice){0};
    v[ROAD_ITEM] = r->level >= REF_ACTION ? slice_i32(r->item_no, &c->arena) : (struct slice){0};
    v[ROAD_TASK] = r->level >= REF_TASK ? slice_i32(r->task_no, &c->arena) : (struct slice){0};
}

static bool send_note(PGconn *pg, struct call *c)
{
    struct slice v[NOTE_PARAMETERS];
    char outcome[64];
    put_reference(c, v);
    v[5] = (struct slice){c->id, ID_SIZE};
    v[6] = text(c->op ? c->op->name : "?");
    v[7] = text(enum_label(&mejora__outcome__descriptor, (int)c->outcome, outcome));
    v[8] = text(c->error);
    v[9] = text(c->n_args ? *c->args : NULL);
    v[10] = text(c->asked);
    return send_values(pg, note, v, NOTE_PARAMETERS);
}

static bool put_call(const struct plan *p, struct call *c, struct slice v[], int *ret_n)
{
    int n = p->op->kind == WRITE ? ROAD_WRITE : ROAD_READ;
    put_reference(c, v);
    if (p->op->kind == WRITE) {
        v[ROAD_ID] = (struct slice){c->id, ID_SIZE};
        v[ROAD_HASH] = (struct slice){c->hash, HASH_SIZE};
    }
    for (int i = 0; i < p->request.n; i++, n++)
        if (!column_put(&p->request.columns[i], c->request, &c->arena, &v[n]))
            return false; /* the front has checked this */
    *ret_n = n;
    return true;
}

static bool send_call(PGconn *pg, const struct plan *p, struct call *c)
{
    struct slice v[MAX_COLUMNS];
    char name[80];
    int n;
    if (!put_call(p, c, v, &n))
        return false;
    if (c->same)
        return send_values(pg, enter_name(p->op, name), v, ROAD_READ);
    if (!c->as_of)
        return send_values(pg, p->op->name, v, n);
    v[n++] = text(c->as_of);
    return send_values(pg, past_name(p->op, name), v, n);
}

/* Several calls of one operation as one statement, each parameter an array. It costs the database two thirds. */
static bool send_many(PGconn *pg, const struct plan *p, struct call *calls[], int n)
{
    struct slice arrays[MAX_COLUMNS], v[MAX_COLUMNS];
    struct arena *mem = &calls[0]->arena;
    size_t many = (size_t)n;
    int columns = p->n_types;
    struct slice *values = arena_alloc(mem, (size_t)columns * many * sizeof *values);
    char name[80];
    for (int i = 0; values && i < n; i++) {
        if (!put_call(p, calls[i], v, &columns))
            return false;
        for (int k = 0; k < columns; k++)
            values[k * n + i] = v[k];
    }
    bool ok = values;
    for (int k = 0; ok && k < columns; k++) /* an array's elements are of the type that its parameter would have */
        ok = array_make(values + k * n, many, p->types[k], mem, &arrays[k]);
    return ok && send_values(pg, many_name(p->op, name), arrays, columns);
}

static struct slice field(const PGresult *r, int row, int column)
{
    return (struct slice){PQgetisnull(r, row, column) ? NULL : PQgetvalue(r, row, column), PQgetlength(r, row, column)};
}

static bool read_refusal_words(struct call *c, const PGresult *r, int row)
{
    struct slice error = field(r, row, BACK_ERROR), args = field(r, row, BACK_ARGS);
    c->error = NULL;
    c->n_args = 0;
    if (error.data) {
        char *copy = arena_alloc(&c->arena, (size_t)error.size + 1);
        if (!copy)
            return false;
        memcpy(copy, error.data, (size_t)error.size);
        copy[error.size] = '\0';
        c->error = copy;
    }
    return !args.data || texts_read(args, &c->arena, &c->args, &c->n_args);
}

/* From the answer's record to the packed body. Done while the server works on the rest of the batch. */
static bool answer(const struct plan *p, struct call *c, const PGresult *r, int row)
{
    int outcome;
    struct slice label = field(r, row, BACK_OUTCOME), record = field(r, row, BACK_REPLY);
    ProtobufCMessage *reply = arena_alloc(&c->arena, p->op->reply->sizeof_message);
    if (!reply || !label.data || !read_refusal_words(c, r, row) ||
        !enum_value(&mejora__outcome__descriptor, label.data, (size_t)label.size, &outcome))
        return false;
    c->outcome = (Mejora__Outcome)outcome;
    if (c->same && c->outcome == MEJORA__OUTCOME__OUTCOME_OK) /* may have the other's answer, if the other may */
        return c->same->outcome != MEJORA__OUTCOME__OUTCOME_DENIED && call_answer_alike(c, c->same);

    protobuf_c_message_init(p->op->reply, reply);
    if (record.data && !shape_read(&p->reply, record, reply, &c->arena))
        return false;
    zmq_msg_close(&c->body);
    zmq_msg_init_size(&c->body, record.data ? protobuf_c_message_get_packed_size(reply) : 0);
    if (record.data)
        protobuf_c_message_pack(reply, zmq_msg_data(&c->body));
    return true;
}

/* One statement's answers: a row for each of its calls, in their order. */
static bool answer_all(const struct lane *l, struct call *calls[], const PGresult *r)
{
    bool ok = PQntuples(r) == calls[0]->together;
    for (int row = 0; ok && row < calls[0]->together; row++)
        ok = calls[row]->only_note || answer(&l->plans[calls[row]->op - ops], calls[row], r, row);
    return ok;
}

/* Told by what comes, not by PQstatus, which may stay good after a failed write: an error without a code, or nothing where
 * something was due. A database that has become a standby is as good as gone. */
static bool is_lost(const PGconn *pg, const PGresult *r, bool due)
{
    if (PQstatus(pg) == CONNECTION_BAD || (due && !r))
        return true;
    return r && PQresultStatus(r) == PGRES_FATAL_ERROR &&
           (!PQresultErrorField(r, PG_DIAG_SQLSTATE) || db_failure(r) == DB_ELSEWHERE);
}

static struct attempt receive(struct lane *l, struct call *calls[], int n)
{
    struct attempt a = {.at = DONE};
    bool due = true;
    for (int i = 0;;) {
        PGresult *r = next_result(l);
        ExecStatusType status = PQresultStatus(r);
        if (is_lost(l->pg, r, due) || status == PGRES_PIPELINE_SYNC) {
            PQclear(r);
            return status == PGRES_PIPELINE_SYNC && !fault(FAULT_committed) ? a : (struct attempt){.at = LOST};
        }
        due = !r;
        if (!r) { /* the end of one statement's results */
            i += i < n ? calls[i]->together : 1;
            continue;
        }
        bool ok = status == PGRES_TUPLES_OK && i < n && answer_all(l, calls + i, r);
        if (!ok && a.at == DONE) {
            int at = i >= n ? COMMIT_FAILED : calls[i]->together > 1 ? ONE_OF_MANY : i;
            a = (struct attempt){at, db_failure(r)};
            if (i >= n || !calls[i]->same)
                db_log_failure(i < n && calls[i]->op ? calls[i]->op->name : "commit", r);
        }
        PQclear(r);
    }
}

/* Who asks the same as somebody before them in this batch waits for that answer: all of it is worked out after all of them
 * have asked. The hash is of operation, reference and body. */
static struct call *find_same(const struct lane *l, struct call *calls[], int i)
{
    const struct call *c = calls[i];
    if (!l->read_only || c->only_note || !plan_is_alike(&l->plans[c->op - ops], c))
        return NULL;
    for (int j = 0; j < i; j++)
        if (!calls[j]->same && !calls[j]->only_note && !calls[j]->as_of && !memcmp(calls[j]->hash, c->hash, HASH_SIZE))
            return calls[j];
    return NULL;
}

/* How many calls from the first on can be one statement: of one operation, about some institution, none of them twice. */
static int count_together(const struct lane *l, struct call *calls[], int n)
{
    const struct call *c = calls[0];
    int many = 1;
    if (c->only_note || c->about.level < REF_INSTITUTION || !l->plans[c->op - ops].many_sql)
        return 1;
    for (; many < n; many++) {
        const struct call *d = calls[many];
        bool fits = d->op == c->op && !d->only_note && d->about.level >= REF_INSTITUTION;
        for (int i = 0; fits && i < many; i++)
            fits = d->key != calls[i]->key || memcmp(d->id, calls[i]->id, ID_SIZE) != 0;
        if (!fits)
            break;
    }
    return many;
}

static bool send_statement(struct lane *l, struct call *calls[], int i)
{
    struct call *c = calls[i];
    if (c->only_note)
        return send_note(l->pg, c);
    const struct plan *p = &l->plans[c->op - ops];
    c->same = find_same(l, calls, i);
    return c->together > 1 ? send_many(l->pg, p, calls + i, c->together) : send_call(l->pg, p, c);
}

/* One transaction. If it cannot be sent whole the connection is given up, and whoever waits for answers finds it lost. */
static void send_calls(struct lane *l, struct call *calls[], int n, bool together)
{
    bool sent = PQstatus(l->pg) == CONNECTION_OK && !fault(FAULT_batch_begun);
    for (int i = 0; sent && i < n; i += calls[i]->together) {
        calls[i]->together = together ? count_together(l, calls + i, n - i) : 1;
        sent = send_statement(l, calls, i);
    }
    sent = sent && !fault(FAULT_statements_sent) && PQpipelineSync(l->pg) && flush(l->pg);
    if (!sent || fault(FAULT_commit_sent)) {
        PQfinish(l->pg);
        l->pg = NULL;
    }
    l->batches++;
}

static struct attempt attempt(struct lane *l, struct call *calls[], int n)
{
    send_calls(l, calls, n, false);
    return receive(l, calls, n);
}

static void refuse_all(struct call *calls[], int n, Mejora__Outcome outcome, const char *error)
{
    for (int i = 0; i < n; i++)
        if (!call_is_refused(calls[i]))
            call_refuse(calls[i], outcome, error, NULL);
}

static bool settle_one(struct call *c, struct attempt a, int tries)
{
    bool passes = a.at == LOST || a.failure == DB_PASSES || a.failure == DB_WAITED;
    if (passes && tries < (a.failure == DB_WAITED ? 1 : MAX_TRIES))
        return false;
    if (passes)
        refuse_all(&c, 1, MEJORA__OUTCOME__OUTCOME_BUSY, "busy");
    else if (a.failure == DB_EXHAUSTED)
        refuse_all(&c, 1, MEJORA__OUTCOME__OUTCOME_UNAVAILABLE, "database_unavailable");
    else
        refuse_all(&c, 1, MEJORA__OUTCOME__OUTCOME_INTERNAL, "internal");
    return true;
}

/* Brings n calls to an answer after an attempt that failed, from now on with a statement each, so that it is seen whose fails. It was rolled back whole: those before the failed call run
 * again together, it runs alone, then the rest; so nobody pays for a neighbour's error. A lost connection leaves open
 * whether the batch was committed; running it again is safe, because what was committed answers from its request row. */
static void settle(struct lane *l, struct call *calls[], int n, struct attempt a)
{
    for (int tries = 1; n > 0 && a.at != DONE; tries++) {
        if (a.at == LOST) {
            l->losses++;
            if (!reconnect(l)) {
                refuse_all(calls, n, MEJORA__OUTCOME__OUTCOME_UNAVAILABLE, "database_unavailable");
                return;
            }
        }
        if (n == 1 && settle_one(calls[0], a, tries))
            return;
        if (n > 1 && a.at != ONE_OF_MANY && (a.at != LOST || tries > 1)) {
            int before = a.at >= 0 ? a.at : n / 2; /* who is to blame is not known: halve */
            l->splits++;
            if (before)
                settle(l, calls, before, attempt(l, calls, before));
            settle(l, calls + before, 1, attempt(l, calls + before, 1));
            calls += before + 1;
            n -= before + 1;
            tries = 0;
        }
        a = n > 0 ? attempt(l, calls, n) : (struct attempt){.at = DONE};
    }
}

/* Fills a batch from what was taken; what its asker no longer waits for goes back unworked. */
static void sort_out(struct lane *l, struct batch *b, const struct list *taken)
{
    struct list late;
    int64_t now = clock_ms();
    list_init(&b->list);
    list_init(&late);
    b->n = 0;
    for (struct call *c = taken->first, *next; c; c = next) {
        next = c->next;
        bool expired = c->expires && c->expires <= now && !c->only_note;
        if (expired)
            call_refuse(c, MEJORA__OUTCOME__OUTCOME_BUSY, "expired", NULL);
        else
            b->calls[b->n++] = c;
        list_add(expired ? &late : &b->list, c);
    }
    l->expired += (unsigned long)late.n;
    hand_back(l, &late);
}

/* Until there is something to work on, or the mailbox has promised to wake us: who stops between the two sleeps for good. */
static bool take(struct lane *l, struct batch *b, int want)
{
    struct list taken;
    do {
        if (!mailbox_take(&l->in, want, l->batch, &taken))
            return false;
        sort_out(l, b, &taken);
    } while (!b->n);
    return true;
}

/* The next batch leaves when it is worth a commit of its own: as large as the one that runs. Or when that one is done. */
static int worth(const struct lane *l)
{
    return l->gathers ? MAX_BATCH : l->running->n;
}

/* So much time lies between the beginnings of two batches, and what comes meanwhile shares one commit. */
static void gather(const struct lane *l)
{
    int64_t left = l->began + GATHER_MS - clock_ms();
    if (l->gathers && left > 0)
        clock_pause_ms((long)left);
}

static void send_next(struct lane *l)
{
    mailbox_wait(&l->in);
    if (take(l, l->next, worth(l)))
        send_calls(l, l->next->calls, l->next->n, true);
}

static void give(struct lane *l, struct batch *b)
{
    b->n = 0;
    hand_back(l, &b->list);
}

/* One batch runs and one may be behind it. If the running one fails, the other is heard out before anything runs again. */
static void finish(struct lane *l)
{
    struct batch *first = l->running, *second = l->next;
    struct attempt a = receive(l, first->calls, first->n), b = {.at = DONE};
    if (a.at != DONE) {
        l->next = NULL;
        b = second->n ? receive(l, second->calls, second->n) : b;
        settle(l, first->calls, first->n, a);
        settle(l, second->calls, second->n, b);
        l->next = second;
        give(l, first);
        give(l, second);
        return;
    }
    give(l, first);
    l->running = second;
    l->next = first;
}

static void *run(void *arg)
{
    struct lane *l = arg;
    for (;;) {
        while (!l->running->n) {
            gather(l);
            if (PQstatus(l->pg) != CONNECTION_OK && !reconnect(l)) {
                turn_away(l);
                if (l->closing)
                    return NULL;
            } else if (take(l, l->running, 1)) {
                l->began = clock_ms();
                send_calls(l, l->running->calls, l->running->n, true);
            } else if (!mailbox_wait(&l->in)) {
                return NULL;
            }
        }
        if (!l->next->n && take(l, l->next, worth(l)))
            send_calls(l, l->next->calls, l->next->n, true);
        finish(l);
    }
}

int lane_start(struct lane *l)
{
    l->running = calloc(1, sizeof *l->running);
    l->next = calloc(1, sizeof *l->next);
    if (l->batch > MAX_BATCH)
        l->batch = MAX_BATCH;
    if (l->running && l->next && mailbox_init(&l->in) == 0 && reconnect(l) && !pthread_create(&l->thread, NULL, run, l))
        return 0;
    log_line(LOG_ERROR, "lane: cannot start");
    PQfinish(l->pg);
    free(l->running);
    free(l->next);
    return -1;
}

void lane_stop(struct lane *l)
{
    l->closing = true;
    mailbox_close(&l->in);
    pthread_join(l->thread, NULL);
    PQfinish(l->pg);
    free(l->running);
    free(l->next);
    log_line(LOG_INFO, "lane: kind=%s calls=%lu batches=%lu splits=%lu losses=%lu expired=%lu",
             l->read_only ? "read" : "write", l->calls, l->batches, l->splits, l->losses, l->expired);
}
