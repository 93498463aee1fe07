/* mailbox - calls handed from one thread to another, in order.
 *
 * Many may put, one takes. The taker says how many are worth waking it for, and `wake` is written only then: a busy taker
 * costs its givers no system call. */
#pragma once

#include "server/call.h"

#include <pthread.h>
#include <stdbool.h>

struct list {
    struct call *first, **end; /* end: where the next one is linked */
    int n;
};

struct mailbox {
    pthread_mutex_t lock;
    struct list calls;
    int want; /* wake the taker when so many wait; 0: it is awake */
    bool closed;
    int wake; /* eventfd, readable when there is something to take */
};

void list_init(struct list *l);
void list_add(struct list *l, struct call *c);

int mailbox_init(struct mailbox *m);                    /* 0, or -1 with errno */
void mailbox_put(struct mailbox *m, struct list *from); /* empties from */
bool mailbox_take(struct mailbox *m, int want, int max,
                  struct list *ret);  /* false: not so many now; `wake` will tell */
bool mailbox_wait(struct mailbox *m); /* after a take that found too few; false: closed */
void mailbox_close(struct mailbox *m);
