#include "server/cluster.h"

#include "common/log.h"
#include "server/supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_NAME "/.s.PGSQL.5432"

enum { PATIENCE_S = 60, POLL_MS = 20, LOG_LIMIT = 10 << 20, TAIL = 1500 };
enum { OWNER_BYTE, CLUSTER_BYTE };

/* Ours; the file named last is the user's. What must not be changed is on the command line instead: see supervisor.c.
 * Nothing that people wrote reaches the log: no statements, no details. */
static const char conf[] = "max_connections = 50\n"
                           "shared_buffers = 128MB\n"
                           "wal_compression = on\n"
                           "dynamic_shared_memory_type = posix\n"
                           "cluster_name = mejora\n"
                           "timezone = UTC\n"
                           "log_timezone = UTC\n"
                           "lc_messages = C\n"
                           "log_min_messages = warning\n"
                           "log_min_error_statement = panic\n"
                           "log_error_verbosity = terse\n"
                           "log_line_prefix = '%m [%p] %e '\n"
                           "include_if_exists = '../postgresql.conf'\n";

struct cluster {
    char *dir; /* absolute */
    char *conninfo;
    struct postgres pg;
    struct supervisor supervisor;
};

static int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int fail(const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    log_line(LOG_ERROR, "part=cluster %s", text);
    return -1;
}

/* ---- who we are, and the directory ---- */

/* Whom to become: the owner of the directory, or the user that PostgreSQL's package makes. */
static const struct passwd *servant_find(const char *dir)
{
    struct stat st;
    bool owned = stat(dir, &st) == 0 && st.st_uid != 0;
    const struct passwd *pw = owned ? getpwuid(st.st_uid) : getpwnam("postgres");
    if (!pw && owned)
        log_line(LOG_ERROR,
                 "part=cluster dir=%s error=\"its owner %u is no user of this system\" hint=\"chown it to one\"", dir,
                 st.st_uid);
    else if (!pw)
        log_line(LOG_ERROR,
                 "part=cluster error=\"PostgreSQL does not run as root, and there is no user postgres\" "
                 "hint=\"install the package postgresql, or chown %s to an ordinary user\"",
                 dir);
    return pw;
}

/* The directories on the way must let us pass. Tells which does not. */
static int path_check(const char *path)
{
    const struct passwd *pw = getpwuid(geteuid());
    char part[PATH_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) != 0)
            return fail(
                "dir=%s error=\"user %s cannot reach it: %s: %s\" hint=\"use a directory such as /var/lib/mejora\"",
                path, pw ? pw->pw_name : "?", part, strerror(errno));
    }
    return 0;
}

/* Empty but for what may be there before us, or ours. So that a slip of the pen does not take over somebody's
 * directory. */
static bool is_for_us(int fd)
{
    static const char *const harmless[] = {".", "..", "lost+found", "postgresql.conf"};
    bool strange = false, known = false;
    DIR *d = fdopendir(dup(fd));
    for (const struct dirent *e; d && (e = readdir(d));) {
        bool ok = false;
        for (unsigned i = 0; i < sizeof harmless / sizeof *harmless; i++)
            ok |= !strcmp(e->d_name, harmless[i]);
        known |= !strcmp(e->d_name, "lock") || !strcmp(e->d_name, "postgresql");
        strange |= !ok;
    }
    if (d)
        closedir(d);
    return d && (known || !strange);
}

static int dir_claim(const char *dir, const struct passwd *servant)
{
    struct stat st;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fail("dir=%s error=\"cannot be created: %s\"", dir, strerror(errno));
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -1;
    if (fd < 0 || fstat(fd, &st) != 0)
        return fail("dir=%s error=\"cannot be opened: %s\"", dir, strerror(errno));
    if (!is_for_us(fd))
        fail("dir=%s error=\"it holds something else\" hint=\"name an empty or a new directory\"", dir);
    else if (!servant && st.st_uid != geteuid())
        fail("dir=%s error=\"it belongs to somebody else\" hint=\"run as its owner, or as root\"", dir);
    else if ((servant && fchown(fd, servant->pw_uid, servant->pw_gid) != 0) || fchmod(fd, 0700) != 0)
        fail("dir=%s error=\"cannot be made ours: %s\"", dir, strerror(errno));
    else
        r = 0;
    close(fd);
    return r;
}

/* Root prepares the directory and then stops being root. Its groups go first; its number last, as the way is tried out
 * with the servant's before anything is created. */
