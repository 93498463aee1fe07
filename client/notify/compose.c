#include "client/notify/compose.h"

#include "client/notify/digest.h"

#include <gmime/gmime.h>
#include <string.h>

static const char utf8[] = "utf-8";

/* Marks of automatic mail: nobody's holiday notice answers it, and no list takes it for a person's. */
static const struct {
    const char *name, *value;
} fixed[] = {
    {"Auto-Submitted", "auto-generated"},
    {"Precedence", "bulk"},
    {"X-Auto-Response-Suppress", "All"},
};

void compose_start(void)
{
    g_mime_init();
}

static bool is_header_text(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return false;
    for (const char *c = text; *c; c = g_utf8_next_char(c))
        if (g_unichar_iscntrl(g_utf8_get_char(c)))
            return false;
    return true;
}

/* Stricter than RFC 5321: no quoted local parts, and ASCII before the @, since SMTPUTF8 is not every relay's. */
static bool is_address(const char *text)
{
    const char *at = strchr(text, '@');
    if (!at || at == text || !at[1] || strchr(at + 1, '@') || strlen(text) >= COMPOSE_ADDRESS || !is_header_text(text))
        return false;
    for (const char *c = text; *c; c++)
        if (strchr(" \"(),:;<>[\\]", *c) || (c < at && (unsigned char)*c >= 0x80))
            return false;
    return true;
}

bool compose_sender(const char *from, char ret[COMPOSE_ADDRESS])
{
    InternetAddressList *list = is_header_text(from) ? internet_address_list_parse(NULL, from) : NULL;
    InternetAddress *one =
        list && internet_address_list_length(list) == 1 ? internet_address_list_get_address(list, 0) : NULL;
    const char *address = one && INTERNET_ADDRESS_IS_MAILBOX(one)
                              ? internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one))
                              : NULL;
    bool ok = address && is_address(address);
    if (ok)
        g_strlcpy(ret, address, COMPOSE_ADDRESS);
    if (list)
        g_object_unref(list);
    return ok;
}

static enum compose_fault check(const Mejora__Mail *mail)
{
    if (!mail->message_id || !*mail->message_id || !mail->address || !digest_complete(mail))
        return COMPOSE_INCOMPLETE;
    if (!is_header_text(mail->message_id) || strpbrk(mail->message_id, " \t") ||
        (mail->name && !is_header_text(mail->name)))
        return COMPOSE_BAD_HEADER;
    return is_address(mail->address) ? COMPOSE_OK : COMPOSE_BAD_ADDRESS;
}

static void put_message_id(GMimeMessage *message, const char *id)
{
    size_t size = strlen(id);
    bool bracketed = size > 2 && id[0] == '<' && id[size - 1] == '>';
    char *bare = g_strndup(bracketed ? id + 1 : id, bracketed ? size - 2 : size);
    g_mime_message_set_message_id(message, bare);
    g_free(bare);
}

static void put_headers(GMimeMessage *message, const Mejora__Mail *mail, const char *from, int64_t now)
{
    InternetAddressList *sender = internet_address_list_parse(NULL, from);
    internet_address_list_append(g_mime_message_get_from(message), sender);
    g_object_unref(sender);
    g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_TO, mail->name, mail->address);
    char *subject = digest_subject(mail);
    g_mime_message_set_subject(message, subject, utf8);
    g_free(subject);
    GDateTime *date = g_date_time_new_from_unix_utc(now);
    g_mime_message_set_date(message, date);
    g_date_time_unref(date);
    put_message_id(message, mail->message_id);
    for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++)
        g_mime_object_set_header(GMIME_OBJECT(message), fixed[i].name, fixed[i].value, utf8);
    g_mime_object_set_header(GMIME_OBJECT(message), "Content-Language", digest_language(mail), utf8);
}

static void put_text(GMimeMessage *message, const Mejora__Mail *mail)
{
    char *text = digest_text(mail);
    GMimeTextPart *part = g_mime_text_part_new_with_subtype("plain");
    g_mime_text_part_set_charset(part, utf8);
    g_mime_text_part_set_text(part, text);
    g_mime_part_set_content_encoding(GMIME_PART(part), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    g_mime_message_set_mime_part(message, GMIME_OBJECT(part));
    g_object_unref(part);
    g_free(text);
}

char *compose_mail(const Mejora__Mail *mail, const char *from, int64_t now, enum compose_fault *fault)
{
    *fault = check(mail);
    if (*fault)
        return NULL;
    GMimeMessage *message = g_mime_message_new(TRUE);
    put_headers(message, mail, from, now);
    put_text(message, mail);
    GMimeFormatOptions *format = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
    char *ret = g_mime_object_to_string(GMIME_OBJECT(message), format);
    g_mime_format_options_free(format);
    g_object_unref(message);
    return ret;
}

const char *compose_fault_name(enum compose_fault fault)
{
    static const char *const names[] = {
        [COMPOSE_OK] = "ok",
        [COMPOSE_INCOMPLETE] = "incomplete",
        [COMPOSE_BAD_ADDRESS] = "bad_address",
        [COMPOSE_BAD_HEADER] = "bad_header",
    };
    return names[fault];
}
