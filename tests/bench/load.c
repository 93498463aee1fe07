/* load - closed-loop clients, each with its own CURVE key and connection, a few threads.
 *
 *   load keys N                                                  prints N lines: PUBLIC SECRET PUBLIC-IN-HEX
 *   load run PORT SERVER_KEY KEYFILE CLIENTS SECONDS THREADS WHAT    says "go" when it begins to measure, then the figures
 *   load idle PORT SERVER_KEY KEYFILE FIRST N                    N connected clients that say nothing until stdin ends
 *
 * WHAT: report (on actions of the own department), list (of one plan, the same for all), lists (each client its own plan),
 * history, or a number: reports on the 100 actions each of that many institutions (tests/bench/data.sql makes them all).
 * THREADS = 0: every client through libzmq (two threads), as a department would; else over plain sockets. */
#include "tests/bench/curve.h"

#include "action.pb-c.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 1 << 14, MAX_SAMPLES = 1 << 20, DEPARTMENTS = 64, FIRST_PLAN = 1970, PLANS = 128, ROUNDS = 7 };
enum { FIRST_SMALL_PLAN = 2100, OF_AN_INSTITUTION = 100 };

struct client {
    int department;
    void *socket;        /* through libzmq, */
    struct curve *curve; /* or not */
    double sent;
};

struct worker {
    pthread_t thread;
    int n;
    struct client *clients;
    unsigned seed;
    long answered, refused, samples;
    float *latency;
};

static atomic_int phase; /* 0 warm-up, 1 measuring, 2 over */
static const char *what;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void send_request(struct client *c, const char *op, const char *ref, const ProtobufCMessage *m)
{
    uint8_t id[16], head[128], body[512];
    randombytes_buf(id, sizeof id);
    c->sent = now();
    size_t size = protobuf_c_message_pack(m, body), head_size = head_pack(head, op, ref, id);
    if (c->curve)
        curve_send(c->curve, head, head_size, body, size);
    else
        peer_send(c->socket, head, head_size, body, size);
}

static void report_on(struct worker *w, struct client *c, const char *ref)
{
    Mejora__ProgressReportRequest m = MEJORA__PROGRESS_REPORT_REQUEST__INIT;
    m.has_percent = 1;
    m.percent = rand_r(&w->seed) % 4 * 25;
    m.why = (char *)(uintptr_t) "avance del trimestre";
    send_request(c, "progress_report", ref, &m.base);
}

static void ask(struct worker *w, struct client *c)
{
    char ref[64];
    int own_action = c->department + rand_r(&w->seed) % ROUNDS * DEPARTMENTS;
    snprintf(ref, sizeof ref, "bench/%d/%d", FIRST_PLAN + rand_r(&w->seed) % PLANS, own_action);
    if (*what == 'l') {
        Mejora__ActionListRequest m = MEJORA__ACTION_LIST_REQUEST__INIT;
        snprintf(ref, sizeof ref, "bench/%d", FIRST_SMALL_PLAN + (strcmp(what, "lists") ? 0 : c->department - 1));
        send_request(c, "action_list", ref, &m.base);
    } else if (*what == 'h') {
        Mejora__ProgressHistoryRequest m = MEJORA__PROGRESS_HISTORY_REQUEST__INIT;
        send_request(c, "progress_history", ref, &m.base);
    } else {
        int institutions = atoi(what), one = 1 + rand_r(&w->seed) % (institutions ? institutions : 1);
        if (institutions)
            snprintf(ref, sizeof ref, "i%d/2026/%d", one, 1 + rand_r(&w->seed) % OF_AN_INSTITUTION);
        report_on(w, c, ref);
    }
}

static bool readable(void *socket)
{
    int events;
    size_t size = sizeof events;
    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 && events & ZMQ_POLLIN;
}

/* The next outcome, or a negative number when none has come. */
static int next_outcome(struct client *c)
{
    static _Thread_local uint8_t plain[2][CURVE_FRAME];
    size_t size[2];
    if (c->curve)
        return curve_receive(c->curve, plain, size);
    if (!readable(c->socket))
        return -1;
    return peer_receive(c->socket);
}

static void serve(struct worker *w, struct client *c)
{
    for (int outcome; (outcome = next_outcome(c)) >= 0;) {
        if (phase == 1) {
            w->answered++;
            w->refused += outcome != MEJORA__OUTCOME__OUTCOME_OK;
            if (w->samples < MAX_SAMPLES)
                w->latency[w->samples++] = (float)(now() - c->sent);
        }
        ask(w, c);
        if (c->curve)
            return; /* epoll tells when there is more */
    }
}

static int client_fd(const struct client *c)
{
    int fd;
    size_t size = sizeof fd;
    if (c->curve)
        return c->curve->fd;
    return zmq_getsockopt(c->socket, ZMQ_FD, &fd, &size) == 0 ? fd : -1;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < w->n; i++) {
        struct client *c = &w->clients[i];
        epoll_ctl(poll, EPOLL_CTL_ADD, client_fd(c), &(struct epoll_event){.events = EPOLLIN, .data.ptr = c});
        ask(w, c);
        serve(w, c);
    }
    while (phase < 2) {
        struct epoll_event ready[64];
        int n = epoll_wait(poll, ready, 64, 100);
        for (int i = 0; i < n; i++)
            serve(w, ready[i].data.ptr);
    }
    close(poll);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int keys(int n)
{
    for (int i = 0; i < n; i++) {
        struct pair p;
        uint8_t raw[32];
        zmq_curve_keypair(p.public, p.secret);
        zmq_z85_decode(raw, p.public);
        printf("%s %s ", p.public, p.secret);
        for (int k = 0; k < 32; k++)
            printf("%02x", raw[k]);
        putchar('\n');
    }
    return 0;
}

