#include "server/mailbox.h"

#include <sys/eventfd.h>

void list_init(struct list *l)
{
    *l = (struct list){.end = &l->first};
}

void list_add(struct list *l, struct call *c)
{
    c->next = NULL;
    *l->end = c;
    l->end = &c->next;
    l->n++;
}

int mailbox_init(struct mailbox *m)
{
    *m = (struct mailbox){.lock = PTHREAD_MUTEX_INITIALIZER, .wake = eventfd(0, EFD_CLOEXEC)};
    list_init(&m->calls);
    return m->wake < 0 ? -1 : 0;
}

void mailbox_put(struct mailbox *m, struct list *from)
{
    if (!from->n)
        return;
    pthread_mutex_lock(&m->lock);
    *m->calls.end = from->first;
    m->calls.end = from->end;
    m->calls.n += from->n;
    bool wake = m->want && m->calls.n >= m->want;
    if (wake)
        m->want = 0;
    pthread_mutex_unlock(&m->lock);
    list_init(from);
    if (wake)
        eventfd_write(m->wake, 1);
}

bool mailbox_take(struct mailbox *m, int want, int max, struct list *ret)
{
    list_init(ret);
    pthread_mutex_lock(&m->lock);
    bool enough = m->calls.n >= want;
    while (enough && m->calls.n && ret->n < max) {
        struct call *c = m->calls.first;
        m->calls.first = c->next;
        m->calls.n--;
        list_add(ret, c);
    }
    if (!m->calls.n)
        list_init(&m->calls);
    m->want = enough ? 0 : want;
    pthread_mutex_unlock(&m->lock);
    return enough;
}

static bool is_open(struct mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    bool open = !m->closed;
    pthread_mutex_unlock(&m->lock);
    return open;
}

bool mailbox_wait(struct mailbox *m)
{
    eventfd_t count;
    if (is_open(m))
        eventfd_read(m->wake, &count);
    return is_open(m);
}

void mailbox_close(struct mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    m->closed = true;
    pthread_mutex_unlock(&m->lock);
    eventfd_write(m->wake, 1);
}
