#include "client/lib/call.h"

#include "common/clock.h"
#include "common/fault.h"
#include "server.pb-c.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { PAUSE_MIN_MS = 100, PAUSE_MAX_MS = 2000, PATIENCE_MIN_MS = 500, AUTH_UNKNOWN_KEY = 400 };
static const int64_t MAX_MESSAGE = 16 << 20;

struct client {
    const struct profile *profile;
    void *context, *socket, *monitor;
    size_t endpoint; /* which one is tried */
    int timeout_ms;
    const char *as_of;
    bool met;
    const atomic_int *stop;
};

/* How one attempt ended. */
enum turn { TURN_ANSWERED, TURN_NOBODY, TURN_NOT_MEJORA, TURN_SILENCE, TURN_KEY_UNKNOWN, TURN_STOPPED, TURN_FAILED };

struct client *client_new(const struct profile *profile)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c || sodium_init() < 0 || !(c->context = zmq_ctx_new())) {
        free(c);
        return NULL;
    }
    c->profile = profile;
    c->timeout_ms = CALL_TIMEOUT_MS;
    return c;
}

static void hang_up(struct client *c)
{
    if (c->socket) /* first: libzmq's thread would wait for ever to tell a monitor that is gone of the next event */
        zmq_socket_monitor(c->socket, NULL, 0);
    if (c->monitor)
        zmq_close(c->monitor);
    if (c->socket)
        zmq_close(c->socket);
    c->monitor = c->socket = NULL;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    hang_up(c);
    zmq_ctx_term(c->context);
    free(c);
}

void client_timeout(struct client *c, int ms)
{
    c->timeout_ms = ms;
}

void client_as_of(struct client *c, const char *as_of)
{
    c->as_of = as_of;
}

bool client_met(const struct client *c)
{
    return c->met;
}

void client_stop(struct client *c, const atomic_int *stop)
{
    c->stop = stop;
}

const char *client_endpoint(const struct client *c)
{
    return c->profile->endpoints[c->endpoint];
}

void answer_free(struct answer *a)
{
    if (a->head)
        mejora__reply_head__free_unpacked(a->head, NULL);
    if (a->reply)
        protobuf_c_message_free_unpacked(a->reply, NULL);
    a->head = NULL;
    a->reply = NULL;
}

static bool set(void *socket, int option, int value)
{
    return !zmq_setsockopt(socket, option, &value, sizeof value);
}

/* A socket that queues nothing: it can be written to only once the server has accepted our key. */
static bool dial(struct client *c)
{
    static unsigned serial; /* monitors need names of their own within a context */
    char watch[40];
    const struct profile *p = c->profile;
    c->socket = zmq_socket(c->context, ZMQ_DEALER);
    c->monitor = zmq_socket(c->context, ZMQ_PAIR);
    snprintf(watch, sizeof watch, "inproc://watch-%u", __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
    bool ok = c->socket && c->monitor && set(c->socket, ZMQ_LINGER, 0) && set(c->monitor, ZMQ_LINGER, 0) &&
              set(c->socket, ZMQ_IMMEDIATE, 1) && set(c->socket, ZMQ_HEARTBEAT_IVL, 10000) &&
              set(c->socket, ZMQ_HANDSHAKE_IVL, 5000) && set(c->socket, ZMQ_IPV6, 1) &&
              !zmq_setsockopt(c->socket, ZMQ_MAXMSGSIZE, &MAX_MESSAGE, sizeof MAX_MESSAGE) &&
              !zmq_setsockopt(c->socket, ZMQ_CURVE_SERVERKEY, p->server_key, PROFILE_KEY) &&
              !zmq_setsockopt(c->socket, ZMQ_CURVE_PUBLICKEY, p->public_key, PROFILE_KEY) &&
              !zmq_setsockopt(c->socket, ZMQ_CURVE_SECRETKEY, p->secret_key, PROFILE_KEY) &&
              !zmq_socket_monitor(c->socket, watch, ZMQ_EVENT_ALL) && !zmq_connect(c->monitor, watch) &&
              !zmq_connect(c->socket, p->endpoints[c->endpoint]);
    if (!ok)
        hang_up(c);
    return ok;
}

static bool take_frame(void *socket, zmq_msg_t *frame)
{
    return zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) >= 0;
}

/* What libzmq noticed on the line: two frames, event and value, then the address. */
static bool take_event(void *monitor, uint16_t *event, uint32_t *value)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool ok = take_frame(monitor, &frame) && zmq_msg_size(&frame) == 6;
    if (ok) {
        memcpy(event, zmq_msg_data(&frame), 2);
        memcpy(value, (char *)zmq_msg_data(&frame) + 2, 4);
        while (zmq_msg_more(&frame) && take_frame(monitor, &frame))
            ;
    }
    zmq_msg_close(&frame);
    return ok;
}

