#include "server/front.h"

#include "common/clock.h"
#include "common/fault.h"
#include "common/json.h"
#include "common/log.h"
#include "server/check.h"

#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93 /* hidden behind the draft API in Debian's header, but it works, and is needed */
#endif

enum { PEER, HEAD, BODY, FRAMES };
enum { PROTOCOL = 1, BUDGET = 4 << 20, MAX_BODY = 1 << 20, MAX_FRAME = 2 << 20, MAX_HEAD = 4096 };
enum { BURST = 256, MAX_LANES = 16, DRAIN_MS = 10000, LAST_CALL_MS = 500, QUIET_MS = 20 };
enum { KEY_IN_FLIGHT = 256, KEY_REFUSALS = 20 }; /* a key's share of the pool; of its refusals, noted per second */
enum { SEND_QUEUE = 2 * KEY_IN_FLIGHT }; /* room for the answers to a whole share and to what was refused beyond it */

#define REFUSE(c, outcome, error, arg) (call_refuse(c, MEJORA__OUTCOME__OUTCOME_##outcome, error, arg), false)

static int set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static int pool_make(struct front *f)
{
    for (int i = 0; i <= f->n_calls; i++) {
        struct call *c = calloc(1, sizeof *c);
        if (!c)
            return -1;
        arena_init(&c->arena, BUDGET);
        c->next = f->calls;
        f->calls = c;
    }
    f->spare = f->calls;
    f->calls = f->spare->next;
    return 0;
}

static int watch_handshakes(struct front *f, void *zmq_context)
{
    int events = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    f->monitor = zmq_socket(zmq_context, ZMQ_PAIR);
    return zmq_socket_monitor(f->router, "inproc://handshakes", events) || !f->monitor ||
           zmq_connect(f->monitor, "inproc://handshakes");
}

/* A peer whose machine or line is gone is dropped after a minute. By TCP: with libzmq's own heartbeats each PONG searches
 * every connection's timers one by one, and beside some thousand idle clients the I/O thread does nothing else. */
static bool notice_the_dead(void *socket)
{
    return !set(socket, ZMQ_TCP_KEEPALIVE, 1) && !set(socket, ZMQ_TCP_KEEPALIVE_IDLE, 30) &&
           !set(socket, ZMQ_TCP_KEEPALIVE_INTVL, 10) && !set(socket, ZMQ_TCP_KEEPALIVE_CNT, 3) &&
           !set(socket, ZMQ_TCP_MAXRT, 60000);
}

int front_open(struct front *f, void *zmq_context, const char *endpoint, const char *secret_key)
{
    size_t size = sizeof f->endpoint;
    f->router = zmq_socket(zmq_context, ZMQ_ROUTER);
    bool ok = !pool_make(f) && f->router && !mailbox_init(&f->done) && !set(f->router, ZMQ_CURVE_SERVER, 1) &&
              !zmq_setsockopt(f->router, ZMQ_CURVE_SECRETKEY, secret_key, 40) &&
              !zmq_setsockopt(f->router, ZMQ_ZAP_DOMAIN, "mejora", 6) && !set(f->router, ZMQ_ZAP_ENFORCE_DOMAIN, 1) &&
              !set(f->router, ZMQ_ROUTER_MANDATORY, 1) && !set(f->router, ZMQ_LINGER, 1000) &&
              !set(f->router, ZMQ_SNDHWM, SEND_QUEUE) && !set(f->router, ZMQ_RCVHWM, 64) &&
              !set(f->router, ZMQ_BACKLOG, 1024) && !set(f->router, ZMQ_HANDSHAKE_IVL, 5000) &&
              notice_the_dead(f->router) && !set(f->router, ZMQ_IPV6, strchr(endpoint, '[') != NULL) &&
              !zmq_setsockopt(f->router, ZMQ_MAXMSGSIZE, &(int64_t){MAX_FRAME}, sizeof(int64_t)) &&
              !watch_handshakes(f, zmq_context) && !zmq_bind(f->router, endpoint) &&
              !zmq_getsockopt(f->router, ZMQ_LAST_ENDPOINT, f->endpoint, &size);
    if (!ok)
        log_line(LOG_ERROR, "front: cannot listen at %s: %s", endpoint, zmq_strerror(zmq_errno()));
    return ok ? 0 : -1;
}