static int dir_prepare_as_root(const char *dir)
{
    const struct passwd *pw = servant_find(dir);
    if (!pw)
        return -1;
    if (setgroups(0, NULL) != 0 || setgid(pw->pw_gid) != 0 || seteuid(pw->pw_uid) != 0)
        return fail("user=%s error=\"cannot become this user: %s\"", pw->pw_name, strerror(errno));
    bool reached = path_check(dir) == 0;
    if (seteuid(0) != 0 || !reached || dir_claim(dir, pw) != 0)
        return -1;
    if (setuid(pw->pw_uid) != 0 || setuid(0) == 0)
        return fail("user=%s error=\"cannot become this user: %s\"", pw->pw_name, strerror(errno));
    setenv("HOME", pw->pw_dir, 1);
    setenv("USER", pw->pw_name, 1);
    setenv("LOGNAME", pw->pw_name, 1);
    unsetenv("XDG_RUNTIME_DIR");
    log_line(LOG_INFO, "part=cluster event=dropped_root user=%s", pw->pw_name);
    return 0;
}

static int dir_prepare(const char *name, char **ret)
{
    char *given = NULL, here[PATH_MAX] = "";
    if (name[0] != '/' && !getcwd(here, sizeof here))
        return fail("dir=%s error=\"the current directory is not known: %s\" hint=\"give a whole path\"", name,
                    strerror(errno));
    if (asprintf(&given, "%s%s%s", here, *here ? "/" : "", name) < 0)
        return fail("error=\"out of memory\"");
    for (size_t n = strlen(given); n > 1 && given[n - 1] == '/'; n--)
        given[n - 1] = '\0';
    int r = geteuid() == 0 ? dir_prepare_as_root(given) : path_check(given) == 0 ? dir_claim(given, NULL) : -1;
    if (r == 0 && !(*ret = realpath(given, NULL)))
        r = fail("dir=%s error=\"%s\"", given, strerror(errno));
    free(given);
    return r;
}

/* ---- one owner at a time ---- */

static time_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Two locks on two bytes of one file. The owner's goes with the process and knows its number; the cluster's goes with
 * the open file, which the supervisor shares, so it lasts until PostgreSQL is down. */
static int lock_take(struct cluster *c, const char *path)
{
    struct flock owner = {.l_type = F_WRLCK, .l_start = OWNER_BYTE, .l_len = 1}, seen;
    struct flock cluster = {.l_type = F_WRLCK, .l_start = CLUSTER_BYTE, .l_len = 1};
    c->pg.lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (c->pg.lock < 0)
        return fail("error=\"cannot open %s: %s\"", path, strerror(errno));
    while (fcntl(c->pg.lock, F_SETLK, &owner) != 0) {
        seen = owner;
        if (fcntl(c->pg.lock, F_GETLK, &seen) == 0 && seen.l_type != F_UNLCK)
            return fail("dir=%s error=\"already running\" pid=%d", c->dir, seen.l_pid);
        if (errno != EAGAIN && errno != EACCES)
            return fail("error=\"cannot lock %s: %s\"", path, strerror(errno));
    }
    for (time_t until = now() + PATIENCE_S; fcntl(c->pg.lock, F_OFD_SETLK, &cluster) != 0; poll(NULL, 0, POLL_MS))
        if (now() > until)
            return fail("dir=%s error=\"the PostgreSQL of an earlier mejorad does not end\" hint=\"see %s\"", c->dir,
                        c->pg.log);
    return 0;
}

/* Only a postmaster has the data directory as its own, and only one that is running has its number. */
static bool is_postmaster(const struct cluster *c, pid_t pid)
{
    char link[64], exe[PATH_MAX];
    struct stat theirs, ours;
    snprintf(link, sizeof link, "/proc/%d/exe", pid);
    ssize_t n = readlink(link, exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    snprintf(link, sizeof link, "/proc/%d/cwd", pid);
    return strstr(exe, "/postgres") && stat(link, &theirs) == 0 && stat(c->pg.data, &ours) == 0 &&
           theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

/* A postmaster that outlived its supervisor. PostgreSQL removes the file of one that is gone by itself, unless its
 * number belongs to somebody else now. */
static int leftover_stop(const struct cluster *c, const char *pidfile)
{
    int pid = 0, r = 0;
    FILE *f = fopen(pidfile, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%d", &pid) != 1)
        pid = 0;
    fclose(f);
    int fd = pid > 0 ? pidfd_open(pid, 0) : -1;
    if (fd < 0)
        return 0;
    if (!is_postmaster(c, pid)) {
        unlink(pidfile);
    } else {
        log_line(LOG_WARNING, "part=cluster event=stopping_leftover pid=%d", pid);
        if (pidfd_send_signal(fd, SIGINT, NULL, 0) != 0 && errno != ESRCH)
            r = fail("pid=%d error=\"cannot stop a leftover PostgreSQL: %s\"", pid, strerror(errno));
        else if (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PATIENCE_S * 1000) != 1)
            r = fail("pid=%d error=\"a leftover PostgreSQL does not end\" hint=\"see %s\"", pid, c->pg.log);
    }
    close(fd);
    return r;
}

/* ---- its programs and files ---- */

static int major_of_data(const struct cluster *c)
{
    char path[PATH_MAX];
    int major = 0;
    snprintf(path, sizeof path, "%s/PG_VERSION", c->pg.data);
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "%d", &major) != 1)
        major = 0;
    if (f)
        fclose(f);
    return major;
}

