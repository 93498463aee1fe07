/* smtp - one attempt to hand one mail to the relay, and what is known about it afterwards.
 *
 * The connection is kept from mail to mail, and where the relay offers PIPELINING the next mail's envelope leaves with
 * this one's text. libcurl connects (names, TLS, AUTH); what is said then is our own, because libcurl waits for each
 * answer. One thread uses an smtp; the settings are borrowed and must outlive it. */
#pragma once

#include "reminder.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum smtp_tls { SMTP_STARTTLS, SMTP_IMPLICIT, SMTP_PLAIN };

struct smtp_settings {
    const char *url;             /* smtp://host[:port] or smtps://… */
    const char *sender;          /* the bare address of MAIL FROM */
    const char *user, *password; /* NULL: no AUTH */
    const char *ca_file;         /* NULL: the system's authorities */
    enum smtp_tls tls;           /* the certificate is verified wherever there is one */
    long connect_ms, total_ms;   /* total: of one mail, whatever the relay does meanwhile */
};

/* One mail. What it points to is borrowed for the call. */
struct smtp_letter {
    const char *sender; /* NULL: the settings' */
    const char *address;
    const char *text;
    size_t size;
    int64_t until;         /* on smtp_now's clock; it is not begun, and its text not handed over, after that */
    bool (*holds)(void *); /* asked when the relay waits for the text; false: it does not get it. NULL: not asked */
    void *about;
};

/* How far the conversation is. From SMTP_DOT on the relay may hold the whole mail. */
enum smtp_phase { SMTP_NAME, SMTP_TCP, SMTP_TLS, SMTP_HELLO, SMTP_AUTH, SMTP_MAIL, SMTP_RCPT, SMTP_DATA, SMTP_DOT };

struct smtp_result {
    Mejora__MailOutcome outcome;
    enum smtp_phase phase; /* in which it ended */
    int code;              /* of the last reply; 0: none */
    char text[256];        /* of the last reply, on one line */
    bool away;             /* the relay takes no mail at all at the moment: nothing that concerns this one */
    bool stale;            /* what `holds` said no to */
    const char *error;     /* what ended the attempt other than a reply; NULL: nothing did */
    int64_t ms;
};

/* How the URL wants to be spoken to: SMTP_PLAIN on the loopback, else encrypted. False: not a relay's URL. */
bool smtp_tls_of(const char *url, enum smtp_tls *ret);

struct smtp *smtp_new(const struct smtp_settings *settings); /* NULL: out of memory */
void smtp_free(struct smtp *s);
/* next: the letter that will be sent after this one, so that its envelope can go ahead; NULL: not known. */
void smtp_send(struct smtp *s, const struct smtp_letter *letter, const struct smtp_letter *next,
               struct smtp_result *ret);
int64_t smtp_now(void); /* milliseconds; goes on while the process is stopped or the machine sleeps */