/* Takes one message off the socket, whole, so a malformed one cannot shift the next. Returns its number of frames. */
static int take(void *router, zmq_msg_t frames[FRAMES])
{
    int n = 0, more = 1;
    for (int i = 0; i < FRAMES; i++)
        zmq_msg_init(&frames[i]);
    while (more) {
        zmq_msg_t *frame = &frames[n < FRAMES ? n : FRAMES - 1];
        if (zmq_msg_recv(frame, router, ZMQ_DONTWAIT) < 0)
            return 0;
        more = zmq_msg_more(frame);
        n++;
    }
    return n;
}

static void hash_request(struct call *c, const char *ref, zmq_msg_t *body)
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, HASH_SIZE);
    crypto_generichash_update(&h, (const unsigned char *)c->op->name, strlen(c->op->name) + 1);
    crypto_generichash_update(&h, (const unsigned char *)ref, strlen(ref) + 1);
    crypto_generichash_update(&h, zmq_msg_data(body), zmq_msg_size(body));
    crypto_generichash_final(&h, c->hash, HASH_SIZE);
}

static struct share *share_of(struct front *f, const struct call *c)
{
    return &f->shares[(uint64_t)c->key % KEY_SLOTS];
}

/* The key's number comes from ZAP with every frame; without one nobody vouches for the peer. */
static int64_t key_of(zmq_msg_t *frame)
{
    const char *user = zmq_msg_gets(frame, "User-Id");
    return user ? strtoll(user, NULL, 10) : 0;
}

static bool admit_head(struct call *c, int n, zmq_msg_t frames[], Mejora__RequestHead **ret)
{
    c->key = n ? key_of(&frames[n > HEAD ? HEAD : PEER]) : 0;
    bool whole = n == FRAMES && zmq_msg_size(&frames[HEAD]) <= MAX_HEAD;
    *ret = whole ? mejora__request_head__unpack(&c->arena.protobuf, zmq_msg_size(&frames[HEAD]),
                                                zmq_msg_data(&frames[HEAD]))
                 : NULL;
    Mejora__RequestHead *head = *ret;
    if (!head || !head->has_request_id || head->request_id.len != ID_SIZE || !head->op)
        return REFUSE(c, INVALID, "malformed", "head");
    memcpy(c->id, head->request_id.data, ID_SIZE);
    c->expires = head->has_patience_ms ? clock_ms() + head->patience_ms : 0;
    return true;
}

static bool admit_size(struct front *f, struct call *c, size_t body)
{
    if (c == f->spare)
        return REFUSE(c, BUSY, "busy", NULL);
    if (share_of(f, c)->in_flight >= KEY_IN_FLIGHT)
        return REFUSE(c, BUSY, "too_many_requests", NULL);
    if (body > MAX_BODY)
        return REFUSE(c, TOO_LARGE, "too_large", NULL);
    return true;
}

static bool admit_reference(struct call *c, const char *ref)
{
    static const char *const levels[REF_LEVELS] = {"nothing", "institution", "plan", "action", "task"};
    char accepted[64] = "";
    if (!ref_parse(ref, &c->about))
        return REFUSE(c, INVALID, "ref_malformed", ref);
    if (c->op->about & 1u << c->about.level)
        return true;
    for (int i = 0; i < REF_LEVELS; i++)
        if (c->op->about & 1u << i)
            snprintf(accepted + strlen(accepted), sizeof accepted - strlen(accepted), "%s%s", *accepted ? ", " : "",
                     levels[i]);
    return REFUSE(c, INVALID, "ref_level", accepted);
}

/* What day or instant it says is judged where time zones are known. */
static bool admit_instant(struct call *c, const char *as_of)
{
    enum { LONGEST = 40 };
    c->as_of = as_of;
    if (!as_of)
        return true;
    if (c->op->kind != READ)
        return REFUSE(c, INVALID, c->op->kind == WRITE ? "as_of_write" : "as_of_now", c->op->name);
    size_t size = strlen(as_of);
    return (size <= LONGEST && strspn(as_of, "0123456789-:+.TZ ") == size) ||
           REFUSE(c, INVALID, "field_invalid", "as_of");
}

