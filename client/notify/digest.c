#include "client/notify/digest.h"

#include "common/message.h"
#include "common/period.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ITEMS = 40, MAX_TASKS = 3, STEP = 25 };

static const char *const months[] = {N_("January"),   N_("February"), N_("March"),    N_("April"),
                                     N_("May"),       N_("June"),     N_("July"),     N_("August"),
                                     N_("September"), N_("October"),  N_("November"), N_("December")};

const char *digest_language(const Mejora__Mail *mail)
{
    return mail->language && !strcmp(mail->language, "en") ? "en" : "es";
}

bool digest_complete(const Mejora__Mail *mail)
{
    struct date end;
    for (size_t i = 0; i < mail->n_items; i++) {
        const Mejora__MailItem *item = mail->items[i];
        if (!item->ref || !item->has_days_left || !item->end_date || !date_read(item->end_date, &end))
            return false;
    }
    return mail->n_items > 0;
}

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

/* One line, whatever it was. */
static void put_text(GString *out, const char *text)
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

char *digest_subject(const Mejora__Mail *mail)
{
    int late, coming, days;
    count(mail, &late, &coming, &days);
    GString *when = g_string_new(NULL), *out = g_string_new(NULL);
    put_days(when, days);
    if (!late)
        g_string_printf(out,
                        ngettext("Improvement plan: %1$d action due, %2$s",
                                 "Improvement plan: %1$d actions due, the first %2$s", (unsigned)coming),
                        coming, when->str);
    else if (!coming)
        g_string_printf(out,
                        ngettext("Improvement plan: %1$d action overdue, it ended %2$s",
                                 "Improvement plan: %1$d actions overdue, the first ended %2$s", (unsigned)late),
                        late, when->str);
    else
        g_string_printf(out,
                        ngettext("Improvement plan: %1$d action overdue and %2$d due, the next %3$s",
                                 "Improvement plan: %1$d actions overdue and %2$d due, the next %3$s", (unsigned)late),
                        late, coming, when->str);
    g_string_free(when, TRUE);
    return g_string_free(out, FALSE);
}

static void put_end(GString *out, const Mejora__MailItem *item)
{
    GString *date = g_string_new(NULL), *days = g_string_new(NULL);
    put_date(date, item->end_date);
    put_days(days, item->days_left);
    g_string_append_printf(out, item->days_left < 0 ? _("  Overdue: it ended on %1$s, %2$s") : _("  Ends: %1$s, %2$s"),
                           date->str, days->str);
    g_string_append_c(out, '\n');
    g_string_free(date, TRUE);
    g_string_free(days, TRUE);
}

static void put_labelled(GString *out, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    g_string_append_printf(out, "  %s ", label);
    put_text(out, text);
    g_string_append_c(out, '\n');
}

static void put_tasks(GString *out, const Mejora__MailItem *item)
{
    if (!item->n_open_tasks)
        return;
    g_string_append_printf(out, "  %s\n", _("Open tasks:"));
    for (size_t i = 0; i < MIN(item->n_open_tasks, MAX_TASKS); i++) {
        g_string_append(out, "    - ");
        put_text(out, item->open_tasks[i]);
        g_string_append_c(out, '\n');
    }
    unsigned more = item->n_open_tasks > MAX_TASKS ? (unsigned)(item->n_open_tasks - MAX_TASKS) : 0;
    if (more) {
        g_string_append_printf(out, ngettext("    - and %u more", "    - and %u more", more), more);
        g_string_append_c(out, '\n');
    }
}

/* The step that would come next is in the command, so that it can be pasted and only the reason has to be written. */
static void put_commands(GString *out, const Mejora__MailItem *item)
{
    int next = MIN(100, (item->has_percent ? item->percent : 0) / STEP * STEP + STEP);
    g_string_append_printf(out, "  %s\n    mejora progress report %s %d %s \"…\"\n",
                           _("To answer, with what is true now:"), item->ref, next,
                           next == 100 ? "--evidence" : "--why");
    g_string_append_printf(out, "  %s\n    mejora action show %s\n", _("To see all of it:"), item->ref);
}

static void put_item(GString *out, const Mejora__MailItem *item)
{
    char percent[16];
    g_string_append_printf(out, "\n%s — ", item->ref);
    put_text(out, item->action ? item->action : _("(without a name)"));
    g_string_append_c(out, '\n');
    put_end(out, item);
    snprintf(percent, sizeof percent, "%d %%", item->percent);
    put_labelled(out, _("Progress:"), item->has_percent ? percent : _("not reported"));
    put_labelled(out, _("Evidence that counts:"), item->indicator);
    put_labelled(out, _("Unit:"), item->unit);
    put_tasks(out, item);
    put_commands(out, item);
}

static void put_greeting(GString *out, const Mejora__Mail *mail)
{
    GString *name = g_string_new(NULL);
    put_text(name, mail->name ? mail->name : "");
    if (name->len)
        g_string_append_printf(out, _("Hello, %s:"), name->str);
    else
        g_string_append(out, _("Hello:"));
    g_string_truncate(name, 0);
    put_text(name, mail->institution_name ? mail->institution_name : "");
    g_string_append(out, "\n\n");
    g_string_append_printf(out,
                           ngettext("Improvement plan, %2$s: %1$u action waits for your report.",
                                    "Improvement plan, %2$s: %1$u actions wait for your report.",
                                    (unsigned)mail->n_items),
                           (unsigned)mail->n_items, name->len ? name->str : _("your institution"));
    g_string_append_c(out, '\n');
    g_string_free(name, TRUE);
}

char *digest_text(const Mejora__Mail *mail)
{
    GString *out = g_string_new(NULL);
    put_greeting(out, mail);
    for (size_t i = 0; i < MIN(mail->n_items, MAX_ITEMS); i++)
        put_item(out, mail->items[i]);
    unsigned more = mail->n_items > MAX_ITEMS ? (unsigned)(mail->n_items - MAX_ITEMS) : 0;
    if (more) {
        g_string_append_c(out, '\n');
        g_string_append_printf(out, ngettext("And %u more action: mejora due", "And %u more actions: mejora due", more),
                               more);
        g_string_append_c(out, '\n');
    }
    g_string_append_printf(out, "\n-- \n%s\n",
                           _("This is an automatic reminder. The plan changes by the commands above, not by answering "
                             "this mail."));
    return g_string_free(out, FALSE);
}
