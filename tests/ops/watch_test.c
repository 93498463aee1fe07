/* The stream of changes: in an order in which nothing that is committed later can come to stand before what was read, and hints
 * that only known keys hear. */
#include "change.pb-c.h"
#include "common/clock.h"
#include "tests/support/lib/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 4000, WRITERS = 6, PASSES = 4 };

static struct mejorad server, second;
static struct keys reader;

/* What a watcher has: by the number that stands for the action in its entry. */
static struct stream {
    void *peer, *hints;
    int64_t since, last;
    int seen[MOST];
} stream;

static int start(void **state)
{
    (void)state;
    mejorad_start(&server, NULL);
    world_make(&server);
    mejorad_beside(&second, &server, NULL);
    reader = world_person(&server, "inm", "lectora", "{viewer}", "{}");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    peers_end();
    mejorad_remove(&second);
    mejorad_remove(&server);
    return 0;
}

static Mejora__ChangeListReply *page(void *peer, int64_t since, bool from_now)
{
    Mejora__ChangeListRequest m = MEJORA__CHANGE_LIST_REQUEST__INIT;
    m.has_since = !from_now;
    m.since = since;
    struct reply *r = asked(peer, "change_list", "inm", &m.base);
    assert_reply(r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "change_list");
    return reply_open(r, &mejora__change_list_reply__descriptor);
}

/* ---- hints ---- */

static void *listen_at(const struct mejorad *m, int port, const struct keys *k, void *context, void **ret_monitor)
{
    char at[160];
    void *s = zmq_socket(context, ZMQ_SUB);
    int zero = 0;
    zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero);
    if (k) {
        zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, m->key, 40);
        zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, k->public, 40);
        zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, k->secret, 40);
    }
    zmq_setsockopt(s, ZMQ_SUBSCRIBE, "inm/", 4);
    if (ret_monitor) {
        *ret_monitor = zmq_socket(context, ZMQ_PAIR);
        snprintf(at, sizeof at, "inproc://%p",
                 *ret_monitor); /* a name of its own: those of closed ones are freed later */
        assert_int_equal(zmq_socket_monitor(s, at, ZMQ_EVENT_ALL), 0);
        assert_int_equal(zmq_connect(*ret_monitor, at), 0);
    }
    snprintf(at, sizeof at, "tcp://127.0.0.1:%d", port);
    assert_int_equal(zmq_connect(s, at), 0);
    return s;
}

static int hint_port(const struct mejorad *m)
{
    void *peer = peer_open(m, &reader);
    Mejora__ChangeListReply *p = page(peer, 0, true);
    int port = p->hint_port;
    mejora__change_list_reply__free_unpacked(p, NULL);
    peer_close(peer);
    assert_true(port > 0);
    return port;
}

/* Whether a hint comes within a second. */
static bool hint_comes(void *s)
{
    char hint[64];
    int wait = 1000;
    zmq_setsockopt(s, ZMQ_RCVTIMEO, &wait, sizeof wait);
    int n = zmq_recv(s, hint, sizeof hint, 0);
    assert_true(n < 0 || (n == 4 && !memcmp(hint, "inm/", 4)));
    return n > 0;
}

/* ---- the stream ---- */

static void stream_take(struct stream *s)
{
    for (bool more = true; more;) {
        Mejora__ChangeListReply *p = page(s->peer, s->since, false);
        for (size_t i = 0; i < p->n_entries; i++) {
            int item = 0;
            assert_true(p->entries[i]->n > s->last);
            s->last = p->entries[i]->n;
            if (sscanf(p->entries[i]->ref, "inm/2023/%d", &item) == 1)
                s->seen[item]++;
        }
        assert_true(p->since >= s->last);
        s->since = p->since;
        more = p->more;
        mejora__change_list_reply__free_unpacked(p, NULL);
    }
}

static void stream_open(struct stream *s, const struct mejorad *m, void *context)
{
    *s = (struct stream){.peer = peer_open(m, &reader)};
    s->hints = listen_at(m, hint_port(m), &reader, context, NULL);
    Mejora__ChangeListReply *p = page(s->peer, 0, true);
    s->since = p->since;
    mejora__change_list_reply__free_unpacked(p, NULL);
}

static void stream_until(struct stream *s, int item)
{
    zmq_pollitem_t hint = {.socket = s->hints, .events = ZMQ_POLLIN};
    char text[64];
    int64_t until = clock_ms() + PEER_WAIT_MS;
    for (stream_take(s); !s->seen[item]; stream_take(s)) {
        if (clock_ms() > until)
            fail_msg("change %d never came", item);
        zmq_poll(&hint, 1, 3000); /* as clients do: a hint, or now and then without one */
        while (zmq_recv(s->hints, text, sizeof text, ZMQ_DONTWAIT) >= 0)
            ;
    }
}

static void stream_close(struct stream *s)
{
    peer_close(s->peer);
    zmq_close(s->hints);
}

static void run(PGconn *pg, const char *text)
{
    PGresult *r = PQexec(pg, text);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", text, PQresultErrorMessage(r));
    PQclear(r);
}

static void note(PGconn *pg, int item)
{
    char text[256];
    snprintf(text, sizeof text,
             "insert into road.audit (institution, plan, item_no, who, name, op, outcome, after)"
             " values ('inm', 2023, %d, 'ana', 'Ana', 'progress_report', 'ok', '{\"percent\": 25}')",
             item);
    run(pg, text);
}

