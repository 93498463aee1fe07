/* peer - a client as a test needs one: it can say anything that the wire can carry, well formed or not.
 *
 * A peer is a libzmq DEALER with its own key. Answers are waited for, but not for ever. One thread uses a peer. */
#pragma once

#include "envelope.pb-c.h"
#include "tests/support/lib/mejorad.h"

#include <stdint.h>
#include <zmq.h>

enum { PEER_ID = 16, PEER_WAIT_MS = 40000, PEER_BODY = 1 << 17 };

struct keys {
    char public[41], secret[41];
    long id; /* road.key.id */
};

struct reply {
    uint8_t id[PEER_ID];
    Mejora__Outcome outcome;
    char error[64], arg[256]; /* arg: the first one */
    size_t size;
    uint8_t body[PEER_BODY];
};

void *peer_open(const struct mejorad *m, const struct keys *keys);
void *peer_bare(void); /* a DEALER not yet connected, for what peer_open does not do */
void *peer_pair(void); /* a PAIR, to watch one */
void peer_close(void *peer);
void peers_end(void); /* closes what a failed test left open */

void id_make(uint8_t id[PEER_ID]);
const char *id_text(const uint8_t id[PEER_ID]); /* hexadecimal; static */

/* A request leaves; ref, id (a fresh one) and m (no fields) may be NULL. */
void ask(void *peer, const char *op, const char *ref, const uint8_t *id, const ProtobufCMessage *m);
void ask_bytes(void *peer, const char *op, const char *ref, const uint8_t *id, const void *body, size_t size);
void ask_head(void *peer, const Mejora__RequestHead *head, const void *body, size_t size);

void hear(void *peer, struct reply *ret);                     /* the next answer; none within the time fails the test */
bool hear_within(void *peer, int ms, struct reply *ret);      /* false: none came */
void hear_any(void *const peers[], int n, struct reply *ret); /* the next answer to any of them */
struct reply *asked(void *peer, const char *op, const char *ref, const ProtobufCMessage *m); /* ask and hear; static */
void *reply_open(const struct reply *r,
                 const ProtobufCMessageDescriptor *type); /* protobuf_c_message_free_unpacked it */
bool same_reply(const struct reply *a, const struct reply *b);

/* Fails with the names of both outcomes. error: NULL, or what it must be. */
void assert_reply(const struct reply *r, Mejora__Outcome outcome, const char *error, const char *what);
const char *outcome_name(Mejora__Outcome outcome);

/* progress_report of percent on ref, with a reason. */
void report(void *peer, const char *ref, const uint8_t *id, int percent, const char *why);
