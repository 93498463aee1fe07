#include "client/mail/compose.h"

#include "client/mail/digest.h"
#include "common/message.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

static const char utf8[] = "utf-8";

/* Marks of automatic mail: nobody's holiday notice answers it, and no list takes it for a person's. */
static const struct {
    const char *name, *value;
} fixed[] = {
    {"Auto-Submitted", "auto-generated"},
    {"Precedence", "bulk"},
    {"X-Auto-Response-Suppress", "All"},
    {"List-Post", "NO"},
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

/* The institution's reminders are a list, by which people sort their mail. */
static void put_list(GMimeMessage *message, const char *institution)
{
    char *id = g_strdup_printf("<reminders.%s.mejora>", institution);
    if (is_header_text(institution) && !strpbrk(institution, " <>"))
        g_mime_object_set_header(GMIME_OBJECT(message), "List-Id", id, utf8);
    g_free(id);
}

static void put_people(GMimeMessage *message, const char *name, const char *address, const char *from)
{
    InternetAddressList *sender = internet_address_list_parse(NULL, from);
    internet_address_list_append(g_mime_message_get_from(message), sender);
    g_object_unref(sender);
    g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_TO, name, address);
}

static void put_headers(GMimeMessage *message, char *subject, const char *id, int64_t now)
{
    g_mime_message_set_subject(message, subject, utf8);
    g_free(subject);
    GDateTime *date = g_date_time_new_from_unix_utc(now);
    g_mime_message_set_date(message, date);
    g_date_time_unref(date);
    put_message_id(message, id);
    for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++)
        g_mime_object_set_header(GMIME_OBJECT(message), fixed[i].name, fixed[i].value, utf8);
}

/* The text goes in as it is: g_mime_text_part_set_text would look through it for a charset. */
static GMimeObject *text_new(const char *subtype, char *text)
{
    GMimeTextPart *part = g_mime_text_part_new_with_subtype(subtype);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, strlen(text));
    GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_text_part_set_charset(part, utf8);
    g_mime_part_set_content(GMIME_PART(part), content);
    g_mime_part_set_content_encoding(GMIME_PART(part), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    g_object_unref(content);
    g_object_unref(stream);
    free(text);
    return GMIME_OBJECT(part);
}

/* "=_" stands nowhere in quoted-printable text, so the name of a boundary need not be drawn at random. */
static GMimeMultipart *multipart_new(const char *subtype)
{
    GMimeMultipart *ret = g_mime_multipart_new_with_subtype(subtype);
    char *boundary = g_strdup_printf("=_mejora_%s", subtype);
    g_mime_multipart_set_boundary(ret, boundary);
    g_free(boundary);
    return ret;
}

static char *write_out(GMimeMessage *message)
{
    GMimeFormatOptions *format = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
    char *ret = g_mime_object_to_string(GMIME_OBJECT(message), format);
    g_mime_format_options_free(format);
    g_object_unref(message);
    return ret;
}

static void add(GMimeMultipart *to, GMimeObject *part)
{
    g_mime_multipart_add(to, part);
    g_object_unref(part);
}

static GMimeObject *calendar_new(char *calendar)
{
    char *to = calendar;
    for (const char *c = calendar; *c; c++) /* the message's own line ends are put in later */
        if (*c != '\r')
            *to++ = *c;
    *to = '\0';
    GMimeObject *part = text_new("calendar", calendar);
    g_mime_object_set_content_type_parameter(part, "method", "PUBLISH");
    g_mime_object_set_disposition(part, GMIME_DISPOSITION_ATTACHMENT);
    g_mime_part_set_filename(GMIME_PART(part), "mejora.ics");
    return part;
}

/* Text first, then the page, for programs that show the last they can; the ends to come beside both. */
static void put_body(GMimeMessage *message, const Mejora__Mail *mail, const char *checkpoint, int64_t now)
{
    GMimeObject *body = text_new("plain", digest_text(mail, checkpoint));
    if (!mail->plain) {
        GMimeMultipart *both = multipart_new("alternative");
        add(both, body);
        add(both, text_new("html", digest_page(mail, checkpoint)));
        body = GMIME_OBJECT(both);
    }
    char *calendar = digest_calendar(mail, now);
    if (calendar) {
        GMimeMultipart *mixed = multipart_new("mixed");
        add(mixed, body);
        add(mixed, calendar_new(calendar));
        body = GMIME_OBJECT(mixed);
    }
    g_mime_message_set_mime_part(message, body);
    g_object_unref(body);
}

char *compose_mail(const Mejora__Mail *mail, const struct compose_settings *set, enum compose_fault *fault)
{
    *fault = check(mail);
    if (*fault)
        return NULL;
    GMimeMessage *message = g_mime_message_new(TRUE);
    put_people(message, mail->name, mail->address, set->from);
    put_headers(message, digest_subject(mail), mail->message_id, set->now);
    if (mail->institution)
        put_list(message, mail->institution);
    if (mail->again) /* the same Message-ID says it to programs, this to who looks closer */
        g_mime_object_set_header(GMIME_OBJECT(message), "X-Mejora-Attempt", "repeated", utf8);
    g_mime_object_set_header(GMIME_OBJECT(message), "Content-Language", digest_language(mail), utf8);
    put_body(message, mail, set->checkpoint, set->now);
    return write_out(message);
}

char *compose_test(const char *address, const struct compose_settings *set, enum compose_fault *fault)
{
    *fault = is_address(address) ? COMPOSE_OK : COMPOSE_BAD_ADDRESS;
    if (*fault)
        return NULL;
    GMimeMessage *message = g_mime_message_new(TRUE);
    char *random = g_uuid_string_random(), *id = g_strdup_printf("test.%s@mejora", random);
    put_people(message, NULL, address, set->from);
    put_headers(message, g_strdup(_("Mejora: test of the reminders' mail")), id, set->now);
    GMimeObject *text = text_new(
        "plain",
        g_strdup(_("If you can read this, reminders of the improvement plan arrive here. Nothing is to be done.")));
    g_mime_message_set_mime_part(message, text);
    g_object_unref(text);
    g_free(id);
    g_free(random);
    return write_out(message);
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
