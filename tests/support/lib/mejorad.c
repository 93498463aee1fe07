#include "tests/support/lib/mejorad.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_ARGS = 32, WAIT_MS = 60000 };

static PGconn *superuser;
static const struct mejorad *superuser_of;

static _Noreturn void become(const struct mejorad *m, int out, const char *const argv[])
{
    int log = open(m->log, O_WRONLY | O_APPEND | O_CREAT, 0600), null = open("/dev/null", O_RDONLY);
    if (m->files)
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){m->files, m->files});
    if (m->fault)
        setenv("MEJORA_FAULT", m->fault, 1);
    else
        unsetenv("MEJORA_FAULT");
    if (log >= 0 && null >= 0 && dup2(null, 0) == 0 && dup2(out, 1) == 1 && dup2(log, 2) == 2)
        execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Reads the one line that it says when it is ready. */
static void await_ready(struct mejorad *m, int out)
{
    FILE *said = fdopen(out, "r");
    char line[256];
    bool ready = false;
    while (!ready && fgets(line, sizeof line, said))
        ready = sscanf(line, "mejorad: ready at %127s", m->endpoint) == 1;
    fclose(said);
    if (!ready) {
        int status = 0;
        waitpid(m->pid, &status, 0);
        m->pid = 0;
        fail_msg("the server did not start (status 0x%x); see %s", (unsigned)status, m->log);
    }
}

static void read_key(struct mejorad *m)
{
    char path[96];
    snprintf(path, sizeof path, "%s/server.key", m->data);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%40s", m->key), 1);
    fclose(f);
}

static void conninfo(const struct mejorad *m, const char *user, char ret[256])
{
    char path[128], line[5][128] = {{0}};
    const struct mejorad *home = m->other ? m->other : m;
    snprintf(path, sizeof path, "%s/postgresql/postmaster.pid", home->data);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int i = 0; i < 5; i++)
        assert_non_null(fgets(line[i], sizeof line[i], f));
    fclose(f);
    snprintf(ret, 256, "host=%.*s port=%ld user=%s dbname=mejora", (int)strcspn(line[4], "\n"), line[4],
             strtol(line[3], NULL, 10), user);
}

void mejorad_run(struct mejorad *m, const char *const options[])
{
    char base[256];
    const char *argv[MAX_ARGS] = {TEST_BIN "/mejorad", "--listen", "tcp://127.0.0.1:*", m->other ? "--state" : "--data",
                                  m->data};
    int n = 5, out[2];
    if (m->other) {
        conninfo(m, "postgres", base);
        argv[n++] = "--database";
        argv[n++] = base;
    }
    for (int i = 0; options && options[i]; i++)
        argv[n++] = options[i];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    m->pid = fork();
    if (m->pid == 0)
        become(m, out[1], argv);
    close(out[1]);
    assert_true(m->pid > 0);
    await_ready(m, out[0]);
    read_key(m);
}

static void make_dir(struct mejorad *m, const struct mejorad *other)
{
    *m = (struct mejorad){.dir = "/tmp/mejora.XXXXXX", .other = other};
    assert_non_null(mkdtemp(m->dir));
    chmod(m->dir, 0711); /* who was root becomes somebody who must get to its data */
    snprintf(m->data, sizeof m->data, "%s/data", m->dir);
    snprintf(m->log, sizeof m->log, "%s/log", m->dir);
}

void mejorad_start(struct mejorad *m, const char *const options[])
{
    make_dir(m, NULL);
    mejorad_run(m, options);
}

void mejorad_beside(struct mejorad *m, const struct mejorad *other, const char *const options[])
{
    char from[96], to[96];
    make_dir(m, other);
    assert_int_equal(mkdir(m->data, 0700), 0);
    snprintf(from, sizeof from, "%s/server.key", other->data); /* the first profiles know this key */
    snprintf(to, sizeof to, "%s/server.key", m->data);
    FILE *in = fopen(from, "r");
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
    char text[256];
    assert_non_null(in);
    size_t size = fread(text, 1, sizeof text, in);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    close(fd);
    fclose(in);
    mejorad_run(m, options);
}

