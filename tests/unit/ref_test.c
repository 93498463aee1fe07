/* References as people say them: what is one, what is none, what may be left out. */
#include "common/ref.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    enum ref_level level;
    int32_t plan, item_no, task_no;
} good[] = {
    {"", REF_NOTHING, 0, 0, 0},
    {"inm", REF_INSTITUTION, 0, 0, 0},
    {"a", REF_INSTITUTION, 0, 0, 0},
    {"7-de-agosto", REF_INSTITUTION, 0, 0, 0},
    {"inm/1970", REF_PLAN, 1970, 0, 0},
    {"inm/2199", REF_PLAN, 2199, 0, 0},
    {"inm/2023/12", REF_ACTION, 2023, 12, 0},
    {"inm/2023/999999999", REF_ACTION, 2023, 999999999, 0},
    {"inm/2023/12.3", REF_TASK, 2023, 12, 3},
};

static const char *const bad[] = {
    "/",
    "inm/",
    "-inm",
    "INM",
    "ínm",
    "inm 2023",
    "inm/abc",
    "inm/1969",
    "inm/2200",
    "inm/02023",
    "inm/2023/",
    "inm/2023/0",
    "inm/2023/012",
    "inm/2023/-1",
    "inm/2023/+1",
    "inm/2023/ 1",
    "inm/2023/1000000000",
    "inm/2023/12.",
    "inm/2023/12.0",
    "inm/2023/12.3.4",
    "inm/2023/12/3",
    "inm/2023.1",
    "inm//12",
    "*",
    "inm\n",
    "0123456789012345678901234567890123456789012345678901234567890123",
};

static void what_people_say_is_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct ref r;
        char text[REF_TEXT];
        if (!ref_parse(good[i].text, &r))
            fail_msg("refused: %s", good[i].text);
        assert_int_equal(r.level, good[i].level);
        assert_int_equal(r.plan, good[i].plan);
        assert_int_equal(r.item_no, good[i].item_no);
        assert_int_equal(r.task_no, good[i].task_no);
        assert_string_equal(ref_text(&r, text), good[i].text);
    }
    struct ref nothing;
    assert_true(ref_parse(NULL, &nothing));
    assert_int_equal(nothing.level, REF_NOTHING);
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    struct ref r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ref_parse(bad[i], &r))
            fail_msg("taken: %s", bad[i]);
}

static const struct {
    const char *text, *institution;
    int32_t plan;
    const char *whole; /* NULL: cannot be completed */
} short_forms[] = {
    {"12", "inm", 2023, "inm/2023/12"},
    {"12.3", "inm", 2023, "inm/2023/12.3"},
    {"2022/12", "inm", 2023, "inm/2022/12"},
    {"2022", "inm", 0, "inm/2022"},
    {"2022", "inm", 2023, "inm/2023/2022"}, /* with a plan, a number is an action */
    {"sns/2024/1", "inm", 2023, "sns/2024/1"},
    {"sns", "inm", 2023, "sns"},
    {"", "inm", 2023, ""},
    {"12", NULL, 0, NULL},
    {"12", "inm", 0, NULL},
    {"12", NULL, 2023, NULL},
    {"12x", "inm", 2023, "12x"}, /* an institution's code may begin with a digit */
    {"0", "inm", 2023, "0"},
    {"12.0", "inm", 2023, NULL},
    {"2022/0", "inm", 2023, NULL},
};

static void what_is_left_out_is_completed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof short_forms / sizeof *short_forms; i++) {
        struct ref r;
        char text[REF_TEXT] = "";
        bool whole = ref_complete(short_forms[i].text, short_forms[i].institution, short_forms[i].plan, &r);
        if (whole != (short_forms[i].whole != NULL) || (whole && strcmp(ref_text(&r, text), short_forms[i].whole) != 0))
            fail_msg("\"%s\" became %s", short_forms[i].text, whole ? text : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_say_is_read_and_written),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(what_is_left_out_is_completed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
