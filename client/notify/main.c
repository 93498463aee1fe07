/* mejora-notify - the notification worker: reminds people of the actions whose end is near. */
#include "client/mail/compose.h"
#include "client/notify/check.h"
#include "client/notify/worker.h"
#include "common/log.h"
#include "common/message.h"

#include <signal.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_DENIED = 4, EXIT_UNREACHABLE = 7, EXIT_CONTRADICTED = 9 };

struct options {
    const char *profile, *smtp, *from, *credentials, *ca, *interval, *lease, *timeout, *name, *lang, *log;
    const char *connections, *bounces, *test;
    bool once, plain, help;
};

/* One row is one option: how it is parsed, and what --help says of it. value NULL: a switch. */
static const struct option_row {
    const char *name, *value, *help;
    size_t offset;
} rows[] = {
    {"profile", N_("FILE"), N_("where the server is, and the worker's key (role notifier)"),
     offsetof(struct options, profile)},
    {"smtp", "URL", N_("the relay: smtp://host[:port], with STARTTLS required, or smtps://host[:port]"),
     offsetof(struct options, smtp)},
    {"from", N_("ADDRESS"), N_("the sender, such as \"Plan de mejora <plan@inm.gob.do>\""),
     offsetof(struct options, from)},
    {"smtp-credentials", N_("FILE"), N_("user in the first line, password in the second; mode 0600"),
     offsetof(struct options, credentials)},
    {"smtp-ca", N_("FILE"), N_("the authorities whose certificates the relay may show, instead of the system's"),
     offsetof(struct options, ca)},
    {"insecure-plain", NULL, N_("no encryption: anybody on the way to the relay can read names, addresses and plans"),
     offsetof(struct options, plain)},
    {"bounces", N_("ADDRESS"),
     N_("where relays return what they cannot deliver; * stands for the mail's number: avisos+*@inm.gob.do"),
     offsetof(struct options, bounces)},
    {"connections", N_("NUMBER"), N_("how many connections to the relay a long queue may take (4)"),
     offsetof(struct options, connections)},
    {"test", N_("ADDRESS"), N_("send one test mail there, say at which step it fails and why, then end"),
     offsetof(struct options, test)},
    {"once", NULL, N_("send what is due, then end"), offsetof(struct options, once)},
    {"interval", N_("SECONDS"), N_("how often to ask for what is due (30)"), offsetof(struct options, interval)},
    {"lease", N_("SECONDS"), N_("how long the server keeps a mail for this worker (120)"),
     offsetof(struct options, lease)},
    {"smtp-timeout", N_("SECONDS"), N_("how long one mail may take (60)"), offsetof(struct options, timeout)},
    {"workers-name", N_("NAME"), N_("what this worker is called in the log (its process number)"),
     offsetof(struct options, name)},
    {"lang", "es|en", N_("the language of this program's own words; a mail has its reader's"),
     offsetof(struct options, lang)},
    {"log-level", "error|warning|info|debug", N_("how much to log (info)"), offsetof(struct options, log)},
    {"help", NULL, N_("this text"), offsetof(struct options, help)},
};
enum { ROWS = sizeof rows / sizeof *rows };

static atomic_int stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

/* For a person, who started this by hand or reads why the service did not start. */
static int complain(int status, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("mejora-notify: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    return status;
}

static int help(void)
{
    puts(_("mejora-notify - reminds people by mail of the actions whose end is near\n\n"
           "  mejora-notify --profile notifier.profile --smtp smtp://relay.example.do --from plan@example.do\n"
           "  mejora-notify --once --smtp smtp://localhost:2525 --from plan@example.do\n"));
    for (size_t i = 0; i < ROWS; i++) {
        printf("  --%s%s%s\n      %s\n", rows[i].name, rows[i].value ? " " : "",
               rows[i].value ? gettext(rows[i].value) : "", gettext(rows[i].help));
    }
    return EXIT_DONE;
}

static const struct option_row *row_find(const char *name, size_t size)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strlen(rows[i].name) == size && !memcmp(rows[i].name, name, size))
            return &rows[i];
    return NULL;
}

