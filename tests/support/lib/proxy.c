#include "tests/support/lib/proxy.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_LINES = 64, CHUNK = 1 << 14, WAIT_S = 60 };

/* fd[TO_SERVER] is the server's end: what is read of one end goes to the other. */
struct line {
    int fd[WAYS];
    struct flow {
        char bytes[CHUNK];
        size_t used;
        int64_t due; /* when they may go on */
        long passed;
    } flows[WAYS];
};

struct proxy {
    struct sockaddr_in server;
    char endpoint[64];
    int listener, wake;
    pthread_t thread;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t changed;
    struct line_fault fault;
    bool closing;
    int cuts, closed;
    long passed[WAYS];
    size_t recorded;
    char record[PROXY_RECORD];
    struct line lines[MAX_LINES]; /* the thread's alone */
};

static void hang_up(struct line *l, bool hard)
{
    for (int i = 0; i < WAYS; i++) {
        if (hard)
            setsockopt(l->fd[i], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        close(l->fd[i]);
    }
    l->fd[TO_SERVER] = l->fd[TO_CLIENT] = -1;
}

static void line_take(struct proxy *p)
{
    int client = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), at = 0;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    while (at < MAX_LINES && p->lines[at].fd[TO_SERVER] >= 0)
        at++;
    if (client < 0 || at == MAX_LINES || connect(server, (struct sockaddr *)&p->server, sizeof p->server)) {
        close(client);
        close(server);
        return;
    }
    p->lines[at] = (struct line){.fd = {[TO_SERVER] = server, [TO_CLIENT] = client}};
}

/* Whether the bytes up to the fault have gone; then *n is how many of these still go. */
static bool is_reached(const struct proxy *p, const struct flow *f, enum way way, ssize_t *n)
{
    const struct line_fault *o = &p->fault;
    bool cuts = o->cut && (!o->times || p->cuts < o->times);
    if (o->way != way || !(cuts || o->silent) || f->passed + *n < o->after)
        return false;
    *n = o->after > f->passed ? o->after - f->passed : 0;
    return true;
}

static void cut(struct proxy *p, struct line *l)
{
    if (p->fault.kills && !p->cuts)
        kill(p->fault.kills, SIGKILL);
    p->cuts++;
    hang_up(l, true);
}

static void record(struct proxy *p, const struct line *l, enum way way, const char *bytes, size_t n)
{
    if (way != TO_SERVER || l != &p->lines[0] || p->recorded + n > sizeof p->record)
        return;
    memcpy(p->record + p->recorded, bytes, n);
    p->recorded += n;
}

/* Bytes that go this way come from the other end. */
static void flow_in(struct proxy *p, struct line *l, enum way way)
{
    struct flow *f = &l->flows[way];
    size_t most = p->fault.bytes ? (size_t)p->fault.bytes : sizeof f->bytes;
    ssize_t n = recv(l->fd[!way], f->bytes, most, MSG_DONTWAIT);
    if (n <= 0) {
        p->closed++;
        hang_up(l, false);
        return;
    }
    bool reached = is_reached(p, f, way, &n);
    record(p, l, way, f->bytes, (size_t)n);
    f->used = (size_t)n;
    f->passed += n;
    f->due = clock_ms() + p->fault.delay_ms;
    p->passed[way] += n;
    if (!reached || !p->fault.cut)
        return;
    send(l->fd[way], f->bytes, f->used, MSG_NOSIGNAL); /* the last of them are still heard */
    cut(p, l);
}

static void flow_out(struct line *l, enum way way)
{
    struct flow *f = &l->flows[way];
    ssize_t n = send(l->fd[way], f->bytes, f->used, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0)
        return;
    f->used -= (size_t)n;
    memmove(f->bytes, f->bytes + n, f->used);
}

static bool is_silent(const struct proxy *p, const struct flow *f, enum way way)
{
    return p->fault.silent && p->fault.way == way && f->passed >= p->fault.after;
}

/* What to wait for at both ends; the answer is how long. */
static int line_poll(const struct proxy *p, const struct line *l, struct pollfd on[WAYS], int wait)
{
    int64_t now = clock_ms();
    for (int i = 0; i < WAYS; i++)
        on[i] = (struct pollfd){.fd = l->fd[i]};
    for (int way = 0; way < WAYS && l->fd[way] >= 0; way++) {
        const struct flow *f = &l->flows[way];
        if (!f->used && !is_silent(p, f, (enum way)way))
            on[!way].events |= POLLIN;
        else if (f->used && f->due <= now)
            on[way].events |= POLLOUT;
        else if (f->used && (wait < 0 || f->due - now < wait))
            wait = (int)(f->due - now);
    }
    for (int i = 0; i < WAYS; i++) /* else a silent end that hangs up would wake us for ever */
        if (!on[i].events)
            on[i].fd = -1;
    return wait;
}

