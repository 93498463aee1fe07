/* The digest as a page: one column, readable at a phone's width and in the dark, without scripts, pictures or anything
 * that would have to be fetched. */
#include "client/mail/digest.h"
#include "client/mail/phrase.h"
#include "common/message.h"

enum { MAX_TASKS = 3 };

static const char style[] =
    "body{margin:0;padding:16px;background:#f4f5f7;color:#1b1f24;font:16px/1.45 system-ui,sans-serif}"
    "main{max-width:640px;margin:0 auto}"
    "article{background:#fff;border-left:4px solid #2f6f4f;border-radius:6px;padding:12px 16px;margin:16px 0}"
    "article.late{border-color:#b3261e}"
    "h1{font-size:20px;margin:0 0 8px}h2{font-size:17px;margin:0 0 6px}p,ul{margin:6px 0}"
    "h1,h2,p,li{overflow-wrap:anywhere}"
    ".ref,.small{color:#5a6472;font-size:14px}.late .end{color:#b3261e;font-weight:600}"
    ".bar{background:#dfe3e8;border-radius:4px;height:8px;margin:6px 0}"
    ".bar div{background:#2f6f4f;border-radius:4px;height:8px}"
    "pre{background:#eef0f3;border-radius:4px;padding:8px;margin:4px 0 10px;font:14px/1.4 ui-monospace,monospace;"
    "white-space:pre-wrap;overflow-wrap:anywhere}"
    "@media(prefers-color-scheme:dark){body{background:#14171a;color:#e6e9ec}article{background:#1f2429}"
    "pre{background:#2a3037}.bar{background:#3a424b}.ref,.small{color:#a4afbb}.bar div{background:#6fbf95}"
    "article{border-color:#6fbf95}article.late{border-color:#ff8a80}.late .end{color:#ff8a80}}";

