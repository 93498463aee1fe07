#include "server/hints.h"

#include "common/log.h"
#include "server/db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93 /* as in front.c */
#endif

static bool set(void *socket, int option, int value)
{
    return !zmq_setsockopt(socket, option, &value, sizeof value);
}

const char *hints_beside(const char *endpoint, char ret[256])
{
    const char *port = strrchr(endpoint, ':');
    if (strncmp(endpoint, "tcp://", 6) != 0 || port < endpoint + 6)
        return NULL;
    snprintf(ret, 256, "%.*s:*", (int)(port - endpoint), endpoint);
    return ret;
}

int hints_open(struct hints *h, void *zmq_context, const char *endpoint, const char *secret_key)
{
    char bound[256];
    size_t size = sizeof bound;
    void *s = zmq_socket(zmq_context, ZMQ_PUB);
    *h = (struct hints){.socket = s, .next = -1};
    bool ok = s && set(s, ZMQ_CURVE_SERVER, 1) && !zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret_key, 40) &&
              !zmq_setsockopt(s, ZMQ_ZAP_DOMAIN, "mejora", 6) && set(s, ZMQ_ZAP_ENFORCE_DOMAIN, 1) &&
              set(s, ZMQ_LINGER, 0) && set(s, ZMQ_SNDHWM, 16) && set(s, ZMQ_HANDSHAKE_IVL, 5000) &&
              set(s, ZMQ_HEARTBEAT_IVL, 10000) && set(s, ZMQ_HEARTBEAT_TIMEOUT, 30000) &&
              set(s, ZMQ_IPV6, strchr(endpoint, '[') != NULL) &&
              !zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &(int64_t){4096}, sizeof(int64_t)) && !zmq_bind(s, endpoint) &&
              !zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, bound, &size);
    if (!ok) {
        log_line(LOG_ERROR, "hints: cannot publish at %s: %s", endpoint, zmq_strerror(zmq_errno()));
        hints_close(h);
        return -1;
    }
    const char *port = strrchr(bound, ':');
    db_announce(port ? atoi(port + 1) : 0);
    log_line(LOG_INFO, "hints: at %s", bound);
    return 0;
}

/* One hint for each institution, however much has changed there. */
static void publish(struct hints *h, const PGresult *r)
{
    for (int row = 0; row < PQntuples(r); row++) {
        char hint[80];
        int n = snprintf(hint, sizeof hint, "%s/", PQgetvalue(r, row, 0));
        zmq_send(h->socket, hint, (size_t)n, ZMQ_DONTWAIT);
        int64_t next = strtoll(PQgetvalue(r, row, 1), NULL, 10);
        h->next = next > h->next ? next : h->next;
    }
}

void hints_tell(struct hints *h, PGconn *pg)
{
    char next[24];
    const char *values[] = {next};
    if (!h->socket)
        return;
    snprintf(next, sizeof next, "%" PRId64, h->next);
    PGresult *r = h->next < 0 ? db_run(pg, "select coalesce(max(leaf) + 1, 0) from road.leaf", 0, NULL)
                              : db_run(pg, "select about, max(leaf) + 1 from road.leaf where leaf >= $1 group by about",
                                       1, values);
    if (r && h->next < 0)
        h->next = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    else if (r)
        publish(h, r);
    PQclear(r);
}

void hints_close(struct hints *h)
{
    if (h->socket)
        zmq_close(h->socket);
    h->socket = NULL;
}
