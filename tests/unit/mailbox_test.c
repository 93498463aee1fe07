/* The mailbox: nothing lost, nothing out of order, and nobody asleep for whom something lies there. */
#include "server/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include <cmocka.h>

enum { GIVERS = 4, EACH = 20000 };

static struct mailbox box;

static void put(struct call *c)
{
    struct list one;
    list_init(&one);
    list_add(&one, c);
    mailbox_put(&box, &one);
    assert_int_equal(one.n, 0);
}

static void calls_come_in_order_as_many_as_wanted(void **state)
{
    static struct call calls[5];
    struct list got;
    (void)state;
    assert_int_equal(mailbox_init(&box), 0);
    assert_false(mailbox_take(&box, 1, 10, &got));
    for (int i = 0; i < 5; i++)
        put(&calls[i]);
    assert_false(mailbox_take(&box, 6, 10, &got));
    assert_int_equal(got.n, 0);
    assert_true(mailbox_take(&box, 5, 3, &got));
    assert_int_equal(got.n, 3);
    assert_ptr_equal(got.first, &calls[0]);
    assert_ptr_equal(got.first->next->next, &calls[2]);
    assert_null(got.first->next->next->next);
    assert_true(mailbox_take(&box, 1, 10, &got));
    assert_int_equal(got.n, 2);
    assert_ptr_equal(got.first, &calls[3]);
}

/* The promise behind a false take: the put that makes it enough wakes, and only that one. */
static void only_enough_wakes(void **state)
{
    static struct call calls[3];
    struct list got;
    eventfd_t count = 0;
    (void)state;
    assert_int_equal(mailbox_init(&box), 0);
    int flags = eventfd(0, EFD_NONBLOCK);
    assert_true(flags >= 0);
    box.wake = flags;
    assert_false(mailbox_take(&box, 2, 10, &got));
    put(&calls[0]);
    assert_int_equal(eventfd_read(box.wake, &count), -1);
    put(&calls[1]);
    assert_int_equal(eventfd_read(box.wake, &count), 0);
    put(&calls[2]);
    assert_int_equal(eventfd_read(box.wake, &count), -1);
    assert_true(mailbox_take(&box, 1, 10, &got));
    assert_int_equal(got.n, 3);
}

static void *give(void *number)
{
    struct call *calls = calloc(EACH, sizeof *calls);
    for (int i = 0; calls && i < EACH; i++) {
        calls[i].key = (int64_t)(intptr_t)number;
        calls[i].expires = i;
        put(&calls[i]);
    }
    return calls;
}

static void nothing_is_lost_between_threads(void **state)
{
    pthread_t givers[GIVERS];
    void *memory[GIVERS];
    int64_t next[GIVERS] = {0};
    struct list got;
    (void)state;
    assert_int_equal(mailbox_init(&box), 0);
    for (intptr_t i = 0; i < GIVERS; i++)
        assert_int_equal(pthread_create(&givers[i], NULL, give, (void *)i), 0);
    for (int left = GIVERS * EACH; left > 0;) {
        if (!mailbox_take(&box, left % 7 ? 1 : left < 50 ? left : 50, 64, &got)) {
            assert_true(mailbox_wait(&box));
            continue;
        }
        left -= got.n;
        for (struct call *c = got.first; c; c = c->next)
            assert_int_equal(c->expires, next[c->key]++);
    }
    for (int i = 0; i < GIVERS; i++) {
        pthread_join(givers[i], &memory[i]);
        assert_int_equal(next[i], EACH);
        free(memory[i]);
    }
}

static void *wait_for_end(void *arg)
{
    (void)arg;
    struct list got;
    bool found = mailbox_take(&box, 1, 1, &got);
    return (void *)(intptr_t)(found || mailbox_wait(&box));
}

static void closing_wakes_the_taker_before_and_after(void **state)
{
    pthread_t taker;
    void *awake;
    (void)state;
    assert_int_equal(mailbox_init(&box), 0);
    assert_int_equal(pthread_create(&taker, NULL, wait_for_end, NULL), 0);
    mailbox_close(&box);
    pthread_join(taker, &awake);
    assert_null(awake);
    assert_false(mailbox_wait(&box));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_come_in_order_as_many_as_wanted),
        cmocka_unit_test(only_enough_wakes),
        cmocka_unit_test(nothing_is_lost_between_threads),
        cmocka_unit_test(closing_wakes_the_taker_before_and_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
