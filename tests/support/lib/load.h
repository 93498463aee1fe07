/* load - eight clients that report progress as fast as they are answered, and a ledger of what was acknowledged: a file, on disk
 * before the next request leaves. The checker believes nothing but that file and the database. */
#pragma once

#include "tests/support/lib/world.h"

enum { LOAD_CLIENTS = 8, LOAD_WINDOW = 8, LOAD_MAX = 16384 };

struct load {
    struct mejorad *server;
    struct keys keys[LOAD_CLIENTS];
    void *peers[LOAD_CLIENTS];
    int under_way[LOAD_CLIENTS];
    int n, acked, again; /* requests made, acknowledged, told to ask again */
    struct load_request {
        uint8_t id[PEER_ID], digest[32]; /* of the answer */
        bool under_way, acked;
    } requests[LOAD_MAX];
    int ledger;
};

struct load *load_new(struct mejorad *m); /* its people are added to the world */
void load_free(struct load *l);
void load_connect(struct load *l); /* to where the server is now; what was under way has no answer any more */
void load_disconnect(struct load *l);

/* Keeps every window full until so many more have been answered, or the server's process has ended (false). */
bool load_run(struct load *l, int answers);
void load_drain(struct load *l);         /* takes what has come already */
void load_settle(struct load *l);        /* asks again, with the same ids, until everything is acknowledged */
void load_repeat(struct load *l, int n); /* the last n once more: the same answers, byte for byte */
void load_check(const struct load *l);   /* lost 0, twice 0, audit entries equal to changes */
