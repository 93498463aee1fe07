/* load - closed-loop clients, each with its own CURVE key and connection, a few threads.
 *
 *   load keys N                                                        prints N lines: PUBLIC SECRET PUBLIC-IN-HEX
 *   load run PORT SERVER_KEY KEYFILE CLIENTS SECONDS THREADS report|list|history [SERVER_PID POSTMASTER_PID]
 *
 * Client N is the department N that tests/bench/data.sql makes: it reports on actions whose number leaves the remainder N.
 * THREADS = 0: every client through libzmq (two threads), as a department would; else over plain sockets. */
#include "tests/bench/curve.h"

#include "action.pb-c.h"

#include <dirent.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 1024, MAX_SAMPLES = 1 << 20, DEPARTMENTS = 64, PLANS = 200, FIRST_PLAN = 1970, ROUNDS = 7 };

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

static void ask(struct worker *w, struct client *c)
{
    char plan[32], action[64];
    snprintf(plan, sizeof plan, "bench/%d", FIRST_PLAN + rand_r(&w->seed) % PLANS);
    snprintf(action, sizeof action, "%s/%d", plan, c->department + rand_r(&w->seed) % ROUNDS * DEPARTMENTS);
    if (*what == 'r') {
        Mejora__ProgressReportRequest m = MEJORA__PROGRESS_REPORT_REQUEST__INIT;
        m.has_percent = 1;
        m.percent = rand_r(&w->seed) % 4 * 25;
        m.why = (char *)(uintptr_t) "avance del trimestre";
        send_request(c, "progress_report", action, &m.base);
    } else if (*what == 'l') {
        Mejora__ActionListRequest m = MEJORA__ACTION_LIST_REQUEST__INIT;
        send_request(c, "action_list", "bench/2190", &m.base); /* the plan of twenty */
    } else {
        Mejora__ProgressHistoryRequest m = MEJORA__PROGRESS_HISTORY_REQUEST__INIT;
        send_request(c, "progress_history", action, &m.base);
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

static double cpu_of(const char *pid, const char *parent)
{
    char path[64];
    long user, sys;
    int ppid;
    snprintf(path, sizeof path, "/proc/%.16s/stat", pid);
    FILE *f = fopen(path, "re");
    bool ok =
        f && fscanf(f, "%*d (%*[^)]) %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &ppid, &user, &sys) == 3;
    if (f)
        fclose(f);
    if (!ok || (parent && ppid != atoi(parent)))
        return 0;
    return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_of_children(const char *parent)
{
    double sum = cpu_of(parent, NULL);
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc && (e = readdir(proc));)
        if (*e->d_name >= '1' && *e->d_name <= '9')
            sum += cpu_of(e->d_name, parent);
    if (proc)
        closedir(proc);
    return sum;
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
    printf("tps=%.0f refused=%ld p50_us=%.0f p99_us=%.0f", (double)answered / seconds, refused,
           (double)all[n / 2] * 1e6, (double)all[n * 99 / 100] * 1e6);
    free(all);
}

static int run(int argc, char *argv[])
{
    static struct pair of_server, pairs[MAX_CLIENTS];
    static struct client clients[MAX_CLIENTS];
    struct worker workers[64] = {0};
    int n = atoi(argv[5]), threads = atoi(argv[7]), port = atoi(argv[2]);
    bool plain = threads > 0;
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    threads = plain ? threads : 2;
    double seconds = atof(argv[6]);
    what = argv[8];
    if (n < 1 || n > MAX_CLIENTS || threads < 1 || threads > 64 || pairs_read(argv[3], &of_server, 1) < 1 ||
        pairs_read(argv[4], pairs, n) < n) {
        fprintf(stderr, "load: not enough keys\n");
        return 1;
    }
    void *context = zmq_ctx_new();
    for (int i = 0; i < n; i++) {
        clients[i].department = 1 + i % DEPARTMENTS;
        if (plain && !(clients[i].curve = curve_open(port, &of_server, &pairs[i])))
            return fprintf(stderr, "load: client %d is not let in\n", i + 1), 1;
        else if (!plain)
            clients[i].socket = peer_open(context, endpoint, &of_server, &pairs[i]);
    }
    for (int i = 0, first = 0; i < threads; i++, first = n * i / threads) {
        struct worker *w = &workers[i];
        w->clients = clients + first;
        w->n = n * (i + 1) / threads - first;
        w->seed = (unsigned)time(NULL) + (unsigned)i;
        w->latency = malloc(sizeof *w->latency * MAX_SAMPLES);
        pthread_create(&w->thread, NULL, work, w);
    }
    usleep(500 * 1000);
    bool split = argc > 10;
    double from = now(), own = (double)clock() / CLOCKS_PER_SEC;
    double server = split ? cpu_of(argv[9], NULL) : 0, postgres = split ? cpu_of_children(argv[10]) : 0;
    phase = 1;
    usleep((useconds_t)(seconds * 1e6));
    phase = 2;
    double took = now() - from;
    own = (double)clock() / CLOCKS_PER_SEC - own;
    server = split ? cpu_of(argv[9], NULL) - server : 0;
    postgres = split ? cpu_of_children(argv[10]) - postgres : 0;
    for (int i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    report(workers, threads, took);
    printf(" cores: server=%.2f postgres=%.2f generator=%.2f\n", server / took, postgres / took, own / took);
    for (int i = 0; i < threads; i++)
        free(workers[i].latency);
    for (int i = 0; i < n; i++) {
        if (plain)
            close(clients[i].curve->fd);
        else
            zmq_close(clients[i].socket);
        free(clients[i].curve);
    }
    zmq_ctx_term(context);
    return 0;
}

int main(int argc, char *argv[])
{
    if (argc == 3 && !strcmp(argv[1], "keys"))
        return keys(atoi(argv[2]));
    if (argc == 9 || argc == 11)
        return run(argc, argv);
    fprintf(stderr, "usage: load keys N | load run PORT SERVER_KEY KEYFILE CLIENTS SECONDS THREADS report|list|history "
                    "[PID PID]\n");
    return 2;
}