/* The one place at which text becomes markup: what %s stands for is escaped. */
static void put(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void put(GString *out, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *text = g_markup_vprintf_escaped(format, ap);
    va_end(ap);
    g_string_append(out, text);
    g_free(text);
}

/* A phrase of its own between two tags. */
#define PUT_PHRASE(out, before, phrase, about, after)                                                                  \
    do {                                                                                                               \
        GString *words = g_string_new(NULL);                                                                           \
        phrase(words, about);                                                                                          \
        put(out, before "%s" after "\n", words->str);                                                                  \
        g_string_free(words, TRUE);                                                                                    \
    } while (0)

static void put_labelled(GString *out, const char *label, const char *text)
{
    GString *words = g_string_new(NULL);
    phrase_clean(words, text ? text : "");
    if (words->len)
        put(out, "<p><b>%s</b> %s</p>\n", label, words->str);
    g_string_free(words, TRUE);
}

static void put_tasks(GString *out, const Mejora__MailItem *item)
{
    if (!item->n_open_tasks)
        return;
    put(out, "<p><b>%s</b></p>\n<ul>\n", _("Open tasks:"));
    for (size_t i = 0; i < MIN(item->n_open_tasks, MAX_TASKS); i++)
        PUT_PHRASE(out, "<li>", phrase_clean, item->open_tasks[i], "</li>");
    unsigned more = item->n_open_tasks > MAX_TASKS ? (unsigned)(item->n_open_tasks - MAX_TASKS) : 0;
    if (more) {
        char *text = g_strdup_printf(ngettext("and %u more", "and %u more", more), more);
        put(out, "<li>%s</li>\n", text);
        g_free(text);
    }
    put(out, "</ul>\n");
}

static void put_progress(GString *out, const Mejora__MailItem *item)
{
    put(out, "<p><b>%s</b> ", _("Progress:"));
    PUT_PHRASE(out, "", phrase_percent, item, "</p>");
    if (item->has_percent)
        put(out, "<div class=\"bar\"><div style=\"width:%d%%\"></div></div>\n", CLAMP(item->percent, 0, 100));
}

static void put_why(GString *out, const Mejora__MailItem *item)
{
    GString *why = g_string_new(NULL);
    if (phrase_why(why, item))
        put(out, "<p>%s</p>\n", why->str);
    g_string_free(why, TRUE);
}

static void put_item(GString *out, const Mejora__MailItem *item)
{
    put(out, "<article%s>\n<p class=\"ref\">%s</p>\n", item->days_left < 0 ? " class=\"late\"" : "", item->ref);
    PUT_PHRASE(out, "<h2>", phrase_name, item, "</h2>");
    PUT_PHRASE(out, "<p class=\"end\">", phrase_end, item, "</p>");
    if (!phrase_is_deadline(item))
        put_progress(out, item);
    if (phrase_asks(item, MEJORA__ASK__ASK_EVIDENCE))
        put_labelled(out, _("Evidence that counts:"), item->indicator);
    put_labelled(out, _("At stake:"), item->points);
    put_labelled(out, _("Unit:"), item->unit);
    put_why(out, item);
    put_tasks(out, item);
    put(out, "<p>%s</p>\n",
        phrase_is_deadline(item) ? _("When it is delivered:") : _("To answer, with what is true now:"));
    PUT_PHRASE(out, "<pre>", phrase_report, item, "</pre>");
    put(out, "<p>%s</p>\n", _("To see all of it:"));
    PUT_PHRASE(out, "<pre>", phrase_see, item, "</pre>");
    put(out, "</article>\n");
}

static void put_others(GString *out, const Mejora__Mail *mail)
{
    const char *label;
    GString *command = g_string_new(NULL);
    const Mejora__MailItem *example = phrase_example(mail);
    if (example)
        put(out, "<h2>%s</h2>\n", _("Other answers, here for the first one:"));
    for (unsigned n = 0; example && phrase_other(n, example, &label, command); n++) {
        put(out, "<p>%s</p>\n<pre>%s</pre>\n", label, command->str);
        g_string_truncate(command, 0);
    }
    g_string_free(command, TRUE);
}

static void put_unreached(GString *out, const Mejora__Mail *mail)
{
    if (!mail->n_unreached)
        return;
    put(out, "<p><b>%s</b></p>\n<ul>\n", _("Relays refuse these addresses; who has them is not reminded:"));
    for (size_t i = 0; i < mail->n_unreached; i++)
        PUT_PHRASE(out, "<li>", phrase_unreached, mail->unreached[i], "</li>");
    put(out, "</ul>\n");
}

static void put_head(GString *out, const Mejora__Mail *mail)
{
    put(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n", digest_language(mail));
    put(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"color-scheme\" content=\"light dark\">\n");
    PUT_PHRASE(out, "<title>", phrase_subject, mail, "</title>");
    g_string_append_printf(out, "<style>%s</style>\n</head>\n<body>\n<main>\n", style);
    PUT_PHRASE(out, "<h1>", phrase_greeting, mail, "</h1>");
    PUT_PHRASE(out, "<p>", phrase_lead, mail, "</p>");
}

char *digest_page(const Mejora__Mail *mail, const char *checkpoint)
{
    GString *out = g_string_new(NULL);
    put_head(out, mail);
    for (size_t i = 0; i < MIN(mail->n_items, DIGEST_ITEMS); i++)
        put_item(out, mail->items[i]);
    unsigned more = mail->n_items > DIGEST_ITEMS ? (unsigned)(mail->n_items - DIGEST_ITEMS) : 0;
    if (more) {
        char *text =
            g_strdup_printf(ngettext("And %u more action: mejora due", "And %u more actions: mejora due", more), more);
        put(out, "<p>%s</p>\n", text);
        g_free(text);
    }
    put_unreached(out, mail);
    put_others(out, mail);
    put(out, "<p class=\"small\">%s</p>\n", phrase_footer());
    if (checkpoint)
        put(out, "<p class=\"small\">%s</p>\n<pre class=\"small\">%s</pre>\n", phrase_checkpoint(), checkpoint);
    put(out, "</main>\n</body>\n</html>\n");
    return g_string_free(out, FALSE);
}