static int options_read(struct options *o, char *argv[])
{
    for (char **arg = argv + 1; *arg; arg++) {
        const char *name = !strcmp(*arg, "-h") ? "--help" : *arg, *equals = strchr(name, '=');
        const struct option_row *row = NULL;
        if (!strncmp(name, "--", 2))
            row = row_find(name + 2, equals ? (size_t)(equals - name) - 2 : strlen(name) - 2);
        if (!row || (equals && !row->value))
            return complain(EXIT_USAGE, _("there is no option %s; see: mejora-notify --help"), *arg);
        void *field = (char *)o + row->offset;
        if (!row->value)
            *(bool *)field = true;
        else if (!equals && !arg[1])
            return complain(EXIT_USAGE, _("--%s needs a value: %s"), row->name, gettext(row->value));
        else
            *(const char **)field = equals ? equals + 1 : *++arg;
    }
    return EXIT_DONE;
}

/* text NULL: the default is there already. */
static int number_read(const char *option, const char *text, int lowest, int highest, int *n)
{
    if (!text)
        return EXIT_DONE;
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < lowest || value > highest)
        return complain(EXIT_USAGE, _("--%s takes a number from %d to %d, not %s"), option, lowest, highest, text);
    *n = (int)value;
    return EXIT_DONE;
}

/* What systemd hands over (LoadCredential=) is this service's alone, whatever its mode says. */
static bool is_credential(const char *path)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    size_t size = directory ? strlen(directory) : 0;
    return size && !strncmp(path, directory, size) && path[size] == '/';
}

/* text: where user and password go, and stay. */
static int credentials_read(const char *path, char text[512], struct smtp_settings *set)
{
    struct stat st;
    FILE *f = fopen(path, "re");
    if (!f || fstat(fileno(f), &st)) {
        int why = errno;
        if (f)
            fclose(f);
        return complain(EXIT_FAILED, "%s: %s", path, strerror(why));
    }
    size_t n = fread(text, 1, 511, f);
    fclose(f);
    text[n] = '\0';
    if ((st.st_mode & 077) && !is_credential(path))
        return complain(EXIT_FAILED, _("%s can be read by others. Close it first: chmod 600 %s"), path, path);
    char *rest = text;
    set->user = strsep(&rest, "\n");
    set->password = strsep(&rest, "\n");
    if (!set->password || !*set->user)
        return complain(EXIT_FAILED, _("%s needs the user in its first line and the password in its second"), path);
    return EXIT_DONE;
}

static int relay_read(const struct options *o, char sender[COMPOSE_ADDRESS], char secret[512],
                      struct smtp_settings *set)
{
    int seconds = 60;
    if (!o->smtp || !o->from)
        return complain(EXIT_USAGE, _("--smtp and --from are needed; see: mejora-notify --help"));
    if (!smtp_tls_of(o->smtp, &set->tls))
        return complain(EXIT_USAGE, _("%s is not a relay. Relays look like smtp://host:587 or smtps://host:465"),
                        o->smtp);
    if (!compose_sender(o->from, sender))
        return complain(EXIT_USAGE, _("%s is not one mail address"), o->from);
    if (o->plain && o->credentials && set->tls == SMTP_STARTTLS)
        return complain(EXIT_USAGE,
                        _("--insecure-plain would send the password unencrypted; leave one of the two out"));
    if (o->plain && set->tls == SMTP_STARTTLS)
        set->tls = SMTP_PLAIN;
    int status = number_read("smtp-timeout", o->timeout, 1, 600, &seconds);
    *set = (struct smtp_settings){.url = o->smtp, .sender = sender, .ca_file = o->ca, .tls = set->tls};
    set->connect_ms = seconds < 10 ? seconds * 1000L : 10000;
    set->total_ms = seconds * 1000L;
    return status || !o->credentials ? status : credentials_read(o->credentials, secret, set);
}

/* The numbers of mails have at most twenty digits. */
static int bounces_read(const struct options *o, char address[COMPOSE_ADDRESS], struct worker *w)
{
    w->bounces = o->bounces;
    if (o->bounces && (!compose_sender(o->bounces, address) || strcmp(o->bounces, address) != 0 ||
                       strlen(address) + 20 > COMPOSE_ADDRESS))
        return complain(EXIT_USAGE, _("%s is not one mail address"), o->bounces);
    return EXIT_DONE;
}

