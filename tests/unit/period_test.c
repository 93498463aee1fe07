/* What people write for a time, and the days it means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/period.h"
#include "common/text.h"

static const struct {
    const char *text, *first, *last; /* first NULL: refused */
    enum period_unit unit;
} periods[] = {
    {"T1-2023", "2023-01-01", "2023-03-31", PERIOD_T},
    {"t2 2023", "2023-04-01", "2023-06-30", PERIOD_T},
    {"T3/2023", "2023-07-01", "2023-09-30", PERIOD_T},
    {" T4 - 2023 ", "2023-10-01", "2023-12-31", PERIOD_T},
    {"T1–2023", "2023-01-01", "2023-03-31", PERIOD_T},
    {"T4-23", "2023-10-01", "2023-12-31", PERIOD_T},
    {"may-24", "2024-05-01", "2024-05-31", PERIOD_MONTH},
    {"Apr-24", "2024-04-01", "2024-04-30", PERIOD_MONTH},
    {"ABR-24", "2024-04-01", "2024-04-30", PERIOD_MONTH},
    {"ago-24", "2024-08-01", "2024-08-31", PERIOD_MONTH},
    {"feb-24", "2024-02-01", "2024-02-29", PERIOD_MONTH},
    {"feb/2023", "2023-02-01", "2023-02-28", PERIOD_MONTH},
    {"february 2100", "2100-02-01", "2100-02-28", PERIOD_MONTH},
    {"ene. 2024", "2024-01-01", "2024-01-31", PERIOD_MONTH},
    {"ene.-24", "2024-01-01", "2024-01-31", PERIOD_MONTH},
    {"enero 2024", "2024-01-01", "2024-01-31", PERIOD_MONTH},
    {"Mayo de 2024", "2024-05-01", "2024-05-31", PERIOD_MONTH},
    {"setiembre 2024", "2024-09-01", "2024-09-30", PERIOD_MONTH},
    {"sept-24", "2024-09-01", "2024-09-30", PERIOD_MONTH},
    {"dec-99", "2099-12-01", "2099-12-31", PERIOD_MONTH},
    {"dic 1970", "1970-12-01", "1970-12-31", PERIOD_MONTH},
    {"ene 2199", "2199-01-01", "2199-01-31", PERIOD_MONTH},
    {"2024-05", "2024-05-01", "2024-05-31", PERIOD_MONTH},
    {"2024-02-29", "2024-02-29", "2024-02-29", PERIOD_DAY},
    {"", NULL, NULL, 0},
    {"T0-2023", NULL, NULL, 0},
    {"T5-2023", NULL, NULL, 0},
    {"T12023", NULL, NULL, 0},
    {"T-2023", NULL, NULL, 0},
    {"T1-2023x", NULL, NULL, 0},
    {"T1--2023", NULL, NULL, 0},
    {"T1-202", NULL, NULL, 0},
    {"T1-20233", NULL, NULL, 0},
    {"T1-1969", NULL, NULL, 0},
    {"T1-2200", NULL, NULL, 0},
    {"ma-24", NULL, NULL, 0},
    {"mayo", NULL, NULL, 0},
    {"mayo24", NULL, NULL, 0},
    {"mayo.24", NULL, NULL, 0},
    {"enero febrero 2024", NULL, NULL, 0},
    {"2024-13", NULL, NULL, 0},
    {"2024-00-10", NULL, NULL, 0},
    {"2023-02-29", NULL, NULL, 0},
    {"2024-05-1", NULL, NULL, 0},
    {"24-05-10", NULL, NULL, 0},
    {"05/06/2024", NULL, NULL, 0}, /* which is the day? */
    {"2024", NULL, NULL, 0},
    {"Humanos / Tecnológicos", NULL, NULL, 0},
    {"may-24\xff", NULL, NULL, 0},
};

static void read_means_these_days(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
        struct period p = {0};
        char first[DATE_TEXT], last[DATE_TEXT];
        bool ok = period_read(periods[i].text, PERIOD_QUARTER, &p);
        if (ok != (periods[i].first != NULL))
            fail_msg("'%s': %s", periods[i].text, ok ? "accepted" : "refused");
        if (!ok)
            continue;
        date_write(p.first, first);
        date_write(p.last, last);
        assert_string_equal(first, periods[i].first);
        assert_string_equal(last, periods[i].last);
        assert_int_equal(p.unit, periods[i].unit);
    }
}

