#include "client/mail/phrase.h"

#include "common/message.h"
#include "common/period.h"

#include <string.h>

enum { STEP = 25, LATER_DAYS = 30 };

static const char *const months[] = {N_("January"),   N_("February"), N_("March"),    N_("April"),
                                     N_("May"),       N_("June"),     N_("July"),     N_("August"),
                                     N_("September"), N_("October"),  N_("November"), N_("December")};

static void put_date(GString *out, const char *iso)
{
    struct date d;
    if (date_read(iso, &d)) /* day, name of the month, year */
        g_string_append_printf(out, _("%1$d %2$s %3$d"), d.day, gettext(months[d.month - 1]), d.year);
}

static void put_days(GString *out, int left)
{
    if (left == 0)
        g_string_append(out, _("today"));
    else if (left == 1)
        g_string_append(out, _("tomorrow"));
    else if (left == -1)
        g_string_append(out, _("yesterday"));
    else if (left > 0)
        g_string_append_printf(out, ngettext("in %d day", "in %d days", (unsigned)left), left);
    else
        g_string_append_printf(out, ngettext("%d day ago", "%d days ago", (unsigned)-left), -left);
}

void phrase_clean(GString *out, const char *text)
{
    char *valid = g_utf8_make_valid(text, -1);
    bool space = false, begun = false;
    for (const char *c = valid; *c; c = g_utf8_next_char(c)) {
        gunichar u = g_utf8_get_char(c);
        if (g_unichar_isspace(u) || g_unichar_iscntrl(u)) {
            space = true;
        } else if (g_unichar_type(u) != G_UNICODE_FORMAT) {
            if (space && begun)
                g_string_append_c(out, ' ');
            g_string_append_unichar(out, u);
            space = false;
            begun = true;
        }
    }
    g_free(valid);
}

/* How many are late and how many are not, with the nearest end among the ones that the subject speaks of. */
static void count(const Mejora__Mail *mail, int *ret_late, int *ret_coming, int *ret_days)
{
    int late = 0, first = G_MAXINT, next = G_MAXINT;
    for (size_t i = 0; i < mail->n_items; i++) {
        int days = mail->items[i]->days_left;
        late += days < 0;
        first = MIN(first, days);
        if (days >= 0)
            next = MIN(next, days);
    }
    *ret_late = late;
    *ret_coming = (int)mail->n_items - late;
    *ret_days = *ret_coming ? next : first;
}

void phrase_subject(GString *out, const Mejora__Mail *mail)
{
    int late, coming, days;
    count(mail, &late, &coming, &days);
    GString *when = g_string_new(NULL);
    put_days(when, days);
    if (!mail->n_items)
        g_string_append_printf(out,
                               ngettext("Improvement plan: %zu person cannot be reached by mail",
                                        "Improvement plan: %zu people cannot be reached by mail", mail->n_unreached),
                               mail->n_unreached);
    else if (!late)
        g_string_append_printf(out,
                               ngettext("Improvement plan: %1$d action due, %2$s",
                                        "Improvement plan: %1$d actions due, the first %2$s", (unsigned)coming),
                               coming, when->str);
    else if (!coming)
        g_string_append_printf(out,
                               ngettext("Improvement plan: %1$d action overdue, it ended %2$s",
                                        "Improvement plan: %1$d actions overdue, the first ended %2$s", (unsigned)late),
                               late, when->str);
    else
        g_string_append_printf(out,
                               ngettext("Improvement plan: %1$d action overdue and %2$d due, the next %3$s",
                                        "Improvement plan: %1$d actions overdue and %2$d due, the next %3$s",
                                        (unsigned)late),
                               late, coming, when->str);
    g_string_free(when, TRUE);
}

void phrase_greeting(GString *out, const Mejora__Mail *mail)
{
    GString *name = g_string_new(NULL);
    phrase_clean(name, mail->name ? mail->name : "");
    if (name->len)
        g_string_append_printf(out, _("Hello, %s:"), name->str);
    else
        g_string_append(out, _("Hello:"));
    g_string_free(name, TRUE);
}

void phrase_lead(GString *out, const Mejora__Mail *mail)
{
    GString *name = g_string_new(NULL);
    phrase_clean(name, mail->institution_name ? mail->institution_name : "");
    const char *whose = name->len ? name->str : _("your institution");
    if (mail->n_items)
        g_string_append_printf(out,
                               ngettext("Improvement plan, %2$s: %1$u action waits for your report.",
                                        "Improvement plan, %2$s: %1$u actions wait for your report.",
                                        (unsigned)mail->n_items),
                               (unsigned)mail->n_items, whose);
    else
        g_string_append_printf(out, _("Improvement plan, %s."), whose);
    g_string_free(name, TRUE);
}

void phrase_end(GString *out, const Mejora__MailItem *item)
{
    GString *date = g_string_new(NULL), *days = g_string_new(NULL);
    put_date(date, item->end_date);
    put_days(days, item->days_left);
    const char *words = !phrase_is_deadline(item)
                            ? item->days_left < 0 ? _("Overdue: it ended on %1$s, %2$s") : _("Ends: %1$s, %2$s")
                        : item->days_left < 0 ? _("Overdue: it was to be delivered by %1$s, %2$s")
                                              : _("To be delivered by %1$s, %2$s");
    g_string_append_printf(out, words, date->str, days->str);
    g_string_free(date, TRUE);
    g_string_free(days, TRUE);
}

