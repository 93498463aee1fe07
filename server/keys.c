#include "server/keys.h"

#include "common/clock.h"
#include "common/fault.h"
#include "common/log.h"
#include "server/db.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, KEY, FRAMES };

static struct guard {
    const char *conninfo;
    PGconn *pg;
    void *socket;
    pthread_t thread;
    bool started;
} guard;

enum { SLOTS = 4096, NOTED_AN_HOUR = 10, HOUR_MS = 3600000 };

/* Attempts with keys that are good no more, by key number; two that meet in a slot share it. */
static struct {
    int64_t begun;
    int noted, silent; /* in the hour from then on; since the last one that was noted */
} attempts[SLOTS];

/* Somebody who was welcome once tries again: in the audit trail, but not as often as a loop can try. */
static void note(struct guard *g, const char *id)
{
    int slot = (int)(strtoll(id, NULL, 10) % SLOTS);
    int64_t now = clock_ms();
    char silent[16];
    if (now - attempts[slot].begun >= HOUR_MS) {
        attempts[slot].begun = now;
        attempts[slot].noted = 0;
    }
    if (attempts[slot].noted >= NOTED_AN_HOUR) {
        attempts[slot].silent++;
        return;
    }
    snprintf(silent, sizeof silent, "%d", attempts[slot].silent);
    const char *values[] = {id, attempts[slot].silent ? silent : NULL};
    PGresult *r =
        db_run(g->pg, "select lib.note($1, null, null, null, null, null, 'connect', 'denied', 'key_revoked', $2, null)",
               2, values);
    attempts[slot].noted += r != NULL;
    attempts[slot].silent = r ? 0 : attempts[slot].silent + 1;
    PQclear(r);
}

/* What road.key says of it: its id in decimal; "" when it is not accepted; NULL when the database cannot be asked. */
static const char *owner(struct guard *g, const uint8_t key[32], char id[24])
{
    char hex[2 + 64 + 1] = "\\x";
    const char *values[] = {hex};
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 + 2 * i, 3, "%02x", key[i]);
    for (int tries = 0; tries < 2; tries++) {
        PGresult *r = db_run(g->pg,
                             "select id, revoked_at is null and (expires_at is null or expires_at > now())"
                             " from road.key where public_key = $1::bytea",
                             1, values);
        if (r) {
            bool known = PQntuples(r), good = known && *PQgetvalue(r, 0, 1) == 't';
            if (known && !good)
                note(g, PQgetvalue(r, 0, 0));
            snprintf(id, 24, "%s", good ? PQgetvalue(r, 0, 0) : "");
            PQclear(r);
            return id;
        }
        PQfinish(g->pg);
        g->pg = db_connect(g->conninfo, false);
    }
    return NULL;
}