static int end(struct mejorad *m, int signal)
{
    int status = 0;
    if (m->pid <= 0)
        return 0;
    if (!m->other)
        database_close(); /* its database goes with it */
    if (signal)
        kill(m->pid, signal);
    while (waitpid(m->pid, &status, 0) < 0 && errno == EINTR)
        ;
    m->pid = 0;
    return status;
}

void mejorad_kill(struct mejorad *m)
{
    end(m, SIGKILL);
}

void mejorad_wait(struct mejorad *m)
{
    end(m, 0);
}

void mejorad_stop(struct mejorad *m)
{
    int status = end(m, SIGTERM);
    if (status || mejorad_said(m, "Sanitizer") || mejorad_said(m, "runtime error:"))
        fail_msg("the server ended with status 0x%x; see %s", (unsigned)status, m->log);
}

static int unlink_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

void mejorad_remove(struct mejorad *m)
{
    if (superuser_of == m)
        database_close();
    if (m->pid > 0)
        mejorad_stop(m);
    if (getenv("MEJORA_TEST_KEEP"))
        print_message("# kept: %s\n", m->dir);
    else
        nftw(m->dir, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
}

int mejorad_said(const struct mejorad *m, const char *words)
{
    char line[4096];
    int n = 0;
    FILE *f = fopen(m->log, "r");
    while (f && fgets(line, sizeof line, f))
        n += strstr(line, words) != NULL;
    if (f)
        fclose(f);
    return n;
}

/* Woken by each write to the log. */
void mejorad_wait_said(const struct mejorad *m, const char *words, int times)
{
    int watch = inotify_init1(IN_CLOEXEC);
    char events[4096];
    struct pollfd on = {.fd = watch, .events = POLLIN};
    assert_true(inotify_add_watch(watch, m->log, IN_MODIFY) >= 0);
    int said;
    while ((said = mejorad_said(m, words)) < times && poll(&on, 1, WAIT_MS) > 0)
        assert_true(read(watch, events, sizeof events) > 0);
    close(watch);
    if (said < times)
        fail_msg("it said \"%s\" %d times, not %d; see %s", words, said, times, m->log);
}

long mejorad_rss_kib(const struct mejorad *m)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", m->pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f) && sscanf(line, "VmRSS: %ld", &kib) != 1)
        ;
    if (f)
        fclose(f);
    return kib;
}

PGconn *database_try(const struct mejorad *m, const char *user)
{
    char info[256];
    conninfo(m, user, info);
    return PQconnectdb(info);
}

PGconn *database_connect(const struct mejorad *m, const char *user)
{
    PGconn *pg = database_try(m, user);
    if (PQstatus(pg) != CONNECTION_OK)
        fail_msg("no connection as %s: %s", user, PQerrorMessage(pg));
    PQclear(PQexec(pg, "set client_min_messages = warning"));
    return pg;
}

PGconn *database(const struct mejorad *m)
{
    if (superuser && (superuser_of != m || PQstatus(superuser) != CONNECTION_OK))
        database_close();
    if (!superuser) {
        superuser = database_connect(m, "postgres");
        superuser_of = m;
    }
    return superuser;
}

void database_close(void)
{
    PQfinish(superuser);
    superuser = NULL;
    superuser_of = NULL;
}

pid_t database_postmaster(const struct mejorad *m)
{
    char path[128];
    int pid = 0;
    snprintf(path, sizeof path, "%s/postgresql/postmaster.pid", m->data);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    fclose(f);
    assert_true(pid > 1);
    return pid;
}

static const char *run(const struct mejorad *m, const char *text)
{
    static char answer[4096];
    PGconn *pg = database(m);
    PGresult *r = PQexec(pg, text);
    ExecStatusType status = PQresultStatus(r);
    snprintf(answer, sizeof answer, "%s", PQntuples(r) ? PQgetvalue(r, 0, 0) : "");
    PQclear(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", text, PQerrorMessage(pg));
    return answer;
}

static char *words(const char *fmt, va_list ap)
{
    char *text;
    assert_true(vasprintf(&text, fmt, ap) >= 0);
    return text;
}

const char *sql(const struct mejorad *m, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = words(fmt, ap);
    va_end(ap);
    const char *answer = run(m, text);
    free(text);
    return answer;
}

long sql_long(const struct mejorad *m, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = words(fmt, ap);
    va_end(ap);
    long n = strtol(run(m, text), NULL, 10);
    free(text);
    return n;
}
