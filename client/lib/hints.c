#include "client/lib/hints.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { RETRY_MS = 1000, RETRY_MAX_MS = 30000 };

struct hints {
    const struct profile *profile;
    void *context, *socket;
    char at[256]; /* what the socket is connected to */
};

struct hints *hints_new(const struct profile *profile)
{
    struct hints *h = calloc(1, sizeof *h);
    if (h && !(h->context = zmq_ctx_new())) {
        free(h);
        return NULL;
    }
    if (h)
        h->profile = profile;
    return h;
}

static void hang_up(struct hints *h)
{
    if (h->socket)
        zmq_close(h->socket);
    h->socket = NULL;
}

void hints_free(struct hints *h)
{
    if (!h)
        return;
    hang_up(h);
    zmq_ctx_term(h->context);
    free(h);
}

static bool set(void *socket, int option, int value)
{
    return !zmq_setsockopt(socket, option, &value, sizeof value);
}

static bool dial(struct hints *h, const char *topic)
{
    void *s = h->socket = zmq_socket(h->context, ZMQ_SUB);
    return s && set(s, ZMQ_LINGER, 0) && set(s, ZMQ_RCVHWM, 16) && set(s, ZMQ_IPV6, 1) &&
           set(s, ZMQ_RECONNECT_IVL, RETRY_MS) && set(s, ZMQ_RECONNECT_IVL_MAX, RETRY_MAX_MS) &&
           set(s, ZMQ_HEARTBEAT_IVL, 10000) && set(s, ZMQ_HANDSHAKE_IVL, 5000) &&
           !zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &(int64_t){4096}, sizeof(int64_t)) &&
           !zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, h->profile->server_key, PROFILE_KEY) &&
           !zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, h->profile->public_key, PROFILE_KEY) &&
           !zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, h->profile->secret_key, PROFILE_KEY) &&
           !zmq_setsockopt(s, ZMQ_SUBSCRIBE, topic, strlen(topic)) && !zmq_connect(s, h->at);
}

void hints_follow(struct hints *h, const struct client *c, int port, const char *institution)
{
    char at[sizeof h->at], topic[80] = "";
    const char *server = client_endpoint(c), *end = strrchr(server, ':');
    if (port && end)
        snprintf(at, sizeof at, "%.*s:%d", (int)(end - server), server, port);
    if (port && end && h->socket && !strcmp(at, h->at))
        return;
    hang_up(h);
    if (!port || !end)
        return;
    memcpy(h->at, at, sizeof at);
    if (institution)
        snprintf(topic, sizeof topic, "%s/", institution);
    if (!dial(h, topic))
        hang_up(h); /* asking now and then will do */
}

void hints_wait(struct hints *h, int ms)
{
    char hint[256];
    zmq_pollitem_t item = {.socket = h->socket, .events = ZMQ_POLLIN};
    if (!h->socket)
        poll(NULL, 0, ms);
    else if (zmq_poll(&item, 1, ms) > 0)
        while (zmq_recv(h->socket, hint, sizeof hint, ZMQ_DONTWAIT) >= 0)
            ;
}
