/* period - the civil dates people write in a plan: quarters, months and days, in Spanish and English.
 *
 * Dates are civil: no clock, no zone. Pure functions; safe from any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct date {
    int year, month, day; /* year 1970..2199, month 1..12 */
};

enum period_unit { PERIOD_DAY, PERIOD_MONTH, PERIOD_T };

/* What T stands for in "T1-2023": its length in months. */
enum period_t { PERIOD_QUARTER = 3, PERIOD_FOUR_MONTH = 4 };

struct period {
    struct date first, last;
    enum period_unit unit;
};

enum { DATE_TEXT = 11, PERIOD_TEXT = 22 };

/* Reads "T1-2023", "may-24", "ene. 2024", "mayo de 2024", "2024-05" or "2024-05-10": any case, with `-`, `/` or spaces;
 * a year of two digits is 20yy. false: not a period, and *ret is untouched. */
bool period_read(const char *text, enum period_t t, struct period *ret);

/* The shortest text that period_read turns back into these days; two dates joined by `/` where no single period is so
 * long. */
void period_write(struct date first, struct date last, enum period_t t, char ret[PERIOD_TEXT]);

bool date_valid(struct date date);
bool date_read(const char *iso, struct date *ret); /* exactly yyyy-mm-dd */
void date_write(struct date date, char ret[DATE_TEXT]);
int32_t date_days(struct date date); /* since 1970-01-01 */
struct date date_from_days(int32_t days);
