#include "server/bootstrap.h"

#include "common/log.h"
#include "common/profile.h"
#include "server/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

static const struct {
    const char *person, *file;
} firsts[] = {{"admin", "admin.profile"}, {"notifier", "notifier.profile"}};

static int key_read(const char *path, struct identity *ret)
{
    struct stat st;
    FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT ? 1 : -1;
    bool ok = fstat(fileno(f), &st) == 0 && fscanf(f, "%40s %40s", ret->public_key, ret->secret_key) == 2;
    fclose(f);
    if (ok && !(st.st_mode & 077))
        return 0;
    log_line(LOG_ERROR, ok ? "%s can be read by others: chmod 600 it" : "%s is not a key file", path);
    return -1;
}

static int key_write(const char *path, const struct identity *id)
{
    char fresh[4096];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return -1;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && dprintf(fd, "%s\n%s\n", id->public_key, id->secret_key) > 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok && rename(fresh, path) == 0 ? 0 : -1;
}

int bootstrap_identity(const char *state, struct identity *ret)
{
    char path[4096];
    if (mkdir(state, 0700) && errno != EEXIST) {
        log_line(LOG_ERROR, "%s cannot be made: %s", state, strerror(errno));
        return -1;
    }
    snprintf(path, sizeof path, "%s/server.key", state);
    int found = key_read(path, ret);
    if (found == 1 && (zmq_curve_keypair(ret->public_key, ret->secret_key) || key_write(path, ret))) {
        log_line(LOG_ERROR, "%s cannot be written: %s", path, strerror(errno));
        return -1;
    }
    return found < 0 ? -1 : 0;
}

const char *bootstrap_reachable(const char *endpoint, char ret[256])
{
    static const char *const wildcards[] = {"tcp://0.0.0.0:", "tcp://[::]:", "tcp://*:"};
    for (size_t i = 0; i < sizeof wildcards / sizeof *wildcards; i++)
        if (!strncmp(endpoint, wildcards[i], strlen(wildcards[i]))) {
            snprintf(ret, 256, "tcp://127.0.0.1:%s", endpoint + strlen(wildcards[i]));
            return ret;
        }
    snprintf(ret, 256, "%s", endpoint);
    return ret;
}

/* Asks whether this first person lacks a key (public_key NULL), or gives the key in. 1: yes, 0: no, -1: failed. */
static int first_key(PGconn *pg, const char *person, const char *public_key)
{
    char hex[2 + 64 + 1] = "\\x";
    uint8_t raw[32];
    if (public_key && !zmq_z85_decode(raw, public_key))
        return -1;
    for (int i = 0; public_key && i < 32; i++)
        snprintf(hex + 2 + 2 * i, 3, "%02x", raw[i]);
    const char *values[] = {person, public_key ? hex : NULL};
    PGresult *r = db_run(pg, "select lib.first_key($1::text, $1::text::mejora.role, $2::bytea)", 2, values);
    int answer = r ? *PQgetvalue(r, 0, 0) == 't' : -1;
    PQclear(r);
    return answer;
}

/* endpoints: one, or several with commas between. */
static bool endpoints_set(struct profile *p, const char *endpoints)
{
    char *list = strdup(endpoints), *rest = list;
    bool ok = list;
    while (p->n_endpoints)
        free(p->endpoints[--p->n_endpoints]);
    for (char *endpoint; ok && (endpoint = strsep(&rest, ","));)
        ok = profile_endpoint_add(p, endpoint);
    free(list);
    return ok;
}

static bool profile_make(struct profile *p, const struct identity *id, const char *endpoints, const char *person)
{
    *p = (struct profile){.person = strdup(person)};
    memcpy(p->server_key, id->public_key, sizeof p->server_key);
    return p->person && endpoints_set(p, endpoints) && profile_keys_make(p);
}

/* The server may listen elsewhere than when the profile was written. Several endpoints are somebody's own choice. */
static bool profile_follow(const char *path, const char *endpoints, struct profile_error *error)
{
    struct profile p;
    bool ok = profile_read(path, &p, error);
    if (!ok && error->fault != PROFILE_MISSING)
        log_line(LOG_WARNING, "%s is left as it is: somebody made it theirs", path);
    if (!ok)
        return true; /* gone: somebody took it where it belongs */
    if (p.n_endpoints == 1 && strcmp(p.endpoints[0], endpoints) != 0)
        ok = endpoints_set(&p, endpoints) && profile_write(path, &p, error);
    profile_free(&p);
    return ok;
}

/* The file before the key: a crash between the two leaves a key that nobody accepts, and the next start makes another. */
static int profile_settle(PGconn *pg, const char *state, const struct identity *id, const char *endpoints, size_t i)
{
    char path[4096];
    struct profile p = {0};
    struct profile_error error = {0};
    snprintf(path, sizeof path, "%s/%s", state, firsts[i].file);
    int needed = first_key(pg, firsts[i].person, NULL);
    bool ok = needed == 0 ? profile_follow(path, endpoints, &error)
                          : needed == 1 && profile_make(&p, id, endpoints, firsts[i].person) &&
                                profile_write(path, &p, &error) && first_key(pg, firsts[i].person, p.public_key) == 1;
    profile_free(&p);
    if (!ok)
        log_line(LOG_ERROR, "%s cannot be written or read: %s", path, error.detail);
    return ok ? 0 : -1;
}

int bootstrap_profiles(const char *state, const struct identity *id, const char *endpoints, const char *conninfo)
{
    PGconn *pg = db_connect(conninfo, false);
    int failed = PQstatus(pg) != CONNECTION_OK;
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        failed = failed || profile_settle(pg, state, id, endpoints, i);
    PQfinish(pg);
    return failed ? -1 : 0;
}