/* TURN_ANSWERED: nothing that ends the attempt. */
static enum turn judge(uint16_t event, uint32_t value)
{
    switch (event) {
    case ZMQ_EVENT_CLOSED:
    case ZMQ_EVENT_CONNECT_RETRIED: /* or the name has no address */ return TURN_NOBODY;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return value == AUTH_UNKNOWN_KEY ? TURN_KEY_UNKNOWN : TURN_NOT_MEJORA;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return TURN_NOT_MEJORA;
    case ZMQ_EVENT_DISCONNECTED: return TURN_SILENCE;
    default: return TURN_ANSWERED;
    }
}

static enum turn watch(struct client *c)
{
    uint16_t event;
    uint32_t value;
    while (take_event(c->monitor, &event, &value)) {
        enum turn turn = judge(event, value);
        if (turn != TURN_ANSWERED)
            return turn;
    }
    return TURN_ANSWERED;
}

static void watch_forget(struct client *c)
{
    uint16_t event;
    uint32_t value;
    while (take_event(c->monitor, &event, &value))
        ;
}

/* Waits until the socket is ready for `events`; what goes wrong on the line ends it. TURN_ANSWERED: ready. */
static enum turn await(struct client *c, short events, int64_t until)
{
    for (;;) {
        int64_t left = until - clock_ms();
        zmq_pollitem_t items[] = {{.socket = c->socket, .events = events},
                                  {.socket = c->monitor, .events = ZMQ_POLLIN}};
        if (c->stop && *c->stop)
            return TURN_STOPPED;
        if (left <= 0)
            return TURN_SILENCE;
        if (zmq_poll(items, 2, (long)left) < 0 && errno != EINTR)
            return TURN_FAILED;
        if (items[0].revents & events) /* before the events: an answer may have come just before the line broke */
            return TURN_ANSWERED;
        enum turn turn = items[1].revents ? watch(c) : TURN_ANSWERED;
        if (turn != TURN_ANSWERED)
            return turn;
    }
}

static bool send_message(void *socket, const ProtobufCMessage *m, int flags)
{
    zmq_msg_t frame;
    if (zmq_msg_init_size(&frame, protobuf_c_message_get_packed_size(m)) < 0)
        return false;
    protobuf_c_message_pack(m, zmq_msg_data(&frame));
    if (zmq_msg_send(&frame, socket, ZMQ_DONTWAIT | flags) >= 0)
        return true;
    zmq_msg_close(&frame);
    return false;
}

struct question {
    const struct op *op;
    const ProtobufCMessage *request;
    Mejora__RequestHead head;
    int64_t deadline;
};

static bool put(struct client *c, struct question *q)
{
    int64_t left = q->deadline - clock_ms();
    q->head.patience_ms = (uint32_t)(left > 0 ? left : 0);
    q->head.has_patience_ms = 1;
    return send_message(c->socket, &q->head.base, ZMQ_SNDMORE) && send_message(c->socket, q->request, 0);
}

/* Takes one message off the socket, whole. True: it is the answer to this question. */
static bool take(struct client *c, const struct question *q, struct answer *ret)
{
    zmq_msg_t head, body;
    zmq_msg_init(&head);
    zmq_msg_init(&body);
    int frames = 0;
    for (bool more = true; more; frames++) {
        zmq_msg_t *frame = frames ? &body : &head;
        if (!take_frame(c->socket, frame))
            break;
        more = zmq_msg_more(frame);
    }
    answer_free(ret);
    if (frames == 2) {
        ret->head = mejora__reply_head__unpack(NULL, zmq_msg_size(&head), zmq_msg_data(&head));
        ret->reply = protobuf_c_message_unpack(q->op->reply, NULL, zmq_msg_size(&body), zmq_msg_data(&body));
    }
    zmq_msg_close(&head);
    zmq_msg_close(&body);
    bool mine = ret->head && ret->reply && ret->head->request_id.len == CALL_ID &&
                !memcmp(ret->head->request_id.data, ret->id, CALL_ID) && !fault(FAULT_heard);
    if (!mine)
        answer_free(ret);
    return mine;
}

/* Asks once: on the connection there is, or on a new one to the next endpoint. */
static enum turn attempt(struct client *c, struct question *q, struct answer *ret)
{
    int64_t left = q->deadline - clock_ms();
    int64_t until = clock_ms() + (left / 2 > PATIENCE_MIN_MS ? left / 2 : left); /* leave time to ask elsewhere */
    if (c->socket)
        watch_forget(c); /* what happened to the line since the last call */
    else if (!dial(c))
        return TURN_FAILED;
    enum turn turn = await(c, ZMQ_POLLOUT, until);
    if (turn != TURN_ANSWERED)
        return turn == TURN_SILENCE ? TURN_NOBODY : turn;
    if (!put(c, q))
        return TURN_SILENCE;
    ret->sent = true;
    fault(FAULT_asked);
    do
        turn = await(c, ZMQ_POLLIN, until);
    while (turn == TURN_ANSWERED && !take(c, q, ret));
    return turn;
}