/* The earlier entry (a smaller number, an older transaction) is committed after the later one was there to be read. */
static void who_commits_late_is_not_skipped(void **state)
{
    (void)state;
    void *context = zmq_ctx_new();
    PGconn *early = database_connect(&server, "postgres"), *late = database_connect(&server, "postgres");
    stream_open(&stream, &server, context);
    run(early, "begin");
    note(early, 1);
    note(late, 2);
    assert_int_equal(sql_long(&server, "select count(*) from road.audit where plan = 2023 and item_no = 2"), 1);
    assert_int_equal(sql_long(&server, "select count(*) from lib.unsealed(1000) u join road.audit a using (seq)"
                                       " where a.item_no = 2"),
                     0);
    stream_take(&stream);
    run(early, "commit");
    stream_until(&stream, 1);
    stream_until(&stream, 2);
    assert_int_equal(stream.seen[1], 1);
    assert_int_equal(stream.seen[2], 1);
    stream_close(&stream);
    zmq_ctx_term(context);
    PQfinish(early);
    PQfinish(late);
}

struct writer {
    PGconn *pg;
    int item; /* 0: no transaction */
};

static void writer_step(struct writer *w, int *items, bool kept[], bool end)
{
    if (!w->item && !end && *items < MOST - 1) {
        run(w->pg, "begin");
        note(w->pg, w->item = ++*items);
    } else if (w->item) {
        kept[w->item] = random() % 5 > 0;
        run(w->pg, kept[w->item] ? "commit" : "rollback");
        w->item = 0;
    }
}

/* Transactions that overlap at random, while a watcher reads all along, over several passes of the sealer. */
static void transactions_that_overlap_are_each_seen_once(void **state)
{
    static bool kept[MOST];
    struct writer writers[WRITERS] = {0};
    (void)state;
    void *context = zmq_ctx_new();
    int items = 0;
    long passes = sql_long(&server, "select count(*) from road.checkpoint");
    stream_open(&stream, &second, context);
    for (int i = 0; i < WRITERS; i++)
        writers[i].pg = database_connect(&server, "postgres");
    while (items < 200 || sql_long(&server, "select count(*) from road.checkpoint") < passes + PASSES) {
        writer_step(&writers[random() % WRITERS], &items, kept, false);
        stream_take(&stream);
    }
    for (int i = 0; i < WRITERS; i++) {
        writer_step(&writers[i], &items, kept, true);
        PQfinish(writers[i].pg);
    }
    for (int i = 1; i <= items; i++)
        if (kept[i])
            stream_until(&stream, i);
    for (int i = 1; i <= items; i++)
        if (stream.seen[i] != kept[i])
            fail_msg("change %d of %d was seen %d times, and should be %d times", i, items, stream.seen[i], kept[i]);
    stream_close(&stream);
    zmq_ctx_term(context);
}

/* A hint that comes before the subscription does is lost, as hints may be: the next one tells. */
static void what_any_server_did_is_hinted_at_by_all(void **state)
{
    enum { TRIES = 10 };
    static struct reply r;
    (void)state;
    void *context = zmq_ctx_new();
    struct keys k = world_person(&server, "inm", "planifica", "{planner}", "{}");
    void *planner = peer_open(&server, &k);
    void *here = listen_at(&server, hint_port(&server), &reader, context, NULL);
    void *there = listen_at(&second, hint_port(&second), &reader, context, NULL);
    bool heard_here = false, heard_there = false;
    for (int i = 0; i < TRIES && !(heard_here && heard_there); i++) {
        report(planner, "inm/2023/5", NULL, i % 4 * 25, "aviso");
        hear(planner, &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "a report");
        heard_here = heard_here || hint_comes(here);
        heard_there = heard_there || hint_comes(there);
    }
    assert_true(heard_here);
    assert_true(heard_there);
    peer_close(planner);
    zmq_close(here);
    zmq_close(there);
    zmq_ctx_term(context);
}

static uint16_t end_of_handshake(void *monitor)
{
    for (;;) {
        zmq_msg_t frame;
        uint16_t event = 0;
        zmq_msg_init(&frame);
        zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
        assert_int_equal(zmq_poll(&item, 1, PEER_WAIT_MS), 1);
        zmq_msg_recv(&frame, monitor, 0);
        memcpy(&event, zmq_msg_data(&frame), 2);
        zmq_msg_recv(&frame, monitor, 0);
        zmq_msg_close(&frame);
        if (event & (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED |
                     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL))
            return event;
    }
}

static void strangers_hear_no_hints(void **state)
{
    (void)state;
    void *context = zmq_ctx_new(), *monitors[3], *sockets[3];
    struct keys unknown;
    const struct keys *who[] = {&unknown, NULL, &reader};
    assert_int_equal(zmq_curve_keypair(unknown.public, unknown.secret), 0);
    int port = hint_port(&server);
    for (int i = 0; i < 3; i++) {
        sockets[i] = listen_at(&server, port, who[i], context, &monitors[i]);
        uint16_t event = end_of_handshake(monitors[i]);
        assert_int_equal(event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED, who[i] == &reader);
        zmq_socket_monitor(sockets[i], NULL, 0);
        zmq_close(monitors[i]);
        zmq_close(sockets[i]);
    }
    zmq_ctx_term(context);
}

static void a_place_that_the_log_has_not_reached_is_refused(void **state)
{
    (void)state;
    Mejora__ChangeListRequest m = MEJORA__CHANGE_LIST_REQUEST__INIT;
    void *peer = peer_open(&server, &reader);
    m.has_since = 1;
    m.since = 1000000;
    assert_reply(asked(peer, "change_list", "inm", &m.base), MEJORA__OUTCOME__OUTCOME_NOT_FOUND, "no_such_change",
                 "beyond the log");
    peer_close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_commits_late_is_not_skipped),
        cmocka_unit_test(transactions_that_overlap_are_each_seen_once),
        cmocka_unit_test(what_any_server_did_is_hinted_at_by_all),
        cmocka_unit_test(strangers_hear_no_hints),
        cmocka_unit_test(a_place_that_the_log_has_not_reached_is_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
