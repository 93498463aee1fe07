/* Stretches of leaves without their entries, and what later entries account for. */
#include "client/lib/pruned.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    uint64_t leaves[10]; /* up to the first 0 */
    const char *told[3], *left;
    uint64_t entries;
} cases[] = {
    {{0}, {"[]"}, "", 0},
    {{1, 2, 3}, {NULL}, "1-3", 0},
    {{1, 2, 3, 7, 8}, {NULL}, "1-3 7-8", 0},
    {{1, 2, 3}, {"[[1,3]]"}, "", 3},
    {{1, 2, 3}, {"[[0,9]]"}, "", 3},
    {{1, 2, 3}, {"[[1,1]]"}, "2-3", 1},
    {{1, 2, 3}, {"[[3,3]]"}, "1-2", 1},
    {{1, 2, 3}, {"[[2,2]]"}, "1-1 3-3", 1},
    {{1, 2, 3}, {"[[4,9]]"}, "1-3", 0},
    {{5, 6, 7}, {"[[1,4]]"}, "5-7", 0},
    {{1, 3, 5, 7, 9}, {"[[3,7]]"}, "1-1 9-9", 3},
    {{1, 2, 3, 4, 7, 8, 9}, {"[[1,1],[3,3],[8,8]]"}, "2-2 4-4 7-7 9-9", 3},
    {{1, 2, 3, 4, 7, 8, 9}, {"[[2,8]]", "[[1,1],[9,9]]"}, "", 7},
    {{1, 2, 3}, {"[[1,2]]", "[[1,2]]"}, "3-3", 2}, /* said twice counts once */
};

static void what_is_said_accounts_for_what_it_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pruned p = {0};
        char left[128] = "", after[64];
        for (size_t n = 0; cases[i].leaves[n]; n++)
            assert_true(pruned_add(&p, cases[i].leaves[n]));
        for (size_t n = 0; n < 3 && cases[i].told[n]; n++) {
            snprintf(after, sizeof after, "{\"years\": 2, \"leaves\": %s}", cases[i].told[n]);
            assert_true(pruned_settle(&p, after, strlen(after)));
        }
        for (size_t n = 0; n < p.n; n++)
            snprintf(left + strlen(left), sizeof left - strlen(left), "%s%" PRIu64 "-%" PRIu64, n ? " " : "",
                     p.runs[n][0], p.runs[n][1]);
        assert_string_equal(left, cases[i].left);
        assert_int_equal(p.entries, cases[i].entries);
        pruned_free(&p);
        assert_int_equal(p.entries, cases[i].entries);
    }
}

static void what_says_nothing_is_refused(void **state)
{
    static const char *const nothing[] = {"",
                                          "null",
                                          "[]",
                                          "{}",
                                          "{\"leaves\": 1}",
                                          "{\"leaves\": [1]}",
                                          "{\"leaves\": [[3,1]]}",
                                          "{\"leaves\": [[-1,3]]}",
                                          "{\"leaves\": [["};
    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        struct pruned p = {0};
        bool all = true;
        for (uint64_t leaf = 1; leaf < 5; leaf++)
            all = all && pruned_add(&p, leaf);
        bool settled = pruned_settle(&p, nothing[i], strlen(nothing[i]));
        assert_true(all);
        assert_true(!settled || p.n == 1);
        assert_int_equal(p.entries, 0);
        pruned_free(&p);
    }
}

static void many_stretches_find_room(void **state)
{
    enum { MANY = 1000 };
    struct pruned p = {0};
    char after[64];
    (void)state;
    for (uint64_t leaf = 0; leaf < 4 * MANY; leaf++)
        if (leaf % 4)
            assert_true(pruned_add(&p, leaf));
    assert_int_equal(p.n, MANY);
    for (int n = 0; n < MANY; n++) {
        snprintf(after, sizeof after, "{\"leaves\": [[%d,%d]]}", 4 * n + 2, 4 * n + 2);
        assert_true(pruned_settle(&p, after, strlen(after)));
    }
    assert_int_equal(p.n, 2 * MANY);
    assert_int_equal(p.entries, MANY);
    pruned_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_accounts_for_what_it_names),
        cmocka_unit_test(what_says_nothing_is_refused),
        cmocka_unit_test(many_stretches_find_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
