#include "client/notify/check.h"

#include "client/mail/compose.h"
#include "common/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* In the order in which a mail passes them: what goes well there, and what to look at when it does not. */
static const struct {
    const char *step, *advice;
} steps[] = {
    [SMTP_NAME] = {N_("the relay's name has an address"),
                   N_("The name is not known here. Look at how it is written, and at this machine's DNS.")},
    [SMTP_TCP] = {N_("the relay takes the connection"),
                  N_("Nobody takes the connection. Look at the port, and whether a firewall lets this machine out.")},
    [SMTP_TLS] =
        {N_("the connection is encrypted, and the relay is who it says"),
         N_("The relay shows no certificate that can be trusted for this name, or offers no encryption. Its own "
            "authority goes into --smtp-ca; port 465 wants smtps://.")},
    [SMTP_HELLO] = {N_("the relay greets"),
                    N_("The relay does not want to speak with this machine. Its administrator has to let it in.")},
    [SMTP_AUTH] = {N_("the relay knows the user"),
                   N_("User or password are not accepted. They are in the file of --smtp-credentials, one to a line.")},
    [SMTP_MAIL] = {N_("the relay takes mail of this sender"),
                   N_("The relay does not take this sender. If it wants a user, give --smtp-credentials; otherwise the "
                      "sender's domain has to be one of its own.")},
    [SMTP_RCPT] =
        {N_("the relay takes mail for this address"),
         N_("The relay does not deliver to this address: it does not exist, or this machine may not send there.")},
    [SMTP_DATA] = {N_("the relay asks for the text"), N_("The relay broke off before the text.")},
    [SMTP_DOT] = {N_("the relay has taken the mail"),
                  N_("The relay did not say that it took the mail. It may arrive all the same.")},
};

static void tell(const struct smtp_settings *relay, const struct smtp_result *r)
{
    bool sent = r->outcome == MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT;
    for (int i = 0; i < (int)r->phase + sent; i++) {
        if ((i == SMTP_TLS && relay->tls == SMTP_PLAIN) || (i == SMTP_AUTH && !relay->user))
            continue;
        printf("✓ %s\n", gettext(steps[i].step));
    }
    if (sent)
        return;
    printf("✖ %s\n", gettext(steps[r->phase].step));
    printf("  %s\n", r->code ? r->text : r->error ? r->error : "–");
    printf("%s\n", gettext(steps[r->phase].advice));
}

bool check_relay(const struct smtp_settings *relay, const char *from, const char *address)
{
    const struct compose_settings set = {.from = from, .now = time(NULL)};
    enum compose_fault fault;
    struct smtp_result r = {0};
    struct smtp *s = smtp_new(relay);
    char *text = compose_test(address, &set, &fault);
    if (text && s) {
        const struct smtp_letter letter = {
            .address = address, .text = text, .size = strlen(text), .until = smtp_now() + relay->total_ms};
        smtp_send(s, &letter, NULL, &r);
        tell(relay, &r);
    } else {
        printf(_("%s is not one mail address"), address);
        putchar('\n');
    }
    bool sent = text && s && r.outcome == MEJORA__MAIL_OUTCOME__MAIL_OUTCOME_SENT;
    smtp_free(s);
    free(text);
    return sent;
}
