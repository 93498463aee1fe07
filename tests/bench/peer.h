/* peer - a client through libzmq, as small as it can be: one CURVE connection, requests out, outcomes in. */
#pragma once

#include "envelope.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

struct pair {
    char public[41], secret[41];
};

/* One "PUBLIC SECRET" line per pair, as server.key and `load keys` have them. Returns how many were read. */
static inline int pairs_read(const char *path, struct pair pairs[], int max)
{
    FILE *f = fopen(path, "re");
    int n = 0;
    while (f && n < max && fscanf(f, "%40s %40s%*[^\n]", pairs[n].public, pairs[n].secret) == 2)
        n++;
    if (f)
        fclose(f);
    return n;
}

static inline void *peer_open(void *context, const char *endpoint, const struct pair *server, const struct pair *own)
{
    void *s = zmq_socket(context, ZMQ_DEALER);
    int zero = 0;
    zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, server->public, 40);
    zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, own->public, 40);
    zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, own->secret, 40);
    zmq_connect(s, endpoint);
    return s;
}

static inline size_t head_pack(uint8_t packed[128], const char *op, const char *ref, const uint8_t id[16])
{
    Mejora__RequestHead head = MEJORA__REQUEST_HEAD__INIT;
    head.has_protocol = head.has_request_id = 1;
    head.protocol = 1;
    head.request_id = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)id};
    head.op = (char *)(uintptr_t)op;
    head.ref = (char *)(uintptr_t)ref;
    return mejora__request_head__pack(&head, packed);
}

static inline void peer_send(void *s, const void *head, size_t head_size, const void *body, size_t body_size)
{
    zmq_send(s, head, head_size, ZMQ_SNDMORE);
    zmq_send(s, body, body_size, 0);
}

/* The next outcome; -1: none has come. */
static inline int peer_receive(void *s)
{
    char packed[128], body[1 << 15];
    int size = zmq_recv(s, packed, sizeof packed, ZMQ_DONTWAIT), outcome = -1;
    if (size < 0 || zmq_recv(s, body, sizeof body, 0) < 0)
        return -1;
    Mejora__ReplyHead *head = mejora__reply_head__unpack(NULL, (size_t)size, (const uint8_t *)packed);
    if (head)
        outcome = (int)head->outcome;
    mejora__reply_head__free_unpacked(head, NULL);
    return outcome;
}