/* path: its file, the caller's to free. */
static int profile_open(const char *option, struct profile *p, char **ret_path)
{
    struct profile_error error;
    char *path = *ret_path = profile_path(option);
    int status = EXIT_DONE;
    if (!path || !profile_read(path, p, &error)) {
        char *why = path ? profile_explain(&error, path) : NULL;
        status = complain(EXIT_FAILED, "%s", why ? why : strerror(ENOMEM));
        free(why);
    }
    return status;
}

static void signals_catch(void)
{
    struct sigaction ending = {.sa_handler = on_signal}; /* without SA_RESTART: waiting ends */
    sigaction(SIGTERM, &ending, NULL);
    sigaction(SIGINT, &ending, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int finish(const struct worker *w, enum worker_end end, const char *relay)
{
    if (w->progress)
        fputc('\n', stderr);
    const struct tally *t = w->tally;
    log_line(LOG_INFO, "worker=%s stopped sent=%ld later=%ld never=%ld unknown=%ld", w->name, t->sent, t->later,
             t->never, t->unknown);
    switch (end) {
    case WORKER_DONE:
        return t->contradicted
                   ? complain(EXIT_CONTRADICTED,
                              _("the audit log contradicts what was seen of it; the log says where the evidence is"))
                   : EXIT_DONE;
    case WORKER_UNREACHABLE:
        return complain(EXIT_UNREACHABLE, _("the server cannot be reached; what is due stays due"));
    case WORKER_DENIED:
        return complain(EXIT_DENIED,
                        _("the server does not accept this profile as a notification worker (role notifier)"));
    case WORKER_RELAY_AWAY:
        return complain(EXIT_FAILED, _("the relay %s takes no mail at the moment; what is due stays due: %s"), relay,
                        w->away);
    default: return complain(EXIT_FAILED, _("the server failed to hand out what is due; the log says how"));
    }
}

static int work(const struct options *o, struct worker *w, const struct smtp_settings *set, const struct profile *p)
{
    static struct tally tally; /* of the program: the worker knows where it is */
    w->institution = p->institution;
    w->profile = p;
    w->relay = set;
    w->tally = &tally;
    signals_catch();
    log_line(LOG_INFO, "worker=%s started once=%d encrypted=%d", w->name, w->once, set->tls != SMTP_PLAIN);
    return finish(w, worker_run(w), o->smtp);
}

int main(int argc, char *argv[])
{
    (void)argc;
    struct options o = {.lang = NULL};
    struct smtp_settings set = {.url = NULL};
    struct profile profile = {.n_endpoints = 0};
    char sender[COMPOSE_ADDRESS], bounces[COMPOSE_ADDRESS], secret[512] = "", pid[16], *path = NULL;
    message_language(NULL, NULL);
    int status = options_read(&o, argv);
    const char *language = message_language(o.lang, NULL);
    if (status || o.help)
        return status ? status : help();

    compose_start();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    struct worker w = {
        .name = o.name ? o.name : pid, .from = o.from, .language = language, .stop = &stop, .once = o.once};
    w.interval_s = 30;
    w.lease_s = 120;
    w.connections = 4;
    w.progress = o.once && isatty(STDERR_FILENO);
    if (!log_set_level(o.log ? o.log : w.progress ? "error" : "info"))
        return complain(EXIT_USAGE, _("--log-level takes error, warning, info or debug, not %s"), o.log);
    if (!(status = number_read("interval", o.interval, 1, 86400, &w.interval_s)) &&
        !(status = number_read("lease", o.lease, 15, 3600, &w.lease_s)) &&
        !(status = number_read("connections", o.connections, 1, CONNECTIONS, &w.connections)) &&
        !(status = bounces_read(&o, bounces, &w)) && !(status = relay_read(&o, sender, secret, &set))) {
        if (o.test)
            status = check_relay(&set, o.from, o.test) ? EXIT_DONE : EXIT_FAILED;
        else if (!(status = profile_open(o.profile, &profile, &path))) {
            w.profile_file = path;
            status = work(&o, &w, &set, &profile);
        }
    }
    free(path);
    profile_free(&profile);
    explicit_bzero(secret, sizeof secret);
    curl_global_cleanup();
    return status;
}
