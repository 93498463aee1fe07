#include "tests/support/lib/peer.h"

#include "action.pb-c.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_PEERS = 64 };

static void *context, *open_peers[MAX_PEERS];

static void *socket_open(int type)
{
    int zero = 0, at = 0;
    if (!context)
        context = zmq_ctx_new();
    while (at < MAX_PEERS && open_peers[at])
        at++;
    assert_true(at < MAX_PEERS);
    open_peers[at] = zmq_socket(context, type);
    assert_non_null(open_peers[at]);
    zmq_setsockopt(open_peers[at], ZMQ_LINGER, &zero, sizeof zero);
    return open_peers[at];
}

void *peer_bare(void)
{
    return socket_open(ZMQ_DEALER);
}

void *peer_pair(void)
{
    return socket_open(ZMQ_PAIR);
}

void peer_close(void *peer)
{
    for (int at = 0; at < MAX_PEERS; at++)
        if (open_peers[at] == peer)
            open_peers[at] = NULL;
    zmq_close(peer);
}

void peers_end(void)
{
    for (int at = 0; at < MAX_PEERS; at++)
        if (open_peers[at])
            peer_close(open_peers[at]);
    if (context)
        zmq_ctx_term(context);
    context = NULL;
}

void *peer_open(const struct mejorad *m, const struct keys *keys)
{
    void *s = peer_bare();
    zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, m->key, 40);
    zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, keys->public, 40);
    zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, keys->secret, 40);
    assert_int_equal(zmq_connect(s, m->endpoint), 0);
    return s;
}

void id_make(uint8_t id[PEER_ID])
{
    randombytes_buf(id, PEER_ID);
}

const char *id_text(const uint8_t id[PEER_ID])
{
    static char text[2 * PEER_ID + 1];
    return sodium_bin2hex(text, sizeof text, id, PEER_ID);
}

void ask_head(void *peer, const Mejora__RequestHead *head, const void *body, size_t size)
{
    uint8_t packed[8192];
    assert_true(mejora__request_head__get_packed_size(head) <= sizeof packed);
    size_t n = mejora__request_head__pack(head, packed);
    assert_true(zmq_send(peer, packed, n, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(peer, body ? body : "", size, 0) >= 0);
}

void ask_bytes(void *peer, const char *op, const char *ref, const uint8_t *id, const void *body, size_t size)
{
    uint8_t fresh[PEER_ID];
    Mejora__RequestHead head = MEJORA__REQUEST_HEAD__INIT;
    if (!id)
        id_make(fresh);
    head.has_protocol = head.has_request_id = 1;
    head.protocol = 1;
    head.request_id = (ProtobufCBinaryData){PEER_ID, (uint8_t *)(uintptr_t)(id ? id : fresh)};
    head.op = (char *)(uintptr_t)op;
    head.ref = (char *)(uintptr_t)ref;
    ask_head(peer, &head, body, size);
}

void ask(void *peer, const char *op, const char *ref, const uint8_t *id, const ProtobufCMessage *m)
{
    size_t size = m ? protobuf_c_message_get_packed_size(m) : 0;
    uint8_t *body = malloc(size + 1);
    assert_non_null(body);
    if (m)
        protobuf_c_message_pack(m, body);
    ask_bytes(peer, op, ref, id, body, size);
    free(body);
}

bool hear_within(void *peer, int ms, struct reply *ret)
{
    uint8_t packed[8192];
    zmq_setsockopt(peer, ZMQ_RCVTIMEO, &ms, sizeof ms);
    int size = zmq_recv(peer, packed, sizeof packed, 0);
    if (size < 0)
        return false;
    assert_true(size <= (int)sizeof packed);
    int body = zmq_recv(peer, ret->body, sizeof ret->body, 0);
    int more;
    size_t n = sizeof more;
    assert_in_range(body, 0, PEER_BODY);
    zmq_getsockopt(peer, ZMQ_RCVMORE, &more, &n);
    assert_false(more);
    ret->size = (size_t)body;
    Mejora__ReplyHead *head = mejora__reply_head__unpack(NULL, (size_t)size, packed);
    assert_non_null(head);
    assert_true(head->has_outcome && head->has_request_id && head->request_id.len == PEER_ID);
    memcpy(ret->id, head->request_id.data, PEER_ID);
    ret->outcome = head->outcome;
    snprintf(ret->error, sizeof ret->error, "%s", head->error ? head->error : "");
    snprintf(ret->arg, sizeof ret->arg, "%s", head->n_error_args ? head->error_args[0] : "");
    mejora__reply_head__free_unpacked(head, NULL);
    return true;
}

void hear(void *peer, struct reply *ret)
{
    if (!hear_within(peer, PEER_WAIT_MS, ret))
        fail_msg("no answer");
}

struct reply *asked(void *peer, const char *op, const char *ref, const ProtobufCMessage *m)
{
    static struct reply r;
    ask(peer, op, ref, NULL, m);
    hear(peer, &r);
    return &r;
}

void hear_any(void *const peers[], int n, struct reply *ret)
{
    zmq_pollitem_t on[MAX_PEERS];
    assert_true(n <= MAX_PEERS);
    for (int i = 0; i < n; i++)
        on[i] = (zmq_pollitem_t){peers[i], 0, ZMQ_POLLIN, 0};
    if (zmq_poll(on, n, PEER_WAIT_MS) <= 0)
        fail_msg("no answer to any of %d", n);
    for (int i = 0; i < n; i++)
        if (on[i].revents) {
            hear(peers[i], ret);
            return;
        }
}

void *reply_open(const struct reply *r, const ProtobufCMessageDescriptor *type)
{
    void *m = protobuf_c_message_unpack(type, NULL, r->size, r->body);
    assert_non_null(m);
    return m;
}

bool same_reply(const struct reply *a, const struct reply *b)
{
    return a->outcome == b->outcome && !strcmp(a->error, b->error) && !strcmp(a->arg, b->arg) && a->size == b->size &&
           !memcmp(a->id, b->id, PEER_ID) && !memcmp(a->body, b->body, a->size);
}

const char *outcome_name(Mejora__Outcome outcome)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&mejora__outcome__descriptor, (int)outcome);
    return v ? v->name + strlen("OUTCOME_") : "?";
}

void assert_reply(const struct reply *r, Mejora__Outcome outcome, const char *error, const char *what)
{
    if (r->outcome != outcome || (error && strcmp(r->error, error) != 0))
        fail_msg("%s: %s %s (%s), not %s %s", what, outcome_name(r->outcome), r->error, r->arg, outcome_name(outcome),
                 error ? error : "");
}

void report(void *peer, const char *ref, const uint8_t *id, int percent, const char *why)
{
    Mejora__ProgressReportRequest m = MEJORA__PROGRESS_REPORT_REQUEST__INIT;
    m.has_percent = 1;
    m.percent = percent;
    m.why = (char *)(uintptr_t)why;
    ask(peer, "progress_report", ref, id, &m.base);
}
