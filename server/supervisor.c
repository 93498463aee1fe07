#include "server/supervisor.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STOP_MS = 60000, /* a fast shutdown that takes longer is made an immediate one: recovery is safe, waiting is not */
    STEADY_S = 60,   /* who ran for so long has recovered from earlier failures */
    MAX_DELAY_MS = 5000,
    MAX_FIRST_TRIES = 7, /* some six seconds: what an orphaned backend needs to notice that its postmaster is gone */
};

static _Noreturn void run(const struct postgres *pg, const char *cwd, const char *const argv[])
{
    sigset_t none;
    sigemptyset(&none);
    int in = open("/dev/null", O_RDONLY), out = open(pg->log, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (in >= 0 && out >= 0 && chdir(cwd) == 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2) {
        close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execv(argv[0], (char *const *)argv);
    }
    log_line(LOG_ERROR, "part=cluster error=\"cannot run %s: %s\"", argv[0], strerror(errno));
    _exit(127);
}

pid_t postgres_spawn(const struct postgres *pg, const char *cwd, int on_orphaned, const char *const argv[])
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, on_orphaned);
        if (getppid() == parent) /* else it died before the kernel knew whom to tell */
            run(pg, cwd, argv);
        _exit(127);
    }
    if (pid < 0)
        log_line(LOG_ERROR, "part=cluster error=\"cannot fork: %s\"", strerror(errno));
    return pid;
}

/* What must hold whatever a configuration file says: nobody but us connects, and a commit that was answered is on disk.
 */
static pid_t postmaster_spawn(const struct postgres *pg)
{
    char program[4096];
    snprintf(program, sizeof program, "%s/postgres", pg->bindir);
    const char *const argv[] = {program,
                                "-D",
                                pg->data,
                                "-k",
                                pg->sockets,
                                "-p",
                                "5432",
                                "-c",
                                "listen_addresses=",
                                "-c",
                                "unix_socket_permissions=0700",
                                "-c",
                                "fsync=on",
                                "-c",
                                "full_page_writes=on",
                                "-c",
                                "synchronous_commit=on",
                                NULL};
    return postgres_spawn(pg, pg->data, SIGINT, argv);
}

enum wake { TIMEOUT, ENDED, OWNER_GONE };

/* Waits for the end of PostgreSQL (pidfd, or -1) or of our owner, who may meanwhile say that PostgreSQL is ready. */
static enum wake wait_for(int life, int pidfd, int timeout_ms, bool *ready)
{
    struct pollfd on[] = {{.fd = life, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    char byte;
    for (;;) {
        int n = poll(on, 2, timeout_ms);
        if (n == 0)
            return TIMEOUT;
        if (n > 0 && on[0].revents && read(life, &byte, 1) != 1)
            return OWNER_GONE;
        if (n > 0 && on[0].revents)
            *ready = true;
        if (n > 0 && on[1].revents)
            return ENDED;
    }
}

static void postmaster_stop(int pidfd)
{
    struct pollfd on = {.fd = pidfd, .events = POLLIN};
    pidfd_send_signal(pidfd, SIGINT, NULL, 0);
    if (poll(&on, 1, STOP_MS) == 0) {
        log_line(LOG_WARNING, "part=cluster event=stopping_immediately");
        pidfd_send_signal(pidfd, SIGQUIT, NULL, 0);
    }
}

/* One life of PostgreSQL. */
static enum wake keep(const struct postgres *pg, int life, bool *ready)
{
    enum wake wake = ENDED;
    int status = 0;
    pid_t pid = postmaster_spawn(pg);
    if (pid < 0)
        return ENDED;
    int pidfd = pidfd_open(pid, 0);
    if (pidfd >= 0) {
        wake = wait_for(life, pidfd, -1, ready);
        if (wake == OWNER_GONE)
            postmaster_stop(pidfd);
        close(pidfd);
    } else {
        kill(pid, SIGINT);
    }
    waitpid(pid, &status, 0);
    if (wake == ENDED)
        log_line(LOG_WARNING, "part=cluster event=ended_unasked pid=%d %s=%d log=%s", pid,
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), pg->log);
    return wake;
}

static time_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static int supervise(const struct postgres *pg, int life)
{
    bool ready = false;
    for (int failures = 0, delay = 100;; delay = delay * 2 < MAX_DELAY_MS ? delay * 2 : MAX_DELAY_MS) {
        time_t since = now();
        if (keep(pg, life, &ready) == OWNER_GONE)
            return 0;
        if (now() - since > STEADY_S) {
            failures = 0;
            delay = 100;
        }
        if (++failures == MAX_FIRST_TRIES && !ready)
            return 1;
        if (wait_for(life, -1, delay, &ready) == OWNER_GONE)
            return 0;
    }
}

/* What else our owner has open, it alone is to keep open. */
static void close_all_but(int a, int b)
{
    unsigned low = (unsigned)(a < b ? a : b), high = (unsigned)(a < b ? b : a);
    if (low > 3)
        close_range(3, low - 1, 0);
    close_range(low + 1, high - 1, 0);
    close_range(high + 1, ~0U, 0);
}

static _Noreturn void run_supervisor(const struct postgres *pg, int life)
{
    sigset_t all;
    close_all_but(pg->lock, life);
    setsid(); /* a terminal's ^C is for us: PostgreSQL goes last */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_NAME, "mejorad-cluster");
    int status = supervise(pg, life);
    if (pg->sockets_borrowed)
        rmdir(pg->sockets);
    _exit(status);
}

int supervisor_start(const struct postgres *pg, struct supervisor *ret)
{
    int life[2];
    *ret = (struct supervisor){.fd = -1, .life = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, life) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        run_supervisor(pg, life[0]);
    close(life[0]);
    *ret = (struct supervisor){pid, pid > 0 ? pidfd_open(pid, 0) : -1, life[1]};
    if (ret->fd >= 0)
        return 0;
    log_line(LOG_ERROR, "part=cluster error=\"cannot start its supervisor: %s\"", strerror(errno));
    supervisor_stop(ret);
    return -1;
}

void supervisor_ready(const struct supervisor *s)
{
    send(s->life, "r", 1, MSG_NOSIGNAL); /* should it be gone, its fd says so */
}

void supervisor_stop(struct supervisor *s)
{
    if (s->life >= 0)
        close(s->life);
    while (s->pid > 0 && waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (s->fd >= 0)
        close(s->fd);
    *s = (struct supervisor){.fd = -1, .life = -1};
}
