#include "common/period.h"

#include "common/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_YEAR = 1970, LAST_YEAR = 2199 };

static const char *const months[12] = {
    " enero ene january jan ",
    " febrero feb february ",
    " marzo mar march ",
    " abril abr april apr ",
    " mayo may ",
    " junio jun june ",
    " julio jul july ",
    " agosto ago august aug ",
    " septiembre setiembre september sep sept set ",
    " octubre oct october ",
    " noviembre nov november ",
    " diciembre dic december dec ",
};

static int month_days(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool date_valid(struct date d)
{
    return d.year >= FIRST_YEAR && d.year <= LAST_YEAR && d.month >= 1 && d.month <= 12 && d.day >= 1 &&
           d.day <= month_days(d.year, d.month);
}

int32_t date_days(struct date d)
{
    int year = d.year - (d.month <= 2),
        shifted = (d.month + 9) % 12; /* years that begin in March end with the leap day */
    return year * 365 + year / 4 - year / 100 + year / 400 + (153 * shifted + 2) / 5 + d.day - 1 - 719468;
}

struct date date_from_days(int32_t days)
{
    struct date d = {FIRST_YEAR + days / 366, 1, 1};
    while (d.year < LAST_YEAR && date_days((struct date){d.year + 1, 1, 1}) <= days)
        d.year++;
    while (d.month < 12 && date_days((struct date){d.year, d.month + 1, 1}) <= days)
        d.month++;
    d.day += days - date_days(d);
    return d;
}

void date_write(struct date d, char ret[DATE_TEXT])
{
    snprintf(ret, DATE_TEXT, "%04u-%02u-%02u", (unsigned)d.year % 10000, (unsigned)d.month % 100,
             (unsigned)d.day % 100);
}

/* Takes a run of digits; -1 when there is none or it is longer than `most`. */
static int take_number(const char **at, int least, int most)
{
    int n = 0, value = 0;
    for (; isdigit((unsigned char)**at) && n <= most; n++, (*at)++)
        value = value * 10 + (**at - '0');
    return n >= least && n <= most ? value : -1;
}

static int take_year(const char **at)
{
    const char *start = *at;
    int year = take_number(at, 2, 4);
    if (*at - start == 3)
        return -1;
    return *at - start == 2 ? 2000 + year : year;
}

/* "-", "/", " ", ". ", " de ": what may stand between a period's name and its year. */
static bool take_gap(const char **at)
{
    const char *start = *at;
    *at += **at == '.';
    *at += strspn(*at, " ");
    if (!strncmp(*at, "de ", 3) && *at > start)
        *at += 2;
    *at += strspn(*at, "-/") == 1;
    *at += strspn(*at, " ");
    return *at > start && (*at)[-1] != '.';
}

static int month_named(const char *name, size_t n)
{
    char word[16];
    if (!n || n > sizeof word - 3)
        return 0;
    snprintf(word, sizeof word, " %.*s ", (int)n, name);
    for (int i = 0; i < 12; i++)
        if (strstr(months[i], word))
            return i + 1;
    return 0;
}

static struct period months_of(int year, int month, int n, enum period_unit unit)
{
    int last = month + n - 1;
    bool ok = year >= FIRST_YEAR && year <= LAST_YEAR && month >= 1 && last <= 12;
    return (struct period){{year, month, 1}, {year, last, ok ? month_days(year, last) : 0}, unit};
}

/* "t1-2023" or "may-24" */
static struct period read_named(const char **at, enum period_t t)
{
    struct period none = {0};
    size_t letters = strspn(*at, "abcdefghijklmnopqrstuvwxyz");
    int month = month_named(*at, letters), n = 1;
    bool is_t = letters == 1 && **at == 't';
    *at += letters;
    if (is_t) {
        n = (int)t;
        month = 1 + (take_number(at, 1, 1) - 1) * n;
    }
    if (month < 1 || !take_gap(at))
        return none;
    return months_of(take_year(at), month, n, is_t ? PERIOD_T : PERIOD_MONTH);
}

/* "2024-05" or "2024-05-10" */
static struct period read_numeric(const char **at)
{
    struct period none = {0};
    int year = take_number(at, 4, 4);
    char gap = **at;
    if (gap != '-' && gap != '/')
        return none;
    ++*at;
    int month = take_number(at, gap == '-' ? 2 : 1, 2);
    if (**at != '-' || gap != '-')
        return months_of(year, month, 1, PERIOD_MONTH);
    ++*at;
    struct date day = {year, month, take_number(at, 2, 2)};
    return (struct period){day, day, PERIOD_DAY};
}

bool period_read(const char *text, enum period_t t, struct period *ret)
{
    char *folded = text_fold(text);
    if (!folded)
        return false;
    const char *at = folded;
    struct period p = isdigit((unsigned char)*at) ? read_numeric(&at) : read_named(&at, t);
    bool ok = !*at && date_valid(p.first) && date_valid(p.last);
    free(folded);
    if (ok)
        *ret = p;
    return ok;
}

bool date_read(const char *iso, struct date *ret)
{
    struct period day;
    if (strlen(iso) != DATE_TEXT - 1 || !period_read(iso, PERIOD_QUARTER, &day) || day.unit != PERIOD_DAY)
        return false;
    *ret = day.first;
    return true;
}

void period_write(struct date first, struct date last, enum period_t t, char ret[PERIOD_TEXT])
{
    bool whole = first.year == last.year && first.day == 1 && last.day == month_days(last.year, last.month);
    int length = last.month - first.month + 1;
    if (whole && length == (int)t && (first.month - 1) % (int)t == 0) {
        snprintf(ret, PERIOD_TEXT, "T%d-%04u", (first.month - 1) / (int)t + 1, (unsigned)first.year % 10000);
        return;
    }
    date_write(first, ret);
    if (whole && length == 1) {
        ret[DATE_TEXT - 4] = '\0';
    } else if (memcmp(&first, &last, sizeof first) != 0) {
        ret[DATE_TEXT - 1] = '/';
        date_write(last, ret + DATE_TEXT);
    }
}
