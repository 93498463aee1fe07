/* mejorad - the server: sole owner of the database, at the end of every client's line. */
#include "common/log.h"
#include "server/bootstrap.h"
#include "server/cluster.h"
#include "server/db.h"
#include "server/front.h"
#include "server/hints.h"
#include "server/home.h"
#include "server/keys.h"
#include "server/migrate.h"
#include "server/schedule.h"
#include "server/seal.h"

#include <getopt.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { CALLS = 4096, MAX_LANES = 16 };

struct settings {
    const char *data, *database, *state, *listen, *advertise, *hints, *now;
    int writers, readers, batch;
};

struct server {
    struct settings set;
    struct cluster *cluster;
    const char *conninfo;
    void *context;
    struct plan *plans;
    struct lane writers[MAX_LANES + WORKERS_LANES], readers[MAX_LANES];
    struct preparer preparer;
    struct schedule schedule;
    struct hints hints;
    struct seal seal;
    struct front front;
    int n_writers, n_readers; /* started */
};

static const char usage[] =
    "usage: mejorad --data DIR [options]             with a PostgreSQL of its own in DIR\n"
    "       mejorad --database CONNINFO --state DIR  with yours; DIR keeps the server's key and the first profiles\n"
    "\n"
    "  --listen ENDPOINT   where clients connect (default tcp://127.0.0.1:7117)\n"
    "  --advertise ENDPOINT[,ENDPOINT]...  what profiles say instead, when clients reach it by other names\n"
    "  --hints ENDPOINT    where watchers are told that there is something to read (default: a port beside --listen);\n"
    "                      none: nowhere, they look every few seconds\n"
    "  --writers N         connections that write (default 2), beside two for mail; requests on one plan keep one\n"
    "  --readers N         connections that read (default 2)\n"
    "  --batch N           most requests in one transaction (default 64)\n"
    "  --now TIME          what time it is for every rule, for rehearsals (2026-11-21T08:00-04)\n"
    "  --log LEVEL         error, warning, info or debug (default info)\n";

static bool number(const char *text, int max, int *ret)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (*end || n < 1 || n > max)
        fprintf(stderr, "mejorad: «%s» is not a number from 1 to %d\n", text, max);
    *ret = (int)n;
    return !*end && n >= 1 && n <= max;
}

static bool read_settings(int argc, char *argv[], struct settings *ret)
{
    static const struct option options[] = {
        {"data", 1, NULL, 'd'},    {"database", 1, NULL, 'D'},  {"state", 1, NULL, 's'}, {"listen", 1, NULL, 'l'},
        {"writers", 1, NULL, 'w'}, {"readers", 1, NULL, 'r'},   {"batch", 1, NULL, 'b'}, {"now", 1, NULL, 'n'},
        {"log", 1, NULL, 'L'},     {"advertise", 1, NULL, 'a'}, {"hints", 1, NULL, 'H'}, {"version", 0, NULL, 'v'},
        {"help", 0, NULL, 'h'},    {NULL, 0, NULL, 0}};
    *ret = (struct settings){.listen = "tcp://127.0.0.1:7117", .writers = 2, .readers = 2, .batch = 64};
    bool ok = true;
    for (int o; ok && (o = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
        switch (o) {
        case 'd': ret->data = ret->state = optarg; break;
        case 'D': ret->database = optarg; break;
        case 's': ret->state = optarg; break;
        case 'l': ret->listen = optarg; break;
        case 'a': ret->advertise = optarg; break;
        case 'H': ret->hints = optarg; break;
        case 'w': ok = number(optarg, MAX_LANES, &ret->writers); break;
        case 'r': ok = number(optarg, MAX_LANES, &ret->readers); break;
        case 'b': ok = number(optarg, MAX_BATCH, &ret->batch); break;
        case 'n': ret->now = optarg; break;
        case 'L': ok = log_set_level(optarg); break;
        case 'v': puts("mejorad " MEJORA_VERSION); exit(0);
        case 'h': fputs(usage, stdout); exit(0);
        default: ok = false;
        }
    }
    ok = ok && optind == argc && ret->state && !ret->data != !ret->database;
    if (!ok)
        fputs(usage, stderr);
    return ok;
}

/* A connection is a file, and the usual 1024 are few: as many as whoever started us allows. */
static void allow_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files))
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static int open_database(struct server *s)
{
    s->conninfo = s->set.database;
    if (s->set.data && cluster_start(s->set.data, &s->cluster))
        return -1;
    if (s->cluster)
        s->conninfo = cluster_conninfo(s->cluster);
    if (migrate(s->conninfo))
        return -1;
    PGconn *pg = db_connect(s->conninfo, false);
    bool ok = PQstatus(pg) == CONNECTION_OK;
    if (!ok)
        log_line(LOG_ERROR, "database: %s", PQerrorMessage(pg));
    s->plans = ok ? contract_check(pg) : NULL;
    PQfinish(pg);
    return s->plans ? 0 : -1;
}

