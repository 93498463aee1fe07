/* call - one question to the server and its one answer, within one deadline.
 *
 * The request id stays the same however often the question has to be sent again, so it is acted on at most once. A
 * client keeps its connection from call to call. One thread uses a client; the profile is borrowed and must outlive it.
 */
#pragma once

#include "common/op.h"
#include "common/profile.h"
#include "envelope.pb-c.h"

#include <stdatomic.h>

enum { CALL_ID = 16, CALL_TIMEOUT_MS = 10000, CALL_PROTOCOL = 1, CALL_BODY_MAX = 1 << 20 };

enum call_end {
    CALL_ANSWERED,    /* the head says how */
    CALL_UNKNOWN,     /* a write was sent and no answer came: done or not, only asking again with the same id tells */
    CALL_UNREACHABLE, /* nobody listens, or no answer to a read */
    CALL_NOT_MEJORA,  /* somebody listens who is not the server with the profile's key */
    CALL_KEY_UNKNOWN, /* the server does not know the profile's key */
    CALL_STOPPED,     /* *stop was set */
    CALL_TOO_LARGE,   /* more than CALL_BODY_MAX: nothing was sent */
    CALL_FAILED,      /* this machine: no memory, no sockets, an endpoint that is none */
};

struct answer {
    enum call_end end;
    Mejora__ReplyHead *head; /* NULL unless answered */
    ProtobufCMessage *reply; /* the operation's; empty where there is nothing to say; NULL unless answered */
    uint8_t id[CALL_ID];
    bool sent; /* the request left at least once */
};

struct client *client_new(const struct profile *profile); /* NULL: out of memory or descriptors */
void client_free(struct client *c);
void client_timeout(struct client *c, int ms);          /* of every later call; at first CALL_TIMEOUT_MS */
void client_as_of(struct client *c, const char *as_of); /* every later read is about then; borrowed; NULL: about now */
bool client_met(const struct client *c);                /* somebody has answered it */
void client_stop(struct client *c,
                 const atomic_int *stop); /* ends a call early when a signal, or a thread, has set it */

const char *client_endpoint(const struct client *c); /* the one it talks to, or will */

/* ref and request may be NULL: about nothing, no fields. Give id to ask again what was asked before; NULL: a new one.
 * True: answered and OK. The caller frees the answer in any case. */
bool client_call(struct client *c, const struct op *op, const char *ref, const ProtobufCMessage *request,
                 const uint8_t *id, struct answer *ret);
void answer_free(struct answer *a);
