/* Importing holidays: the days of a calendar file (iCalendar, RFC 5545), each with its event's name. */
#include "client/cli/cli.h"

#include "client/lib/grid.h"

#include <libical/ical.h>
#include <stdlib.h>
#include <string.h>

enum { YEARS_AHEAD = 5, LONGEST = 31 }; /* of what comes back every year; of one event, in days */

static void add_day(struct cli *cli, icaltimetype day, const char *name)
{
    char iso[32];
    snprintf(iso, sizeof iso, "%04d-%02d-%02d", day.year, day.month, day.day);
    json_array_append_new(json_object_get(cli->fields, "dates"), json_string(iso));
    json_array_append_new(json_object_get(cli->fields, "names"), json_string(name));
}

/* An event without end is one day long; the end of a whole-day event is the day after. */
static void add_event(struct cli *cli, icaltimetype start, int days, const char *name)
{
    for (int i = 0; i < days; i++) {
        icaltimetype day = start;
        icaltime_adjust(&day, i, 0, 0, 0);
        add_day(cli, day, name);
    }
}

static int length(icalcomponent *event, icaltimetype start)
{
    icaltimetype end = icalcomponent_get_dtend(event);
    if (icaltime_is_null_time(end) || !start.is_date || !end.is_date)
        return 1;
    return (int)(icaltime_as_timet(end) / 86400 - icaltime_as_timet(start) / 86400);
}

static void add_recurring(struct cli *cli, icalcomponent *event, icalproperty *rule, int days, const char *name)
{
    icaltimetype start = icalcomponent_get_dtstart(event), next;
    int last = icaltime_today().year + YEARS_AHEAD;
    icalrecur_iterator *dates = icalrecur_iterator_new(icalproperty_get_rrule(rule), start);
    while (dates && (next = icalrecur_iterator_next(dates), !icaltime_is_null_time(next)) && next.year <= last)
        if (!icalproperty_recurrence_is_excluded(event, &start, &next))
            add_event(cli, next, days, name);
    icalrecur_iterator_free(dates);
}

/* libical takes a thirteenth month as it comes. */
static bool is_day(icaltimetype t)
{
    return !icaltime_is_null_time(t) && t.month >= 1 && t.month <= 12 && t.day >= 1 &&
           t.day <= icaltime_days_in_month(t.month, t.year);
}

/* False: said what is wrong with it. */
static bool read_event(struct cli *cli, icalcomponent *event, const char *path, int number)
{
    icaltimetype start = icalcomponent_get_dtstart(event);
    icalproperty *rule = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY);
    const char *name = icalcomponent_get_summary(event);
    int days = is_day(start) ? length(event, start) : 0;
    bool cancelled = icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED;
    if (!is_day(start))
        say(_("%s: event %d has no day."), path, number);
    else if (!name || !*name)
        say(_("%s: event %d (%04d-%02d-%02d) has no name."), path, number, start.year, start.month, start.day);
    else if (days < 1 || days > LONGEST)
        say(_("%s: event %d (%s) does not last from one to %d days."), path, number, name, LONGEST);
    else {
        if (!cancelled && rule)
            add_recurring(cli, event, rule, days, name);
        else if (!cancelled)
            add_event(cli, start, days, name);
        return true;
    }
    return false;
}

/* All faults are said, not only the first. */
static bool read_calendar(struct cli *cli, const char *path)
{
    size_t size;
    char *bytes = import_slurp(path, &size), *text = bytes ? strndup(bytes, size) : NULL;
    icalcomponent *calendar = text ? icalparser_parse_string(text) : NULL, *event;
    bool ok = calendar && size <= GRID_LIMIT && icalcomponent_isa(calendar) != ICAL_XLICINVALID_COMPONENT;
    json_object_set_new(cli->fields, "dates", json_array());
    json_object_set_new(cli->fields, "names", json_array());
    if (text && !ok)
        say(_("%s is not a calendar file (iCalendar, .ics)."), path);
    int n = 0;
    for (event = ok ? icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT) : NULL; event;
         event = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT))
        ok = read_event(cli, event, path, ++n) && ok;
    if (ok && !json_array_size(json_object_get(cli->fields, "dates"))) {
        say(_("%s holds no days."), path);
        ok = false;
    }
    if (calendar)
        icalcomponent_free(calendar);
    free(text);
    free(bytes);
    return ok;
}

int run_import_holidays(struct cli *cli)
{
    return read_calendar(cli, local_text(cli, "FILE")) ? cli_run(cli) : EXIT_INVALID;
}
