/* call - one request on its way along the road. The front owns it, lends it to a lane, and sends what comes back. */
#pragma once

#include "common/arena.h"
#include "common/op.h"
#include "common/ref.h"
#include "envelope.pb-c.h"

#include <stdint.h>
#include <zmq.h>

enum { ID_SIZE = 16, HASH_SIZE = 32 };

struct call {
    struct call *next;
    const struct op *op;
    int64_t key; /* road.key.id, from ZAP */
    struct ref about;
    int64_t expires;                      /* milliseconds of the monotonic clock; 0: whenever */
    const char *as_of;                    /* NULL: as things are now; in the arena */
    uint8_t id[ID_SIZE], hash[HASH_SIZE]; /* hash: of everything that makes the request what it is */
    ProtobufCMessage *request;            /* lives in the arena */
    struct call *same;                    /* is asking the same at the same moment, and is answered for both */
    int together;                         /* so many calls from this one on are one statement; 0: in another's */
    bool only_note;                       /* answered already: the lane only notes it in the audit trail */
    const char *asked;                    /* JSON, of a query that was answered; in the arena, or NULL */
    Mejora__Outcome outcome;
    const char *error; /* code of messages.def; static or in the arena */
    size_t n_args;
    char **args;
    zmq_msg_t peer, body; /* routing frame; packed reply */
    struct arena arena;
};

/* How the border refuses: the outcome, its code, and up to one argument (copied; NULL: none). */
void call_refuse(struct call *c, Mejora__Outcome outcome, const char *error, const char *arg);
bool call_is_refused(const struct call *c); /* by the front; an answer that cannot be noted is none */

/* Gives the other's answer to this one too; the body's bytes are shared. False: out of memory. */
bool call_answer_alike(struct call *c, const struct call *same);