static void reply(struct guard *g, zmq_msg_t frames[], bool curve)
{
    char id[24] = "", key[41] = "-";
    const char *user = "";
    if (curve) {
        user = owner(g, zmq_msg_data(&frames[KEY]), id);
        if (fault(FAULT_guarded))
            user = "anybody";
        zmq_z85_encode(key, zmq_msg_data(&frames[KEY]), 32);
    }
    const char *code = !user ? "300" : *user ? "200" : "400"; /* 300: try again later */
    if (*code != '2')
        log_line(LOG_WARNING, "keys: refused code=%s address=%.*s key=%s", code, (int)zmq_msg_size(&frames[ADDRESS]),
                 (const char *)zmq_msg_data(&frames[ADDRESS]), key);
    zmq_send(g->socket, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(g->socket, zmq_msg_data(&frames[REQUEST]), zmq_msg_size(&frames[REQUEST]), ZMQ_SNDMORE);
    zmq_send(g->socket, code, 3, ZMQ_SNDMORE);
    zmq_send(g->socket, "", 0, ZMQ_SNDMORE);
    zmq_send(g->socket, id, strlen(id), ZMQ_SNDMORE);
    zmq_send(g->socket, "", 0, 0);
}

static int receive(void *socket, zmq_msg_t frames[FRAMES])
{
    int n = 0;
    for (int i = 0; i < FRAMES; i++)
        zmq_msg_init(&frames[i]);
    for (int more = 1; more; n++) {
        zmq_msg_t *frame = &frames[n < FRAMES ? n : FRAMES - 1];
        while (zmq_msg_recv(frame, socket, 0) < 0)
            if (zmq_errno() != EINTR)
                return -1;
        more = zmq_msg_more(frame);
    }
    return n;
}

static void *run(void *arg)
{
    struct guard *g = arg;
    for (int n = 0; n >= 0;) {
        zmq_msg_t frames[FRAMES];
        n = receive(g->socket, frames);
        bool curve = n == FRAMES && zmq_msg_size(&frames[KEY]) == 32 && zmq_msg_size(&frames[MECHANISM]) == 5 &&
                     !memcmp(zmq_msg_data(&frames[MECHANISM]), "CURVE", 5);
        if (n > 0)
            reply(g, frames, curve);
        for (int i = 0; i < FRAMES; i++)
            zmq_msg_close(&frames[i]);
    }
    zmq_close(g->socket);
    PQfinish(g->pg);
    return NULL;
}

int keys_guard(void *zmq_context, const char *conninfo)
{
    guard = (struct guard){
        .conninfo = conninfo, .pg = db_connect(conninfo, false), .socket = zmq_socket(zmq_context, ZMQ_REP)};
    guard.started = guard.socket && PQstatus(guard.pg) == CONNECTION_OK &&
                    !zmq_bind(guard.socket, "inproc://zeromq.zap.01") &&
                    !pthread_create(&guard.thread, NULL, run, &guard);
    if (guard.started)
        return 0;
    log_line(LOG_ERROR, "keys: no guard: %s %s", zmq_strerror(zmq_errno()), PQerrorMessage(guard.pg));
    if (guard.socket)
        zmq_close(guard.socket);
    PQfinish(guard.pg);
    return -1;
}

void keys_join(void)
{
    if (guard.started)
        pthread_join(guard.thread, NULL);
}

enum knock { SILENCE, LET_IN, REFUSED };

/* What the first event of a handshake is. */
static enum knock listen_at(void *monitor)
{
    zmq_msg_t event;
    enum knock heard = SILENCE;
    while (heard == SILENCE) {
        uint16_t number = 0;
        zmq_msg_init(&event);
        if (zmq_msg_recv(&event, monitor, 0) < 2)
            break;
        memcpy(&number, zmq_msg_data(&event), sizeof number);
        zmq_msg_recv(&event, monitor, 0); /* the address */
        zmq_msg_close(&event);
        if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            heard = LET_IN;
        else if (number & (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                           ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_DISCONNECTED))
            heard = REFUSED;
    }
    return heard;
}

static enum knock knock(void *zmq_context, const char *endpoint, const char *server_key)
{
    char public[41], secret[41];
    const char *at =
        server_key ? "inproc://knock-with-key" : "inproc://knock-without"; /* names outlive their sockets a little */
    int zero = 0, wait = 5000;
    void *socket = zmq_socket(zmq_context, ZMQ_DEALER), *monitor = zmq_socket(zmq_context, ZMQ_PAIR);
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(monitor, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &wait, sizeof wait);
    if (server_key && !zmq_curve_keypair(public, secret)) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, 40);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public, 40);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, 40);
    }
    enum knock heard = SILENCE;
    if (!zmq_socket_monitor(socket, at, ZMQ_EVENT_ALL) && !zmq_connect(monitor, at) && !zmq_connect(socket, endpoint))
        heard = listen_at(monitor);
    zmq_socket_monitor(socket, NULL, 0);
    zmq_close(monitor);
    zmq_close(socket);
    return heard;
}

bool keys_prove(void *zmq_context, const char *endpoint, const char *server_key)
{
    bool proven = knock(zmq_context, endpoint, server_key) == REFUSED && knock(zmq_context, endpoint, NULL) == REFUSED;
    if (!proven)
        log_line(LOG_ERROR, "keys: a stranger was not refused at %s", endpoint);
    return proven;
}
