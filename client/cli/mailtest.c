/* One test mail. The program that speaks with relays does it; this one stays thin. */
#include "client/cli/cli.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Beside this program, as both were installed, or else wherever the shell finds it. */
static void run_notify(char *const argv[])
{
    char path[PATH_MAX + 16];
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
    if (n > 0) {
        path[n] = '\0';
        char *end = strrchr(path, '/');
        memcpy(end, "/mejora-notify", sizeof "/mejora-notify");
        execv(path, argv);
    }
    execvp("mejora-notify", argv);
}

int run_mail_test(struct cli *cli)
{
    static const char *const passed[] = {"smtp", "smtp-credentials", "smtp-ca"};
    const char *address = local_text(cli, "ADDRESS"), *from = local_text(cli, "from");
    const char *argv[16] = {"mejora-notify", "--test", address, "--from", from ? from : address};
    size_t n = 5;
    char option[3][32];
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
        const char *value = local_text(cli, passed[i]);
        if (!value)
            continue;
        snprintf(option[i], sizeof option[i], "--%s", passed[i]);
        argv[n++] = option[i];
        argv[n++] = value;
    }
    if (cli->language) {
        argv[n++] = "--lang";
        argv[n++] = cli->language;
    }
    fflush(stdout);
    run_notify((char *const *)(uintptr_t)argv);
    say("mejora-notify: %s", strerror(errno));
    return EXIT_FAILED;
}
