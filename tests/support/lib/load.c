#include "tests/support/lib/load.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 100 };

static const char reason[] = "carga";

struct load *load_new(struct mejorad *m)
{
    struct load *l = calloc(1, sizeof *l);
    char path[96];
    assert_non_null(l);
    l->server = m;
    for (int i = 0; i < LOAD_CLIENTS; i++) {
        char code[24];
        snprintf(code, sizeof code, "carga-%d", i);
        l->keys[i] = world_person(m, "inm", code, "{planner}", "{}");
    }
    snprintf(path, sizeof path, "%s/ledger", m->dir);
    l->ledger = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(l->ledger >= 0);
    return l;
}

void load_disconnect(struct load *l)
{
    for (int i = 0; i < LOAD_CLIENTS; i++)
        if (l->peers[i])
            peer_close(l->peers[i]);
    memset(l->peers, 0, sizeof l->peers);
    memset(l->under_way, 0, sizeof l->under_way);
    for (int i = 0; i < l->n; i++)
        l->requests[i].under_way = false;
}

void load_connect(struct load *l)
{
    load_disconnect(l);
    for (int i = 0; i < LOAD_CLIENTS; i++) {
        struct mejorad at = *l->server;
        if (i == 0 && l->through)
            snprintf(at.endpoint, sizeof at.endpoint, "%s", l->through);
        l->peers[i] = peer_open(&at, &l->keys[i]);
    }
}

void load_free(struct load *l)
{
    load_disconnect(l);
    close(l->ledger);
    free(l->requests);
    free(l);
}

/* Everything about a request follows from its number; the id begins with it. */
static int words(int n, char ret_ref[32], char ret_why[32])
{
    snprintf(ret_ref, 32, "inm/2023/%d", n % WORLD_ACTIONS + 1);
    snprintf(ret_why, 32, "%s %d", reason, n);
    return n % 5 * 25;
}

static void send_request(struct load *l, int n)
{
    int client = n % LOAD_CLIENTS;
    char ref[32], why[32];
    int percent = words(n, ref, why);
    report(l->peers[client], ref, l->requests[n].id, percent, why);
    l->requests[n].under_way = true;
    l->under_way[client]++;
}

static int new_request(struct load *l)
{
    uint32_t n = (uint32_t)l->n;
    if (l->n == l->room) {
        l->room = l->room ? 2 * l->room : 1024;
        l->requests = realloc(l->requests, (size_t)l->room * sizeof *l->requests);
        assert_non_null(l->requests);
    }
    l->requests[n] = (struct load_request){0};
    id_make(l->requests[n].id);
    memcpy(l->requests[n].id, &n, sizeof n);
    return l->n++;
}

int load_new_request(struct load *l, char ret_ref[32], int *ret_percent, char ret_why[32])
{
    int n = new_request(l);
    *ret_percent = words(n, ret_ref, ret_why);
    return n;
}

void load_acknowledged(struct load *l, int n, const char *id)
{
    uint8_t *own = l->requests[n].id;
    assert_int_equal(sodium_hex2bin(own, PEER_ID, id, strlen(id), NULL, NULL, NULL), 0);
    dprintf(l->ledger, "%s\t%s %d\t\\N\n", id, reason, n);
    assert_int_equal(fdatasync(l->ledger), 0);
}

enum { DIGEST = 16 };

static const char *digest(const struct reply *r)
{
    static char text[2 * DIGEST + 1];
    uint8_t d[DIGEST];
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, DIGEST);
    crypto_generichash_update(&h, (const uint8_t *)&r->outcome, sizeof r->outcome);
    crypto_generichash_update(&h, (const uint8_t *)r->error, strlen(r->error));
    crypto_generichash_update(&h, r->body, r->size);
    crypto_generichash_final(&h, d, DIGEST);
    return sodium_bin2hex(text, sizeof text, d, DIGEST);
}

static void acknowledge(struct load *l, uint32_t n, const struct reply *r)
{
    struct load_request *q = &l->requests[n];
    dprintf(l->ledger, "%s\t%s %u\t%s\n", id_text(q->id), reason, n, digest(r));
    l->acked += !q->acked;
    q->acked = true;
}

/* Whose answer this is: the id begins with its number, unless somebody else was the first to send it. */
static uint32_t number_of(const struct load *l, const uint8_t id[PEER_ID])
{
    uint32_t n;
    memcpy(&n, id, sizeof n);
    if (n >= (uint32_t)l->n || memcmp(id, l->requests[n].id, PEER_ID) != 0)
        for (n = (uint32_t)l->n; n-- > 0 && memcmp(id, l->requests[n].id, PEER_ID) != 0;)
            ;
    assert_true(n < (uint32_t)l->n && l->requests[n].under_way);
    return n;
}

static bool take(struct load *l, int client, int ms)
{
    static struct reply r;
    if (!hear_within(l->peers[client], ms, &r))
        return false;
    uint32_t n = number_of(l, r.id);
    l->requests[n].under_way = false;
    l->under_way[client]--;
    if (r.outcome == MEJORA__OUTCOME__OUTCOME_OK) {
        acknowledge(l, n, &r);
    } else {
        if (r.outcome != MEJORA__OUTCOME__OUTCOME_UNAVAILABLE)
            assert_reply(&r, MEJORA__OUTCOME__OUTCOME_BUSY, NULL, "a report under load");
        assert_false(l->requests[n].acked);
        l->again++;
    }
    return true;
}

