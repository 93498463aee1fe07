/* The ends to come as a calendar: whole days, known by the action's reference, so that a later mail moves them. */
#include "client/mail/digest.h"
#include "client/mail/phrase.h"
#include "common/message.h"
#include "common/period.h"

#include <libical/ical.h>

static struct icaltimetype day_of(const char *iso)
{
    struct icaltimetype day = icaltime_null_date();
    struct date d;
    if (date_read(iso, &d)) {
        day.year = d.year;
        day.month = d.month;
        day.day = d.day;
    }
    return day;
}

static icalcomponent *event_new(const Mejora__MailItem *item, struct icaltimetype now)
{
    GString *name = g_string_new(NULL), *what = g_string_new(NULL);
    char *uid = g_strdup_printf("%s@mejora", item->ref);
    struct icaltimetype day = day_of(item->end_date), after = day;
    icaltime_adjust(&after, 1, 0, 0, 0);
    g_string_append_printf(name, _("Ends %s: "), item->ref);
    phrase_name(name, item);
    phrase_report(what, item);
    icalcomponent *ret = icalcomponent_vanew(
        ICAL_VEVENT_COMPONENT, icalproperty_new_uid(uid), icalproperty_new_dtstamp(now), icalproperty_new_dtstart(day),
        icalproperty_new_dtend(after), icalproperty_new_summary(name->str), icalproperty_new_description(what->str),
        icalproperty_new_transp(ICAL_TRANSP_TRANSPARENT), NULL);
    g_free(uid);
    g_string_free(name, TRUE);
    g_string_free(what, TRUE);
    return ret;
}

char *digest_calendar(const Mejora__Mail *mail, int64_t now)
{
    size_t coming = 0;
    icalcomponent *calendar = icalcomponent_vanew(ICAL_VCALENDAR_COMPONENT, icalproperty_new_version("2.0"),
                                                  icalproperty_new_prodid("-//Mejora//reminders//ES"),
                                                  icalproperty_new_method(ICAL_METHOD_PUBLISH), NULL);
    struct icaltimetype stamp = icaltime_from_timet_with_zone((time_t)now, 0, icaltimezone_get_utc_timezone());
    for (size_t i = 0; i < mail->n_items; i++)
        if (mail->items[i]->days_left >= 0 && coming++ < DIGEST_ITEMS)
            icalcomponent_add_component(calendar, event_new(mail->items[i], stamp));
    char *ret = coming ? icalcomponent_as_ical_string_r(calendar) : NULL;
    icalcomponent_free(calendar);
    return ret;
}
