/* proxy - the line between clients and a server, and what may happen to one: cut after so many bytes, silent with nobody
 * hanging up, slow, late.
 *
 * A thread of its own carries the bytes. An order holds for connections that there are and that come; the caller frees. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum way { TO_SERVER, TO_CLIENT, WAYS };
enum { PROXY_RECORD = 1 << 16 };

/* All zero: a good line. */
struct line_fault {
    enum way way;
    bool cut;     /* each connection, after so many bytes have gone that way */
    long after;   /* bytes of one connection before it is cut or falls silent */
    int times;    /* how often it is cut, then the line is good; 0: always */
    pid_t kills;  /* who dies with the first cut, or 0 */
    bool silent;  /* that way nothing comes through any more, and nobody hangs up */
    int delay_ms; /* both ways, whatever comes */
    int bytes;    /* at once, both ways, when there is a delay; 0: as much as comes */
};

struct proxy *proxy_new(const char *endpoint); /* tcp://HOST:PORT of the server */
void proxy_free(struct proxy *p);              /* hangs up on everybody */
const char *proxy_endpoint(const struct proxy *p);
void proxy_order(struct proxy *p, const struct line_fault *fault);
void proxy_say(struct proxy *p, const void *bytes, size_t size); /* to the server, in the name of the first client */
int proxy_cuts(struct proxy *p);
void proxy_wait_closed(struct proxy *p); /* until one side has hung up by itself; not within the time fails the test */
void proxy_wait_passed(struct proxy *p, enum way way, long bytes); /* since the order */
size_t proxy_recorded(struct proxy *p, char ret[PROXY_RECORD]);    /* what the first connection's client has said */