static void report(struct worker workers[], int threads, double seconds)
{
    long answered = 0, refused = 0, n = 0;
    float *all = malloc(sizeof *all * MAX_SAMPLES * (size_t)threads);
    for (int i = 0; all && i < threads; i++) {
        answered += workers[i].answered;
        refused += workers[i].refused;
        memcpy(all + n, workers[i].latency, sizeof *all * (size_t)workers[i].samples);
        n += workers[i].samples;
    }
    if (!all || !n) {
        printf("nothing was answered\n");
        free(all);
        return;
    }
    qsort(all, (size_t)n, sizeof *all, by_value);
    printf("tps=%.0f refused=%ld p50_us=%.0f p99_us=%.0f\n", (double)answered / seconds, refused,
           (double)all[n / 2] * 1e6, (double)all[n * 99 / 100] * 1e6);
    free(all);
}

static int endpoint_open(char *argv[], struct pair *server)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return pairs_read(argv[3], server, 1) == 1 ? atoi(argv[2]) : 0;
}

static struct pair of_server, pairs[MAX_CLIENTS];
static struct client clients[MAX_CLIENTS];

static bool connect_all(int port, int first, int n, bool plain, void *context)
{
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    for (int i = 0; i < n; i++) {
        const struct pair *own = &pairs[first + i];
        clients[i].department = 1 + i % DEPARTMENTS;
        if (!plain)
            clients[i].socket = peer_open(context, endpoint, &of_server, own);
        else if (!(clients[i].curve = curve_open(port, &of_server, own)))
            return fprintf(stderr, "load: client %d is not let in\n", first + i + 1), false;
    }
    return true;
}

static void disconnect_all(int n, void *context)
{
    for (int i = 0; i < n; i++) {
        if (clients[i].curve)
            close(clients[i].curve->fd);
        if (clients[i].socket)
            zmq_close(clients[i].socket);
        free(clients[i].curve);
    }
    zmq_ctx_term(context);
}

static int run(char *argv[])
{
    struct worker workers[64] = {0};
    int port = endpoint_open(argv, &of_server), n = atoi(argv[5]), threads = atoi(argv[7]);
    bool plain = threads > 0;
    double seconds = atof(argv[6]);
    void *context = zmq_ctx_new();
    threads = plain ? threads : 2;
    what = argv[8];
    if (!port || n < 1 || n > MAX_CLIENTS || threads > 64 || pairs_read(argv[4], pairs, n) < n)
        return fprintf(stderr, "load: not enough keys\n"), 1;
    if (!connect_all(port, 0, n, plain, context))
        return 1;
    for (int i = 0, first = 0; i < threads; i++, first = n * i / threads) {
        struct worker *w = &workers[i];
        w->clients = clients + first;
        w->n = n * (i + 1) / threads - first;
        w->seed = (unsigned)time(NULL) + (unsigned)i;
        w->latency = malloc(sizeof *w->latency * MAX_SAMPLES);
        pthread_create(&w->thread, NULL, work, w);
    }
    usleep(500 * 1000);
    puts("go");
    fflush(stdout);
    double from = now();
    phase = 1;
    usleep((useconds_t)(seconds * 1e6));
    phase = 2;
    double took = now() - from;
    for (int i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    report(workers, threads, took);
    for (int i = 0; i < threads; i++)
        free(workers[i].latency);
    disconnect_all(n, context);
    return 0;
}

/* Nothing but what keeps a connection: PONG to every PING. */
static int idle(char *argv[])
{
    static uint8_t plain[2][CURVE_FRAME];
    size_t size[2];
    int port = endpoint_open(argv, &of_server), first = atoi(argv[5]), n = atoi(argv[6]), lost = 0;
    if (!port || first < 0 || n < 1 || first + n > MAX_CLIENTS || pairs_read(argv[4], pairs, first + n) < first + n)
        return fprintf(stderr, "load: not enough keys\n"), 1;
    if (!connect_all(port, first, n, true, NULL))
        return 1;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &(struct epoll_event){.events = EPOLLIN});
    for (int i = 0; i < n; i++)
        epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].curve->fd, &(struct epoll_event){EPOLLIN, {.ptr = &clients[i]}});
    puts("go");
    fflush(stdout);
    for (bool over = false; !over;) {
        struct epoll_event ready[256];
        int some = epoll_wait(poll, ready, 256, -1);
        for (int i = 0; i < some; i++) {
            struct client *c = ready[i].data.ptr;
            over |= !c;
            if (c && curve_receive(c->curve, plain, size) == -2) {
                epoll_ctl(poll, EPOLL_CTL_DEL, c->curve->fd, NULL);
                lost++;
            }
        }
    }
    close(poll);
    disconnect_all(n, zmq_ctx_new());
    printf("lost=%d\n", lost);
    return lost > 0;
}

int main(int argc, char *argv[])
{
    if (argc == 3 && !strcmp(argv[1], "keys"))
        return keys(atoi(argv[2]));
    if (argc == 9 && !strcmp(argv[1], "run"))
        return run(argv);
    if (argc == 7 && !strcmp(argv[1], "idle"))
        return idle(argv);
    fprintf(stderr, "usage: load keys N | load run PORT SERVER_KEY KEYFILE CLIENTS SECONDS THREADS WHAT"
                    " | load idle PORT SERVER_KEY KEYFILE FIRST N\n");
    return 2;
}