/* The newest PostgreSQL of this machine; for data that exists, the one that made it. */
static int bindir_find(struct cluster *c)
{
    static const char where[] = "/usr/lib/postgresql/%d/bin";
    const char *given = getenv("MEJORA_PG_BINDIR");
    int want = major_of_data(c), best = 0, major;
    glob_t found = {0};
    if (given)
        return (c->pg.bindir = strdup(given)) ? 0 : -1;
    glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (sscanf(found.gl_pathv[i], where, &major) == 1 && (want ? major == want : major > best))
            best = major;
    globfree(&found);
    if (!best && want)
        return fail("dir=%s error=\"its data is of PostgreSQL %d, which is not installed\" "
                    "hint=\"install postgresql-%d, or set MEJORA_PG_BINDIR\"",
                    c->dir, want, want);
    if (!best)
        return fail(
            "error=\"PostgreSQL is not installed\" hint=\"install the package postgresql, or set MEJORA_PG_BINDIR\"");
    return asprintf(&c->pg.bindir, where, best) < 0 ? -1 : 0;
}

/* The end of PostgreSQL's log, into ours. */
static void log_tail(const struct cluster *c)
{
    char text[TAIL + 1];
    FILE *f = fopen(c->pg.log, "re");
    if (!f)
        return;
    if (fseek(f, -TAIL, SEEK_END) != 0)
        rewind(f);
    text[fread(text, 1, TAIL, f)] = '\0';
    fclose(f);
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
        if (*line)
            log_line(LOG_ERROR, "part=cluster log=\"%s\"", line);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

/* What a start that was cut off has left. */
static void unfinished_remove(const char *pattern)
{
    glob_t found = {0};
    glob(pattern, 0, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        nftw(found.gl_pathv[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
    globfree(&found);
}

static int run_initdb(const struct cluster *c, const char *into)
{
    char program[PATH_MAX];
    int status = -1;
    snprintf(program, sizeof program, "%s/initdb", c->pg.bindir);
    const char *const argv[] = {program,
                                "-D",
                                into,
                                "--username=postgres",
                                "--encoding=UTF8",
                                "--locale=C.UTF-8",
                                "--data-checksums",
                                "--auth-local=trust", /* the socket is in a directory of ours alone */
                                "--auth-host=reject",
                                "--no-instructions",
                                NULL};
    pid_t pid = postgres_spawn(&c->pg, c->dir, SIGKILL, argv);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -1 : fsync(fd);
    if (fd >= 0)
        close(fd);
    return r;
}

/* Made beside and renamed when it is whole: there is never half a cluster. */
static int data_create(const struct cluster *c)
{
    char fresh[PATH_MAX];
    if (access(c->pg.data, F_OK) == 0)
        return 0;
    snprintf(fresh, sizeof fresh, "%s.new-*", c->pg.data);
    unfinished_remove(fresh);
    snprintf(fresh, sizeof fresh, "%s.new-XXXXXX", c->pg.data);
    log_line(LOG_INFO, "part=cluster event=creating dir=%s", c->dir);
    if (!mkdtemp(fresh))
        return fail("dir=%s error=\"cannot be written: %s\"", c->dir, strerror(errno));
    if (run_initdb(c, fresh) != 0) {
        log_tail(c);
        unfinished_remove(fresh);
        return fail("dir=%s error=\"initdb failed\" hint=\"see %s\"", c->dir, c->pg.log);
    }
    if (rename(fresh, c->pg.data) != 0 || sync_dir(c->dir) != 0)
        return fail("dir=%s error=\"%s\"", c->dir, strerror(errno));
    return 0;
}

static int conf_write(const struct cluster *c)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    snprintf(path, sizeof path, "%s/postgresql.conf", c->pg.data);
    snprintf(fresh, sizeof fresh, "%s/postgresql.conf.new", c->pg.data);
    FILE *f = fopen(fresh, "we");
    bool ok = f && fputs(conf, f) >= 0;
    if (f)
        ok = fclose(f) == 0 && ok;
    if (!ok || rename(fresh, path) != 0)
        return fail("error=\"cannot write %s: %s\"", path, strerror(errno));
    return 0;
}

static void log_rotate(const struct cluster *c)
{
    char older[PATH_MAX];
    struct stat st;
    snprintf(older, sizeof older, "%s.1", c->pg.log);
    if (stat(c->pg.log, &st) == 0 && st.st_size > LOG_LIMIT)
        rename(c->pg.log, older);
}

/* In DIR, unless the path would not fit into an address or mean something else in a list or in a connection string. */
static int sockets_place(struct cluster *c)
{
    const char *run = getenv("XDG_RUNTIME_DIR");
    if (strlen(c->dir) + sizeof SOCKET_NAME <= sizeof((struct sockaddr_un *)0)->sun_path && !strpbrk(c->dir, ", '\"\\"))
        return (c->pg.sockets = strdup(c->dir)) ? 0 : -1;
    if (asprintf(&c->pg.sockets, "%s/mejora-XXXXXX", run && access(run, W_OK) == 0 ? run : "/tmp") < 0)
        return -1;
    if (!mkdtemp(c->pg.sockets))
        return fail("dir=%s error=\"too long for a socket, and there is no other place: %s\"", c->dir, strerror(errno));
    c->pg.sockets_borrowed = true;
    return 0;
}

/* ---- up and down ---- */

static int wait_ready(const struct cluster *c, const char *conninfo)
{
    struct pollfd ended = {.fd = c->supervisor.fd, .events = POLLIN};
    PGPing ping;
    for (time_t until = now() + PATIENCE_S; (ping = PQping(conninfo)) != PQPING_OK;) {
        if (ping == PQPING_REJECT) /* it recovers after a crash; that may take its time */
            until = now() + PATIENCE_S;
        if (poll(&ended, 1, POLL_MS) == 1 || now() > until) {
            log_tail(c);
            return fail("dir=%s error=\"PostgreSQL does not start\" hint=\"see %s\"", c->dir, c->pg.log);
        }
    }
    supervisor_ready(&c->supervisor);
    return 0;
}

static int database_create(const char *conninfo)
{
    PGconn *pg = PQconnectdb(conninfo);
    PGresult *r = PQexec(pg, "select from pg_database where datname = 'mejora'");
    bool ok = PQresultStatus(r) == PGRES_TUPLES_OK;
    if (ok && PQntuples(r) == 0) {
        PQclear(r);
        r = PQexec(pg, "create database mejora template template0");
        ok = PQresultStatus(r) == PGRES_COMMAND_OK;
    }
    if (!ok)
        fail("error=\"cannot create the database: %s\"", PQerrorMessage(pg));
    PQclear(r);
    PQfinish(pg);
    return ok ? 0 : -1;
}

static int up(struct cluster *c)
{
    char *admin = NULL;
    if (sockets_place(c) != 0 ||
        asprintf(&admin, "host=%s port=5432 user=postgres dbname=postgres", c->pg.sockets) < 0 ||
        asprintf(&c->conninfo, "host=%s port=5432 user=postgres dbname=mejora", c->pg.sockets) < 0)
        return -1;
    int r = supervisor_start(&c->pg, &c->supervisor);
    if (r == 0)
        r = wait_ready(c, admin);
    if (r == 0)
        r = database_create(admin);
    free(admin);
    return r;
}

static int begin(struct cluster *c, const char *dir)
{
    char path[PATH_MAX];
    if (dir_prepare(dir, &c->dir) != 0)
        return -1;
    if (asprintf(&c->pg.data, "%s/postgresql", c->dir) < 0 || asprintf(&c->pg.log, "%s/postgresql.log", c->dir) < 0)
        return fail("error=\"out of memory\"");
    snprintf(path, sizeof path, "%s/lock", c->dir);
    if (lock_take(c, path) != 0)
        return -1;
    log_rotate(c);
    snprintf(path, sizeof path, "%s/postmaster.pid", c->pg.data);
    if (bindir_find(c) != 0 || leftover_stop(c, path) != 0 || data_create(c) != 0 || conf_write(c) != 0)
        return -1;
    return up(c);
}

int cluster_start(const char *dir, struct cluster **ret)
{
    struct cluster *c = calloc(1, sizeof *c);
    if (!c)
        return fail("error=\"out of memory\"");
    c->pg.lock = -1;
    c->supervisor = (struct supervisor){.fd = -1, .life = -1};
    if (begin(c, dir) != 0) {
        cluster_stop(c);
        return -1;
    }
    log_line(LOG_INFO, "part=cluster event=ready dir=%s socket=%s", c->dir, c->pg.sockets);
    *ret = c;
    return 0;
}

const char *cluster_conninfo(const struct cluster *c)
{
    return c->conninfo;
}

int cluster_fd(const struct cluster *c)
{
    return c->supervisor.fd;
}

void cluster_stop(struct cluster *c)
{
    if (!c)
        return;
    supervisor_stop(&c->supervisor);
    if (c->pg.sockets_borrowed) /* it may never have come to a supervisor */
        rmdir(c->pg.sockets);
    if (c->pg.lock >= 0)
        close(c->pg.lock);
    free(c->conninfo);
    free(c->pg.bindir);
    free(c->pg.data);
    free(c->pg.sockets);
    free(c->pg.log);
    free(c->dir);
    free(c);
}