static void line_step(struct proxy *p, struct line *l, const struct pollfd on[WAYS])
{
    for (int way = 0; way < WAYS && l->fd[way] >= 0; way++)
        if (on[way].revents & POLLOUT && l->flows[way].used)
            flow_out(l, (enum way)way);
    for (int way = 0; way < WAYS && l->fd[way] >= 0; way++)
        if (on[!way].revents & (POLLIN | POLLHUP | POLLERR) && !l->flows[way].used)
            flow_in(p, l, (enum way)way);
}

static void *run(void *arg)
{
    enum { LISTENER, WAKE, LINES };
    struct proxy *p = arg;
    struct pollfd on[LINES + MAX_LINES * WAYS] = {{.fd = p->listener, .events = POLLIN},
                                                  {.fd = p->wake, .events = POLLIN}};
    eventfd_t n;
    pthread_mutex_lock(&p->lock);
    while (!p->closing) {
        int wait = -1;
        for (int i = 0; i < MAX_LINES; i++)
            wait = line_poll(p, &p->lines[i], on + LINES + i * WAYS, wait);
        pthread_mutex_unlock(&p->lock);
        poll(on, LINES + MAX_LINES * WAYS, wait);
        pthread_mutex_lock(&p->lock);
        if (on[WAKE].revents)
            eventfd_read(p->wake, &n);
        for (int i = 0; i < MAX_LINES; i++)
            line_step(p, &p->lines[i], on + LINES + i * WAYS);
        if (on[LISTENER].revents)
            line_take(p);
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct proxy *proxy_new(const char *endpoint)
{
    struct proxy *p = calloc(1, sizeof *p);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    assert_non_null(p);
    p->server = own;
    p->server.sin_port = htons((uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10));
    for (int i = 0; i < MAX_LINES; i++)
        p->lines[i].fd[TO_SERVER] = p->lines[i].fd[TO_CLIENT] = -1;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&own, size), 0);
    assert_int_equal(listen(p->listener, MAX_LINES), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&own, &size), 0);
    snprintf(p->endpoint, sizeof p->endpoint, "tcp://127.0.0.1:%d", ntohs(own.sin_port));
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
    return p;
}

void proxy_free(struct proxy *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_mutex_unlock(&p->lock);
    eventfd_write(p->wake, 1);
    pthread_join(p->thread, NULL);
    for (int i = 0; i < MAX_LINES; i++)
        if (p->lines[i].fd[TO_SERVER] >= 0)
            hang_up(&p->lines[i], false);
    close(p->listener);
    close(p->wake);
    free(p);
}

const char *proxy_endpoint(const struct proxy *p)
{
    return p->endpoint;
}

void proxy_order(struct proxy *p, const struct line_fault *fault)
{
    pthread_mutex_lock(&p->lock);
    p->fault = *fault;
    p->cuts = p->closed = 0;
    memset(p->passed, 0, sizeof p->passed);
    pthread_mutex_unlock(&p->lock);
    eventfd_write(p->wake, 1);
}

static void wait_for(struct proxy *p, bool (*holds)(const struct proxy *p, long n), long n, const char *what)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&p->lock);
    int late = 0;
    while (!late && !holds(p, n))
        late = pthread_cond_timedwait(&p->changed, &p->lock, &until);
    pthread_mutex_unlock(&p->lock);
    if (late)
        fail_msg("waited in vain: %s", what);
}

static bool is_closed(const struct proxy *p, long n)
{
    return p->closed >= n;
}

static bool has_heard(const struct proxy *p, long n)
{
    return p->passed[TO_SERVER] >= n;
}

static bool has_said(const struct proxy *p, long n)
{
    return p->passed[TO_CLIENT] >= n;
}

void proxy_say(struct proxy *p, const void *bytes, size_t size)
{
    pthread_mutex_lock(&p->lock);
    bool there = p->lines[0].fd[TO_SERVER] >= 0;
    ssize_t said = there ? send(p->lines[0].fd[TO_SERVER], bytes, size, MSG_NOSIGNAL) : -1;
    pthread_mutex_unlock(&p->lock);
    assert_int_equal(said, size);
}

int proxy_cuts(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    int cuts = p->cuts;
    pthread_mutex_unlock(&p->lock);
    return cuts;
}

void proxy_wait_closed(struct proxy *p)
{
    wait_for(p, is_closed, 1, "for somebody to hang up");
}

void proxy_wait_passed(struct proxy *p, enum way way, long bytes)
{
    wait_for(p, way == TO_SERVER ? has_heard : has_said, bytes, "for bytes to come through");
}

size_t proxy_recorded(struct proxy *p, char ret[PROXY_RECORD])
{
    pthread_mutex_lock(&p->lock);
    size_t n = p->recorded;
    memcpy(ret, p->record, n);
    pthread_mutex_unlock(&p->lock);
    return n;
}