static int take_all(struct load *l)
{
    int n = 0;
    for (int i = 0; i < LOAD_CLIENTS; i++)
        while (take(l, i, 0))
            n++;
    assert_int_equal(fdatasync(l->ledger), 0);
    return n;
}

void load_drain(struct load *l)
{
    take_all(l);
}

/* Waits for an answer or the end of the server; false: it has ended. */
static bool await(struct load *l, int pidfd)
{
    zmq_pollitem_t on[LOAD_CLIENTS + 1] = {{NULL, pidfd, ZMQ_POLLIN, 0}};
    for (int i = 0; i < LOAD_CLIENTS; i++)
        on[i + 1] = (zmq_pollitem_t){l->peers[i], 0, ZMQ_POLLIN, 0};
    int n = zmq_poll(on, LOAD_CLIENTS + 1, PEER_WAIT_MS);
    if (n == 0)
        fail_msg("no answer");
    return !on[0].revents;
}

bool load_run(struct load *l, int answers)
{
    int pidfd = pidfd_open(l->server->pid, 0);
    bool alive = true;
    assert_true(pidfd >= 0);
    while (alive && answers > 0) {
        for (int n = 0; n < LOAD_CLIENTS * LOAD_WINDOW; n++)
            if (l->under_way[l->n % LOAD_CLIENTS] < LOAD_WINDOW)
                send_request(l, new_request(l));
        alive = await(l, pidfd);
        answers -= take_all(l);
    }
    close(pidfd);
    return alive;
}

static int next_unacked(const struct load *l, int n)
{
    while (n < l->n && (l->requests[n].acked || l->requests[n].under_way))
        n++;
    return n;
}

void load_settle(struct load *l)
{
    for (int round = 0; l->acked < l->n; round++) {
        if (round == ROUNDS)
            fail_msg("%d of %d requests were never acknowledged", l->n - l->acked, l->n);
        for (int n = next_unacked(l, 0); n < l->n; n = next_unacked(l, n + 1))
            send_request(l, n);
        for (int i = 0; i < LOAD_CLIENTS; i++)
            while (l->under_way[i] && take(l, i, PEER_WAIT_MS))
                ;
        for (int i = 0; i < LOAD_CLIENTS; i++)
            if (l->under_way[i])
                fail_msg("%d requests have no answer", l->under_way[i]);
        assert_int_equal(fdatasync(l->ledger), 0);
    }
}

void load_repeat(struct load *l, int count)
{
    for (int n = l->n > count ? l->n - count : 0; n < l->n; n++) {
        send_request(l, n);
        assert_true(take(l, n % LOAD_CLIENTS, PEER_WAIT_MS));
    }
}

static void ledger_copy(const struct load *l)
{
    char path[96], line[128];
    PGconn *pg = database(l->server);
    snprintf(path, sizeof path, "%s/ledger", l->server->dir);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    sql(l->server, "drop table if exists pg_temp.ledger; create temp table ledger (id uuid, why text, digest text)");
    PQclear(PQexec(pg, "copy ledger from stdin"));
    while (fgets(line, sizeof line, f))
        assert_int_equal(PQputCopyData(pg, line, (int)strlen(line)), 1);
    fclose(f);
    assert_int_equal(PQputCopyEnd(pg, NULL), 1);
    for (PGresult *r; (r = PQgetResult(pg)); PQclear(r))
        assert_int_equal(PQresultStatus(r), PGRES_COMMAND_OK);
}

static const struct {
    const char *what, *sql;
} none[] = {
    {"lost",
     "select count(distinct l.id) from ledger l where not exists (select from mejora.progress p where p.why = l.why)"},
    {"repeats answered differently",
     "select count(*) from (select 1 from ledger group by id having count(distinct digest) > 1) d"},
    {"done twice", "select count(*) - count(distinct why) from mejora.progress where why like 'carga %'"},
    {"without request row",
     "select count(*) from ledger l where not exists (select from road.request q where q.id = l.id)"},
    {"changes without one audit entry",
     "select count(*) from mejora.progress p where p.why like 'carga %' and 1 <> (select count(*)"
     " from road.audit a where a.why = p.why and a.outcome = 'ok' and a.item_no = p.item_no and (a.after ->> "
     "'version')::int = p.version)"},
    {"audit entries without a change",
     "select count(*) from road.audit a where a.op = 'progress_report' and a.outcome = 'ok'"
     " and not exists (select from mejora.progress p where p.why = a.why and p.item_no = a.item_no)"},
    {"gaps in the versions", "select count(*) from (select 1 from mejora.progress group by institution, plan, item_no"
                             " having max(version) <> count(*) or min(version) <> 1) g"},
};

long load_count(const struct load *l, const char *what)
{
    size_t i = 0;
    while (strcmp(none[i].what, what) != 0)
        i++;
    return sql_long(l->server, "%s", none[i].sql);
}

void load_check(const struct load *l)
{
    ledger_copy(l);
    sql(l->server, "create index if not exists audit_of_test on road.audit (why);"
                   "create index if not exists progress_of_test on mejora.progress (why);"
                   "create index if not exists request_of_test on road.request (id);"
                   "analyze road.audit, mejora.progress, road.request");
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        long n = sql_long(l->server, "%s", none[i].sql);
        if (n != 0)
            fail_msg("%s: %ld", none[i].what, n);
    }
    assert_int_equal(sql_long(l->server, "select count(distinct id) from ledger"), l->acked);
    assert_int_equal(sql_long(l->server, "select count(*) from mejora.progress where why like 'carga %%'"), l->n);
}