void phrase_name(GString *out, const Mejora__MailItem *item)
{
    phrase_clean(out, item->action ? item->action : _("(without a name)"));
}

void phrase_percent(GString *out, const Mejora__MailItem *item)
{
    if (item->has_percent)
        g_string_append_printf(out, "%d %%", item->percent);
    else
        g_string_append(out, _("not reported"));
}

bool phrase_is_deadline(const Mejora__MailItem *item)
{
    return item->kind == MEJORA__REMINDER_KIND__REMINDER_KIND_DEADLINE;
}

/* A server that does not say what it asks for asks for everything. */
bool phrase_asks(const Mejora__MailItem *item, Mejora__Ask ask)
{
    bool found = !item->has_kind;
    for (size_t i = 0; i < item->n_asks; i++)
        found = found || item->asks[i] == ask;
    return found && !phrase_is_deadline(item);
}

const Mejora__MailItem *phrase_example(const Mejora__Mail *mail)
{
    for (size_t i = 0; i < mail->n_items; i++)
        if (!phrase_is_deadline(mail->items[i]))
            return mail->items[i];
    return NULL;
}

bool phrase_why(GString *out, const Mejora__MailItem *item)
{
    const char *words = NULL;
    if (item->kind == MEJORA__REMINDER_KIND__REMINDER_KIND_SILENCE)
        words = _("Nobody has reported on it for a while.");
    else if (item->kind == MEJORA__REMINDER_KIND__REMINDER_KIND_ESCALATION)
        words = _("It is overdue and nothing has happened for days, so others hear of it too.");
    else if (item->hears_as == MEJORA__HEARS_AS__HEARS_AS_DEPUTY)
        words = _("You hear of it in the place of who heads the unit.");
    else if (item->hears_as >= MEJORA__HEARS_AS__HEARS_AS_MANAGER && !phrase_is_deadline(item))
        words = _("You hear of it because nobody in the unit can.");
    g_string_append(out, words ? words : "");
    return words;
}

void phrase_unreached(GString *out, const Mejora__MailUnreached *who)
{
    GString *date = g_string_new(NULL);
    put_date(date, who->since ? who->since : "");
    phrase_clean(out, who->name ? who->name : "");
    g_string_append(out, " <");
    phrase_clean(out, who->address ? who->address : "");
    g_string_append_printf(out, _(">, since %s: "), date->str);
    phrase_clean(out, who->relay_text ? who->relay_text : "");
    g_string_free(date, TRUE);
}

/* Commands are translated too: each word of theirs has a name in Spanish.
 * The step that would come next is in the command, so that it can be pasted and only the reason has to be written. */
void phrase_report(GString *out, const Mejora__MailItem *item)
{
    if (phrase_is_deadline(item)) {
        g_string_append_printf(out, _("mejora plan deadline done \"…\" --plan %s"), item->ref);
        return;
    }
    int next = MIN(100, (item->has_percent ? item->percent : 0) / STEP * STEP + STEP);
    g_string_append_printf(out, _("mejora progress report %s %d %s \"…\""), item->ref, next,
                           next == 100 ? "--evidence" : "--why");
}

void phrase_see(GString *out, const Mejora__MailItem *item)
{
    g_string_append_printf(
        out, phrase_is_deadline(item) ? _("mejora plan deadline list --plan %s") : _("mejora action show %s"),
        item->ref);
}

/* Dates that the server would accept today: the day before the end, or tomorrow; and an end a month from now, or from the
 * one there is. */
bool phrase_other(unsigned n, const Mejora__MailItem *item, const char **ret_label, GString *command)
{
    struct date end;
    char iso[DATE_TEXT];
    int left = item->days_left;
    if (!date_read(item->end_date, &end))
        return false;
    int32_t today = date_days(end) - left;
    switch (n) {
    case 0:
        *ret_label = _("I know; remind me again when it ends:");
        g_string_append_printf(command, _("mejora reminder ack %s"), item->ref);
        return true;
    case 1:
        date_write(date_from_days(today + MAX(left - 1, 1)), iso);
        *ret_label = _("Not before this day:");
        g_string_append_printf(command, _("mejora reminder snooze %s --until %s"), item->ref, iso);
        return true;
    case 2:
        date_write(date_from_days(today + MAX(left, 0) + LATER_DAYS), iso);
        *ret_label = _("It needs another date; Planificación decides:");
        g_string_append_printf(command, _("mejora action propose-date %s %s --why \"…\""), item->ref, iso);
        return true;
    default: return false;
    }
}

const char *phrase_footer(void)
{
    return _("This is an automatic reminder. The plan changes by the commands above, not by answering this mail.");
}

const char *phrase_checkpoint(void)
{
    return _(
        "The audit log's checkpoint as this mail left. Keep it: with it anybody can prove later that nothing before "
        "it was altered (mejora audit verify --checkpoint).");
}