/* The road up to the lane: known, decoded, checked. False: refused, and why is in the call. */
static bool admit(struct front *f, struct call *c, int n, zmq_msg_t frames[])
{
    Mejora__RequestHead *head;
    const char *field, *error;
    char protocol[12];
    if (!admit_head(c, n, frames, &head) || !admit_size(f, c, zmq_msg_size(&frames[BODY])))
        return false;
    snprintf(protocol, sizeof protocol, "%d", PROTOCOL);
    if (head->protocol != PROTOCOL)
        return REFUSE(c, UNSUPPORTED, "protocol_unsupported", protocol);
    c->op = op_find(head->op);
    if (!c->op)
        return REFUSE(c, UNSUPPORTED, "op_unknown", head->op);
    const char *ref = head->ref ? head->ref : "";
    if (!admit_reference(c, ref) || !admit_instant(c, head->as_of))
        return false;

    zmq_msg_t *body = &frames[BODY];
    c->request = protobuf_c_message_unpack(c->op->request, &c->arena.protobuf, zmq_msg_size(body), zmq_msg_data(body));
    if (!c->request && c->arena.spent > BUDGET / 2) /* it wanted to become something large */
        return REFUSE(c, TOO_LARGE, "too_large", NULL);
    if (!c->request)
        return REFUSE(c, INVALID, "malformed", "body");
    error = request_check(&f->plans[c->op - ops], c, zmq_msg_size(body), &field);
    if (error)
        return REFUSE(c, INVALID, error, field);
    hash_request(c, ref, body);
    return true;
}

static size_t pack_head(const struct call *c, uint8_t **ret)
{
    Mejora__ReplyHead head = MEJORA__REPLY_HEAD__INIT;
    head.has_request_id = head.has_outcome = 1;
    head.request_id = (ProtobufCBinaryData){ID_SIZE, (uint8_t *)(uintptr_t)c->id};
    head.outcome = c->outcome;
    head.error = (char *)(uintptr_t)c->error;
    head.n_error_args = c->n_args;
    head.error_args = c->args;
    *ret = malloc(mejora__reply_head__get_packed_size(&head));
    return *ret ? mejora__reply_head__pack(&head, *ret) : 0;
}

static void give_back(struct front *f, struct call *c)
{
    zmq_msg_close(&c->peer);
    zmq_msg_close(&c->body);
    arena_reset(&c->arena);
    if (c == f->spare)
        return;
    c->next = f->calls;
    f->calls = c;
    f->busy--;
}

/* Answers and takes the call back. A peer that is gone or does not read loses its answer, never our time: it may ask
 * again with the same id. */
