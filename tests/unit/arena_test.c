/* The arena: aligned memory up to a budget, all of it back at once. */
#include "common/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena a;
    char *pieces[500];
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < 500; i++) {
        pieces[i] = arena_alloc(&a, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i % 251), i);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_equal((uint8_t)pieces[i][j], i % 251);
    arena_free(&a);
}

static void the_budget_holds_however_it_is_spent(void **state)
{
    static const size_t sizes[] = {1, 7, 16, 100, 4096, 5000, 100000};
    enum { BUDGET = 200000 };
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct arena a;
        size_t given = 0;
        arena_init(&a, BUDGET);
        while (arena_alloc(&a, sizes[i]))
            given += sizes[i];
        assert_true(given > 0 && given <= BUDGET);
        assert_null(arena_alloc(&a, BUDGET));
        arena_reset(&a);
        assert_non_null(arena_alloc(&a, sizes[i])); /* and is there again */
        arena_free(&a);
    }
}

static void sizes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1000);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 8));
    assert_null(arena_alloc(&a, 1001));
    assert_non_null(arena_alloc(&a, 1000));
    assert_null(arena_alloc(&a, 1));
    arena_free(&a);
    arena_init(&a, 0);
    assert_null(arena_alloc(&a, 1));
    arena_free(&a);
}

static void what_decodes_gets_the_same_memory(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64);
    void *mem = a.protobuf.alloc(a.protobuf.allocator_data, 32);
    assert_non_null(mem);
    a.protobuf.free(a.protobuf.allocator_data, mem);
    assert_non_null(a.protobuf.alloc(a.protobuf.allocator_data, 32));
    assert_null(a.protobuf.alloc(a.protobuf.allocator_data, 1));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(the_budget_holds_however_it_is_spent),
        cmocka_unit_test(sizes_that_cannot_be_are_refused),
        cmocka_unit_test(what_decodes_gets_the_same_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