static void t_may_be_four_months(void **state)
{
    (void)state;
    struct period p;
    assert_true(period_read("T3-2023", PERIOD_FOUR_MONTH, &p));
    assert_int_equal(p.first.month, 9);
    assert_int_equal(p.last.month, 12);
    assert_false(period_read("T4-2023", PERIOD_FOUR_MONTH, &p));
}

static void write_is_the_shortest_that_reads_back(void **state)
{
    (void)state;
    static const struct {
        struct date first, last;
        const char *text;
    } cases[] = {
        {{2023, 4, 1}, {2023, 6, 30}, "T2-2023"},
        {{2024, 2, 1}, {2024, 2, 29}, "2024-02"},
        {{2024, 5, 10}, {2024, 5, 10}, "2024-05-10"},
        {{2023, 1, 1}, {2023, 6, 30}, "2023-01-01/2023-06-30"},
        {{2023, 2, 1}, {2023, 4, 30}, "2023-02-01/2023-04-30"},
        {{2023, 12, 1}, {2024, 2, 29}, "2023-12-01/2024-02-29"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[PERIOD_TEXT];
        period_write(cases[i].first, cases[i].last, PERIOD_QUARTER, text);
        assert_string_equal(text, cases[i].text);
    }
    for (size_t i = 0; i < sizeof periods / sizeof *periods && periods[i].first; i++) {
        struct period p, again;
        char text[PERIOD_TEXT];
        assert_true(period_read(periods[i].text, PERIOD_QUARTER, &p));
        period_write(p.first, p.last, PERIOD_QUARTER, text);
        assert_true(period_read(text, PERIOD_QUARTER, &again));
        assert_memory_equal(&p, &again, sizeof p);
    }
}

static void every_day_has_one_number(void **state)
{
    (void)state;
    int32_t last = date_days((struct date){2199, 12, 31});
    assert_int_equal(date_days((struct date){1970, 1, 1}), 0);
    assert_int_equal(date_days((struct date){2000, 3, 1}), 11017);
    for (int32_t day = 0; day <= last; day++) {
        struct date date = date_from_days(day), read;
        char iso[DATE_TEXT];
        assert_true(date_valid(date));
        assert_int_equal(date_days(date), day);
        date_write(date, iso);
        if (day % 97 == 0)
            assert_true(date_read(iso, &read) && !memcmp(&date, &read, sizeof date));
    }
}

static void fold_leaves_what_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *folded;
    } cases[] = {
        {"  Área  de\tMejora ", "area de mejora"},
        {"ACCIÓN", "accion"},
        {"A\xcc\x81rea N\xcc\x83u", "area nu"},
        /* NFD */ {"AÑO", "ano"},
        {"uno–dos—tres", "uno-dos-tres"},
        {"", ""},
        {"\xc2\xa0si\xc2\xa0", "si"},
        {"N.º", "n.o"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folded = text_fold(cases[i].text);
        assert_string_equal(folded, cases[i].folded);
        free(folded);
    }
    assert_null(text_fold("a\xff"));
}

static void number_is_what_a_text_begins_with(void **state)
{
    (void)state;
    assert_int_equal(text_number("12) doce"), 12);
    assert_int_equal(text_number("doce"), 0);
    assert_int_equal(text_number("-3"), 0);
    assert_int_equal(text_number("12345678901234"), 123456789);
}

static void near_counts_edits(void **state)
{
    (void)state;
    assert_true(text_near("planificacon", "planificacion", 1));
    assert_true(text_near("planificacon", "planificacion", 8));
    assert_true(text_near("", "ab", 2));
    assert_true(text_near("abc", "abc", 0));
    assert_true(text_near("kitten", "sitting", 3));
    assert_false(text_near("kitten", "sitting", 2));
    assert_false(text_near("", "ab", 1));
    assert_false(text_near("calidad", "equidad", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_means_these_days),
        cmocka_unit_test(t_may_be_four_months),
        cmocka_unit_test(write_is_the_shortest_that_reads_back),
        cmocka_unit_test(every_day_has_one_number),
        cmocka_unit_test(fold_leaves_what_counts),
        cmocka_unit_test(near_counts_edits),
        cmocka_unit_test(number_is_what_a_text_begins_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
