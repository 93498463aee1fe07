/* load - eight clients that report progress as fast as they are answered, and a ledger of every acknowledgement, those of repeats
 * too: a file, on disk before the next request leaves. The checker believes nothing but that file and the database. */
#pragma once

#include "tests/support/lib/world.h"

enum { LOAD_CLIENTS = 8, LOAD_WINDOW = 8 };

struct load {
    struct mejorad *server;
    struct keys keys[LOAD_CLIENTS];
    void *peers[LOAD_CLIENTS];
    int under_way[LOAD_CLIENTS];
    int n, acked, again; /* requests made, acknowledged, told to ask again */
    struct load_request {
        uint8_t id[PEER_ID];
        bool under_way, acked;
    } * requests;
    int room, ledger;
    const char *through; /* the endpoint of the first client, or NULL: the server's */
};

struct load *load_new(struct mejorad *m); /* its people are added to the world */
void load_free(struct load *l);
void load_connect(struct load *l); /* to where the server is now; what was under way has no answer any more */
void load_disconnect(struct load *l);

/* Keeps every window full until so many more have been answered, or the server's process has ended (false). */
bool load_run(struct load *l, int answers);
void load_drain(struct load *l);         /* takes what has come already */
void load_settle(struct load *l);        /* asks again, with the same ids, until everything is acknowledged */
void load_repeat(struct load *l, int n); /* the last n once more */
void load_check(
    const struct load *l); /* lost 0, twice 0, audit entries equal to changes, repeats the same to the byte */
long load_count(const struct load *l, const char *what); /* one of these, by the ledger as it was copied last */

/* One more request, whose first sender is somebody else: its number, and what it says. */
int load_new_request(struct load *l, char ret_ref[32], int *ret_percent, char ret_why[32]);
void load_acknowledged(struct load *l, int n,
                       const char *id); /* hexadecimal; the answer itself comes with load_settle */