static void reply(struct front *f, struct call *c)
{
    uint8_t *head;
    size_t size = pack_head(c, &head);
    bool sent = size && !fault(FAULT_settled) && zmq_msg_send(&c->peer, f->router, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
                zmq_send(f->router, head, size, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
                zmq_msg_send(&c->body, f->router, ZMQ_DONTWAIT) >= 0;
    free(head);
    f->unsent += !sent || fault(FAULT_replied);
    if (c->outcome != MEJORA__OUTCOME__OUTCOME_OK && log_wants(LOG_INFO))
        log_line(LOG_INFO, "request: op=%s key=%" PRId64 " outcome=%s error=%s", c->op ? c->op->name : "?", c->key,
                 protobuf_c_enum_descriptor_get_value(&mejora__outcome__descriptor, (int)c->outcome)->name + 8,
                 c->error ? c->error : "-");
    give_back(f, c);
}

/* Refusals are in the audit trail, but a key that only ever errs must not fill it: so many a second. */
static bool is_noted(struct front *f, struct call *c)
{
    struct share *s = share_of(f, c);
    int64_t second = clock_ms() / 1000;
    bool passing = c->outcome == MEJORA__OUTCOME__OUTCOME_BUSY;
    if (s->second != second)
        *s = (struct share){.in_flight = s->in_flight, .second = second};
    if (c == f->spare || passing || !c->key || s->refusals >= KEY_REFUSALS) {
        f->suppressed += !passing;
        return false;
    }
    s->refusals++;
    return true;
}

struct outgoing {
    struct list writes[MAX_LANES + WORKERS_LANES], reads[MAX_LANES], prepares;
};

/* Requests on one plan keep one lane, and so their order. Workers' are not in anybody's way: a lease of mails takes as long as a
 * hundred reports, and goes with what else is about no institution in particular; reports take their time to share a commit. */
static struct list *lane_for(struct front *f, const struct call *c, struct outgoing *out)
{
    if (c->only_note)
        return &out->writes[0];
    if (prepare_wanted(c->op))
        return &out->prepares;
    if (c->op->kind != WRITE)
        return &out->reads[f->next_reader++ % (unsigned)f->n_readers];
    if (c->op == &ops[OP_reminder_report])
        return &out->writes[f->n_writers + REPORTS];
    if (c->about.level == REF_NOTHING)
        return &out->writes[f->n_writers + LEASES];
    unsigned n = (unsigned)c->about.plan;
    for (const char *s = c->about.institution; *s; s++)
        n = n * 31 + (unsigned char)*s;
    return &out->writes[n % (unsigned)f->n_writers];
}

static struct call *next_call(struct front *f, zmq_msg_t *peer)
{
    struct call *c = f->calls ? f->calls : f->spare;
    if (c != f->spare) {
        f->calls = c->next;
        f->busy++;
    }
    *c = (struct call){.arena = c->arena};
    c->arena.protobuf.allocator_data = &c->arena;
    zmq_msg_init(&c->peer);
    zmq_msg_init(&c->body);
    zmq_msg_move(&c->peer, peer);
    return c;
}

static bool receive(struct front *f, struct outgoing *out)
{
    zmq_msg_t frames[FRAMES];
    int n = take(f->router, frames);
    if (!n)
        return false;
    struct call *c = next_call(f, &frames[PEER]);
    f->received++;
    bool lost = fault(FAULT_received);
    c->only_note = !admit(f, c, n, frames);
    lost = lost || fault(FAULT_admitted);
    for (int i = HEAD; i < FRAMES; i++)
        zmq_msg_close(&frames[i]);
    f->refused += c->only_note;
    if (lost) {
        give_back(f, c);
    } else if (c->only_note && !is_noted(f, c)) {
        reply(f, c);
    } else {
        share_of(f, c)->in_flight++;
        list_add(lane_for(f, c, out), c);
    }
    return true;
}

static void hand_out(struct front *f, struct outgoing *out)
{
    for (int i = 0; i < f->n_writers + WORKERS_LANES; i++)
        mailbox_put(&f->writers[i].in, &out->writes[i]);
    for (int i = 0; i < f->n_readers; i++)
        mailbox_put(&f->readers[i].in, &out->reads[i]);
    mailbox_put(&f->preparer->in, &out->prepares);
}

/* What was asked of the audit trail, as JSON. A further page belongs to a question that was noted with the first. False: it
 * cannot be noted, so it is not answered. */
static bool keep_question(struct call *c)
{
    json_t *request = json_from_message(c->request);
    bool further = json_object_get(request, "cursor");
    char *text = further ? NULL : json_dumps(request, JSON_COMPACT);
    size_t size = text ? strlen(text) + 1 : 0;
    char *copy = size ? arena_alloc(&c->arena, size) : NULL;
    c->asked = copy ? memcpy(copy, text, size) : NULL;
    free(text);
    json_decref(request);
    return further || copy;
}

/* A write's refusal is noted by its own statement; a lane that only reads cannot, so what it refused, or answered about the
 * audit trail, goes by one that writes. */
static bool is_to_note(struct front *f, struct call *c)
{
    if (c->only_note || c->op->kind == WRITE)
        return false;
    bool answered = c->op->kind == NOTED && c->outcome == MEJORA__OUTCOME__OUTCOME_OK;
    if (answered && !keep_question(c))
        return REFUSE(c, INTERNAL, "internal", NULL);
    c->only_note = answered ? c->asked != NULL : c->outcome == MEJORA__OUTCOME__OUTCOME_DENIED && is_noted(f, c);
    return c->only_note;
}

static bool answer_done(struct front *f)
{
    struct list done, notes;
    if (!mailbox_take(&f->done, 1, INT_MAX, &done))
        return false;
    list_init(&notes);
    for (struct call *c = done.first, *next; c; c = next) {
        next = c->next;
        if (is_to_note(f, c)) {
            list_add(&notes, c);
            continue;
        }
        share_of(f, c)->in_flight--;
        reply(f, c);
    }
    mailbox_put(&f->writers[0].in, &notes);
    return true;
}

/* Everything that waits on the socket, then everything the lanes have settled. False when there was neither. */
static bool step(struct front *f, bool accepting)
{
    struct outgoing out;
    int n = 0;
    for (int i = 0; i < f->n_writers + WORKERS_LANES; i++)
        list_init(&out.writes[i]);
    for (int i = 0; i < f->n_readers; i++)
        list_init(&out.reads[i]);
    list_init(&out.prepares);
    while (accepting && n < BURST && receive(f, &out))
        n++;
    hand_out(f, &out);
    return answer_done(f) || n > 0;
}

static void log_handshake(void *monitor)
{
    zmq_msg_t event;
    uint16_t number = 0;
    zmq_msg_init(&event);
    if (zmq_msg_recv(&event, monitor, ZMQ_DONTWAIT) >= 2)
        memcpy(&number, zmq_msg_data(&event), sizeof number);
    zmq_msg_recv(&event, monitor, ZMQ_DONTWAIT);
    log_line(LOG_WARNING, "front: a handshake failed event=0x%x", number);
    zmq_msg_close(&event);
}

/* What had left its sender when we were told to stop is still ours: it comes before the first quiet moment. */
static void drain(struct front *f)
{
    int64_t now = clock_ms(), last_call = now + LAST_CALL_MS, until = now + DRAIN_MS;
    zmq_pollitem_t lanes = {NULL, f->done.wake, ZMQ_POLLIN, 0}, router = {f->router, 0, ZMQ_POLLIN, 0};
    log_line(LOG_INFO, "front: stopping, %d under way", f->busy);
    while (clock_ms() < last_call && (step(f, true) || zmq_poll(&router, 1, QUIET_MS) > 0))
        ;
    while (f->busy > 0 && clock_ms() < until)
        if (!step(f, false) && zmq_poll(&lanes, 1, 100) > 0)
            mailbox_wait(&f->done);
}

bool front_run(struct front *f, int stop_fd, int lost_fd)
{
    enum { ROUTER, LANES, HANDSHAKES, STOP, LOST };
    zmq_pollitem_t on[] = {{f->router, 0, ZMQ_POLLIN, 0},
                           {NULL, f->done.wake, ZMQ_POLLIN, 0},
                           {f->monitor, 0, ZMQ_POLLIN, 0},
                           {NULL, stop_fd, ZMQ_POLLIN, 0},
                           {NULL, lost_fd, ZMQ_POLLIN, 0}};
    while (!on[STOP].revents && !on[LOST].revents) {
        if (step(f, true))
            continue;
        zmq_poll(on, lost_fd < 0 ? LOST : LOST + 1, -1);
        if (on[LANES].revents)
            mailbox_wait(&f->done);
        if (on[HANDSHAKES].revents)
            log_handshake(f->monitor);
    }
    drain(f);
    return on[STOP].revents;
}

void front_close(struct front *f)
{
    if (f->router) {
        zmq_socket_monitor(f->router, NULL, 0);
        zmq_close(f->monitor);
        zmq_close(f->router);
    }
    log_line(LOG_INFO, "front: received=%lu refused=%lu suppressed=%lu unsent=%lu", f->received, f->refused,
             f->suppressed, f->unsent);
    if (f->spare)
        f->spare->next = f->calls;
    for (struct call *c = f->spare, *next; c; c = next) {
        next = c->next;
        arena_free(&c->arena);
        free(c);
    }
}
