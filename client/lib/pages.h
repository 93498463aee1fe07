/* pages - the pages of an export of the audit log in their order, while the next ones are under way already.
 *
 * Connections take turns at stretches of the log, each one page ahead: the server has nothing to remember between pages, and
 * who writes them slowly makes nobody wait. One thread uses a struct; profile and request are borrowed until pages_close. */
#pragma once

#include "audit.pb-c.h"
#include "client/lib/call.h"
#include "common/tree.h"

#include <pthread.h>

enum { PAGES_AHEAD = 4 };

struct pages {
    const struct profile *profile;
    const char *ref; /* NULL: everything */
    const Mejora__AuditExportRequest *request;
    const atomic_int *stop;
    int timeout_ms;
    uint64_t begin, size, stretch; /* leaves: where to begin, where to end, how many a connection takes at a time */
    struct pages_turn {
        struct pages *pages;
        struct client *client;
        pthread_t thread;
        int n;
        bool full; /* the answer waits to be taken */
        struct answer answer;
    } turns[PAGES_AHEAD];
    int n_turns;
    bool closing;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

bool pages_open(struct pages *p); /* the caller has set what stands before `turns`; false: out of memory, or threads */
/* The page that begins with this leaf; the caller frees it. Nothing comes behind one that was not answered OK. */
void pages_next(struct pages *p, uint64_t leaf, struct answer *ret);
void pages_close(struct pages *p);

/* The rows of a page, to be found by the number of their entry. Borrows the page. */
struct rows {
    size_t n;
    struct row {
        uint64_t seq;
        const uint8_t *at;
    } * rows; /* NULL: they are none; the caller frees them */
};

enum { PAGE_LEAF = TREE_HASH + sizeof(uint64_t) }; /* bytes: the hash, the number of the entry */

struct rows rows_read(const Mejora__AuditExportReply *page);
const struct row *rows_find(const struct rows *rows, const uint8_t leaf[PAGE_LEAF]); /* NULL: the entry is gone */
