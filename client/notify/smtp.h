/* smtp - one attempt to hand one mail to the relay, and what is known about it afterwards.
 *
 * The connection is kept from mail to mail. One thread uses an smtp; the settings are borrowed and must outlive it. */
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
    long connect_ms, total_ms, idle_s;
};

struct smtp_result {
    Mejora__MailOutcome outcome;
    int code;          /* of the last reply; 0: none */
    char text[256];    /* of the last reply, on one line */
    bool away;         /* the relay takes no mail at all at the moment: nothing that concerns this one */
    const char *error; /* what ended the attempt other than a reply; NULL: nothing did */
    int64_t ms;
};

/* How the URL wants to be spoken to: SMTP_PLAIN on the loopback, else encrypted. False: not a relay's URL. */
bool smtp_tls_of(const char *url, enum smtp_tls *ret);

struct smtp *smtp_new(const struct smtp_settings *settings); /* NULL: out of memory, or libcurl lacks SMTP */
void smtp_free(struct smtp *s);

/* until: on smtp_now's clock; the mail is not begun, and its text not handed over, after that. */
void smtp_send(struct smtp *s, const char *address, const char *mail, size_t size, int64_t until,
               struct smtp_result *ret);
int64_t smtp_now(void); /* milliseconds; goes on while the process is stopped or the machine sleeps */
