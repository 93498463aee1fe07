#include "client/mail/digest.h"

#include "client/mail/phrase.h"
#include "common/message.h"
#include "common/period.h"

#include <string.h>

enum { MAX_TASKS = 3 };

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
    return mail->n_items || mail->n_unreached;
}

char *digest_subject(const Mejora__Mail *mail)
{
    GString *out = g_string_new(NULL);
    phrase_subject(out, mail);
    return g_string_free(out, FALSE);
}

static void put_labelled(GString *out, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    g_string_append_printf(out, "  %s ", label);
    phrase_clean(out, text);
    g_string_append_c(out, '\n');
}

static void put_tasks(GString *out, const Mejora__MailItem *item)
{
    if (!item->n_open_tasks)
        return;
    g_string_append_printf(out, "  %s\n", _("Open tasks:"));
    for (size_t i = 0; i < MIN(item->n_open_tasks, MAX_TASKS); i++) {
        g_string_append(out, "    - ");
        phrase_clean(out, item->open_tasks[i]);
        g_string_append_c(out, '\n');
    }
    unsigned more = item->n_open_tasks > MAX_TASKS ? (unsigned)(item->n_open_tasks - MAX_TASKS) : 0;
    if (more) {
        g_string_append(out, "    - ");
        g_string_append_printf(out, ngettext("and %u more", "and %u more", more), more);
        g_string_append_c(out, '\n');
    }
}

static void put_why(GString *out, const Mejora__MailItem *item)
{
    GString *why = g_string_new(NULL);
    if (phrase_why(why, item))
        g_string_append_printf(out, "  %s\n", why->str);
    g_string_free(why, TRUE);
}

static void put_item(GString *out, const Mejora__MailItem *item)
{
    g_string_append_printf(out, "\n%s — ", item->ref);
    phrase_name(out, item);
    g_string_append(out, "\n  ");
    phrase_end(out, item);
    g_string_append_c(out, '\n');
    if (!phrase_is_deadline(item)) {
        g_string_append_printf(out, "  %s ", _("Progress:"));
        phrase_percent(out, item);
        g_string_append_c(out, '\n');
    }
    if (phrase_asks(item, MEJORA__ASK__ASK_EVIDENCE))
        put_labelled(out, _("Evidence that counts:"), item->indicator);
    put_labelled(out, _("At stake:"), item->points);
    put_labelled(out, _("Unit:"), item->unit);
    put_why(out, item);
    put_tasks(out, item);
    g_string_append_printf(out, "  %s\n    ",
                           phrase_is_deadline(item) ? _("When it is delivered:")
                                                    : _("To answer, with what is true now:"));
    phrase_report(out, item);
    g_string_append_printf(out, "\n  %s\n    ", _("To see all of it:"));
    phrase_see(out, item);
    g_string_append_c(out, '\n');
}

static void put_others(GString *out, const Mejora__Mail *mail)
{
    const char *label;
    GString *command = g_string_new(NULL);
    const Mejora__MailItem *example = phrase_example(mail);
    if (example)
        g_string_append_printf(out, "\n%s\n", _("Other answers, here for the first one:"));
    for (unsigned n = 0; example && phrase_other(n, example, &label, command); n++) {
        g_string_append_printf(out, "  %s\n    %s\n", label, command->str);
        g_string_truncate(command, 0);
    }
    g_string_free(command, TRUE);
}

static void put_unreached(GString *out, const Mejora__Mail *mail)
{
    if (mail->n_unreached)
        g_string_append_printf(out, "\n%s\n", _("Relays refuse these addresses; who has them is not reminded:"));
    for (size_t i = 0; i < mail->n_unreached; i++) {
        g_string_append(out, "  ");
        phrase_unreached(out, mail->unreached[i]);
        g_string_append_c(out, '\n');
    }
}

char *digest_text(const Mejora__Mail *mail, const char *checkpoint)
{
    GString *out = g_string_new(NULL);
    phrase_greeting(out, mail);
    g_string_append(out, "\n\n");
    phrase_lead(out, mail);
    g_string_append_c(out, '\n');
    for (size_t i = 0; i < MIN(mail->n_items, DIGEST_ITEMS); i++)
        put_item(out, mail->items[i]);
    unsigned more = mail->n_items > DIGEST_ITEMS ? (unsigned)(mail->n_items - DIGEST_ITEMS) : 0;
    if (more) {
        g_string_append_c(out, '\n');
        g_string_append_printf(out, ngettext("And %u more action: mejora due", "And %u more actions: mejora due", more),
                               more);
        g_string_append_c(out, '\n');
    }
    put_unreached(out, mail);
    put_others(out, mail);
    g_string_append_printf(out, "\n-- \n%s\n", phrase_footer());
    if (checkpoint)
        g_string_append_printf(out, "\n%s\n\n%s", phrase_checkpoint(), checkpoint);
    return g_string_free(out, FALSE);
}