static bool is_temporary(const struct answer *a)
{
    return a->head && (a->head->outcome == MEJORA__OUTCOME__OUTCOME_BUSY ||
                       a->head->outcome == MEJORA__OUTCOME__OUTCOME_UNAVAILABLE);
}

/* Half the pause and a random part of the other half, so that many clients do not come back at once. */
static bool rest(struct client *c, int *pause, int64_t deadline)
{
    int ms = *pause / 2 + (int)randombytes_uniform((uint32_t)*pause / 2 + 1);
    *pause = *pause * 2 < PAUSE_MAX_MS ? *pause * 2 : PAUSE_MAX_MS;
    if (clock_ms() + ms >= deadline)
        return false;
    poll(NULL, 0, ms); /* a signal may shorten it */
    return !(c->stop && *c->stop);
}

static enum call_end end_of(enum turn turn, const struct op *op, const struct answer *a, bool maybe_done)
{
    if (turn == TURN_ANSWERED && !(maybe_done && is_temporary(a)))
        return CALL_ANSWERED;
    if (turn == TURN_STOPPED)
        return CALL_STOPPED;
    if (op->kind == WRITE && maybe_done)
        return CALL_UNKNOWN;
    static const enum call_end ends[] = {
        [TURN_ANSWERED] = CALL_ANSWERED,   [TURN_NOBODY] = CALL_UNREACHABLE,      [TURN_NOT_MEJORA] = CALL_NOT_MEJORA,
        [TURN_SILENCE] = CALL_UNREACHABLE, [TURN_KEY_UNKNOWN] = CALL_KEY_UNKNOWN, [TURN_STOPPED] = CALL_STOPPED,
        [TURN_FAILED] = CALL_FAILED,
    };
    return ends[turn];
}

static enum turn insist(struct client *c, struct question *q, struct answer *ret, bool *maybe_done)
{
    int pause = PAUSE_MIN_MS;
    for (;;) {
        bool sent_before = ret->sent;
        ret->sent = false;
        enum turn turn = attempt(c, q, ret);
        bool silent = ret->sent && turn != TURN_ANSWERED;
        ret->sent |= sent_before;
        /* an unavailable database may have taken the write all the same */
        *maybe_done |= silent || (turn == TURN_ANSWERED && ret->head->outcome == MEJORA__OUTCOME__OUTCOME_UNAVAILABLE);
        bool again = turn == TURN_ANSWERED ? is_temporary(ret)
                                           : turn == TURN_NOBODY || turn == TURN_SILENCE || turn == TURN_NOT_MEJORA;
        if (turn != TURN_ANSWERED) {
            hang_up(c);
            c->endpoint = (c->endpoint + 1) % c->profile->n_endpoints;
        }
        if (!again)
            return turn;
        /* who was answered knows where he stands: not to be given up for a turn that is too short to be answered */
        if (!rest(c, &pause, q->deadline - (turn == TURN_ANSWERED ? PATIENCE_MIN_MS : 0)))
            return c->stop && *c->stop ? TURN_STOPPED : turn;
    }
}

bool client_call(struct client *c, const struct op *op, const char *ref, const ProtobufCMessage *request,
                 const uint8_t *id, struct answer *ret)
{
    *ret = (struct answer){0};
    if (id)
        memcpy(ret->id, id, CALL_ID);
    else
        randombytes_buf(ret->id, CALL_ID);

    /* no fields: an empty body, which any message without fields packs to */
    static const Mejora__WhoamiRequest empty = MEJORA__WHOAMI_REQUEST__INIT;
    struct question q = {op, request ? request : &empty.base, MEJORA__REQUEST_HEAD__INIT, clock_ms() + c->timeout_ms};
    q.head.has_protocol = q.head.has_request_id = 1;
    q.head.protocol = CALL_PROTOCOL;
    q.head.request_id = (ProtobufCBinaryData){CALL_ID, ret->id};
    q.head.op = (char *)(uintptr_t)op->name;
    q.head.ref = (char *)(uintptr_t)ref;
    q.head.as_of = op->kind == READ ? (char *)(uintptr_t)c->as_of : NULL;

    if (protobuf_c_message_get_packed_size(q.request) > CALL_BODY_MAX) {
        ret->end = CALL_TOO_LARGE;
        return false;
    }
    bool maybe_done = false;
    enum turn turn = insist(c, &q, ret, &maybe_done);
    ret->end = end_of(turn, op, ret, maybe_done);
    c->met |= ret->end == CALL_ANSWERED;
    if (ret->end != CALL_ANSWERED)
        answer_free(ret);
    return ret->head && ret->head->outcome == MEJORA__OUTCOME__OUTCOME_OK;
}