static int start_lanes(struct server *s)
{
    struct lane l = {.conninfo = s->conninfo, .plans = s->plans, .batch = s->set.batch, .out = &s->front.done};
    for (; s->n_writers < s->set.writers + WORKERS_LANES; s->n_writers++) {
        s->writers[s->n_writers] = l;
        s->writers[s->n_writers].gathers = s->n_writers == s->set.writers + REPORTS;
        if (lane_start(&s->writers[s->n_writers]))
            return -1;
    }
    l.read_only = true;
    for (; s->n_readers < s->set.readers; s->n_readers++) {
        s->readers[s->n_readers] = l;
        if (lane_start(&s->readers[s->n_readers]))
            return -1;
    }
    s->preparer = (struct preparer){.conninfo = s->conninfo, .lane = s->writers};
    s->schedule = (struct schedule){.conninfo = s->conninfo, .state = s->set.state};
    s->seal = (struct seal){.conninfo = s->conninfo, .state = s->set.state, .hints = &s->hints};
    return preparer_start(&s->preparer) || schedule_start(&s->schedule) || seal_start(&s->seal);
}

/* False: it was asked for and cannot be. */
static bool publish(struct server *s, const char *secret_key)
{
    char beside[256];
    const char *at = s->set.hints ? s->set.hints : hints_beside(s->set.listen, beside);
    return !at || !strcmp(at, "none") || !hints_open(&s->hints, s->context, at, secret_key);
}

/* Before anybody is served: is this the database that was left? */
static int settle(const struct server *s)
{
    PGconn *pg = db_connect(s->conninfo, false);
    int r = home_claim(s->set.state, pg);
    PQfinish(pg);
    return r;
}

static int serve(struct server *s, int stop_fd)
{
    struct identity id;
    char reachable[256];
    struct front *f = &s->front;
    if (bootstrap_identity(s->set.state, &id) || settle(s) || keys_guard(s->context, s->conninfo))
        return -1;
    *f = (struct front){.plans = s->plans, .writers = s->writers, .readers = s->readers, .preparer = &s->preparer};
    f->n_calls = CALLS;
    f->n_writers = s->set.writers;
    f->n_readers = s->set.readers;
    log_line(LOG_INFO, "keys: two strangers knock now, and have to be refused");
    bool ok = !front_open(f, s->context, s->set.listen, id.secret_key) && publish(s, id.secret_key) &&
              keys_prove(s->context, bootstrap_reachable(f->endpoint, reachable), id.public_key) &&
              !bootstrap_profiles(s->set.state, &id, s->set.advertise ? s->set.advertise : reachable, s->conninfo);
    sodium_memzero(id.secret_key, sizeof id.secret_key);
    if (ok && !start_lanes(s)) {
        printf("mejorad: ready at %s\n", f->endpoint);
        fflush(stdout);
        ok = front_run(f, stop_fd, s->cluster ? cluster_fd(s->cluster) : -1);
        if (!ok)
            log_line(LOG_ERROR, "cluster: nobody keeps PostgreSQL running any more");
    } else {
        ok = false;
    }
    for (int i = 0; i < s->n_writers; i++)
        lane_stop(&s->writers[i]);
    for (int i = 0; i < s->n_readers; i++)
        lane_stop(&s->readers[i]);
    front_close(f);
    return ok ? 0 : -1;
}

/* What a large answer was made in is kept for the next one: giving it back to the system each time, as glibc does from 128 KiB on, is a
 * fifth of what an export costs. A PostgreSQL of our own hears of it from its environment. */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
    setenv("MALLOC_MMAP_THRESHOLD_", "4194304", 0);
    setenv("MALLOC_TRIM_THRESHOLD_", "16777216", 0);
}

int main(int argc, char *argv[])
{
    static struct server s;
    setlocale(LC_CTYPE, "C.UTF-8");
    keep_memory();
    if (!read_settings(argc, argv, &s.set))
        return 2;
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL); /* before any thread: only the front hears them */
    int stop_fd = signalfd(-1, &stop, SFD_CLOEXEC);

    allow_files();
    db_settings(MEJORA_VERSION, s.set.now);
    bool ok = sodium_init() >= 0 && stop_fd >= 0 && !open_database(&s);
    if (ok) {
        s.context = zmq_ctx_new();
        ok = s.context && !serve(&s, stop_fd);
        preparer_stop(&s.preparer);
        schedule_stop(&s.schedule);
        seal_stop(&s.seal);
        hints_close(&s.hints);
        zmq_ctx_term(s.context);
        keys_join();
    }
    contract_free(s.plans);
    cluster_stop(s.cluster);
    if (!ok)
        fprintf(stderr, "mejorad: the lines above say why\n");
    close(stop_fd);
    return ok ? 0 : 1;
}
