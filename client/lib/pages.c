#include "client/lib/pages.h"

#include "client/lib/entry.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Waits for its turn to hand the answer over. False: nobody wants it any more. */
static bool hand_over(struct pages_turn *t, const struct answer *answer)
{
    struct pages *p = t->pages;
    pthread_mutex_lock(&p->lock);
    while (t->full && !p->closing)
        pthread_cond_wait(&p->changed, &p->lock);
    bool wanted = !p->closing;
    if (wanted) {
        t->answer = *answer;
        t->full = true;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return wanted;
}

/* One stretch, page by page. False: that was the end of it. */
static bool stretch_fetch(struct pages_turn *t, uint64_t leaf, uint64_t beyond)
{
    const struct pages *p = t->pages;
    Mejora__AuditExportRequest request = *p->request;
    struct answer answer;
    request.has_leaf = request.has_size = request.has_beyond = 1;
    request.size = (int64_t)p->size;
    request.beyond = (int64_t)beyond;
    while (leaf < beyond) {
        request.leaf = (int64_t)leaf;
        bool ok = client_call(t->client, &ops[OP_audit_export], p->ref, &request.base, NULL, &answer);
        const Mejora__AuditExportReply *page = (const void *)answer.reply;
        if (ok && (page->next <= request.leaf || page->next > request.beyond)) {
            answer.end = CALL_NOT_MEJORA;
            ok = false;
        }
        leaf = ok ? (uint64_t)page->next : beyond;
        if (!hand_over(t, &answer)) {
            answer_free(&answer);
            return false;
        }
        if (!ok)
            return false;
    }
    return true;
}

static void *run(void *arg)
{
    struct pages_turn *t = arg;
    const struct pages *p = t->pages;
    uint64_t turn = p->stretch * PAGES_AHEAD, leaf = p->begin + p->stretch * (uint64_t)t->n;
    while (leaf < p->size && stretch_fetch(t, leaf, p->size - leaf > p->stretch ? leaf + p->stretch : p->size))
        leaf = p->size - leaf > turn ? leaf + turn : p->size;
    return NULL;
}

bool pages_open(struct pages *p)
{
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    for (; p->n_turns < PAGES_AHEAD; p->n_turns++) {
        struct pages_turn *t = &p->turns[p->n_turns];
        *t = (struct pages_turn){.pages = p, .n = p->n_turns, .client = client_new(p->profile)};
        if (!t->client)
            break;
        client_stop(t->client, p->stop);
        client_timeout(t->client, p->timeout_ms);
        if (pthread_create(&t->thread, NULL, run, t)) {
            client_free(t->client);
            break;
        }
    }
    return p->n_turns == PAGES_AHEAD;
}

void pages_next(struct pages *p, uint64_t leaf, struct answer *ret)
{
    struct pages_turn *t = &p->turns[(leaf - p->begin) / p->stretch % PAGES_AHEAD];
    pthread_mutex_lock(&p->lock);
    while (!t->full)
        pthread_cond_wait(&p->changed, &p->lock);
    *ret = t->answer;
    t->full = false;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

void pages_close(struct pages *p)
{
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    for (; p->n_turns > 0; p->n_turns--) {
        struct pages_turn *t = &p->turns[p->n_turns - 1];
        pthread_join(t->thread, NULL);
        if (t->full)
            answer_free(&t->answer);
        client_free(t->client);
    }
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
}

/* ---- rows ---- */

struct rows rows_read(const Mejora__AuditExportReply *page)
{
    const uint8_t *at = page->rows.data;
    size_t left = page->rows.len, size;
    struct rows ret = {.rows = malloc((left / ENTRY_ROW + 1) * sizeof *ret.rows)};
    for (; ret.rows && left; left -= size, at += size) {
        if (!(size = entry_row_size(at, left))) {
            free(ret.rows);
            return (struct rows){0};
        }
        ret.rows[ret.n++] = (struct row){entry_row_seq(at), at};
    }
    return ret;
}

static int seq_compare(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

const struct row *rows_find(const struct rows *rows, const uint8_t leaf[PAGE_LEAF])
{
    struct row wanted = {0};
    memcpy(&wanted.seq, leaf + TREE_HASH, sizeof wanted.seq);
    wanted.seq = be64toh(wanted.seq);
    return bsearch(&wanted, rows->rows, rows->n, sizeof wanted, seq_compare);
}
