/* A person's next mail, composed here as the worker composes it. */
#include "client/cli/cli.h"
#include "client/mail/digest.h"
#include "common/json.h"
#include "reminder.pb-c.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int write_page(const char *path, const char *page)
{
    FILE *f = fopen(path, "we");
    bool written = f && fputs(page, f) >= 0;
    if (f && fclose(f))
        written = false;
    if (!written)
        say("%s: %s", path, strerror(errno));
    return written ? EXIT_DONE : EXIT_FAILED;
}

/* In the words of the mail's language, not of whoever looks at it. */
static int show_mail(const struct cli *cli, const Mejora__Mail *mail, const char *date)
{
    const char *path = local_text(cli, "html");
    int code = EXIT_DONE;
    message_language(digest_language(mail), NULL);
    char *subject = digest_subject(mail), *text = digest_text(mail, NULL), *page = digest_page(mail, NULL);
    message_language(cli->language, NULL);
    printf(_("Date: %s\nTo: %s <%s>\nSubject: %s\n\n"), date, mail->name, mail->address ? mail->address : "–", subject);
    fputs(text, stdout);
    if (path)
        code = write_page(path, page);
    free(subject);
    free(text);
    free(page);
    return code;
}

int run_preview(struct cli *cli)
{
    const struct op *op = &ops[OP_reminder_preview];
    struct json_fault fault;
    int code;
    if (!cli_open(cli, &code))
        return code;
    if (!cli_reference(cli, op->about))
        return EXIT_USAGE;
    json_t *json = cli_ask(cli, op, cli->ref, cli->fields, &code);
    if (!json)
        return code;
    if (cli->format == FORMAT_TABLE) {
        ProtobufCMessage *reply = json_to_message(json, op->reply, &fault);
        const Mejora__ReminderPreviewReply *preview = (void *)reply;
        code = preview && preview->mail && digest_complete(preview->mail) ? show_mail(cli, preview->mail, preview->date)
                                                                          : EXIT_FAILED;
        if (reply)
            protobuf_c_message_free_unpacked(reply, NULL);
    } else {
        cli_show(cli, op, json);
    }
    json_decref(json);
    return code;
}
