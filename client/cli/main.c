/* mejora - the command line: one command, one answer, one exit code. */
#include "client/cli/cli.h"

#include "common/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static const struct command home = {
    .noun = "", .op = OP_due, .about = REF_INSTITUTION, .args = (const struct arg[]){{0}}, .run = run_home};

static int unknown_command(int argc, char *argv[])
{
    char *safe = view_safe(argv[0]);
    usage_error(NULL, _("there is no command “%s%s%s”"), safe, argc > 1 && argv[1][0] != '-' ? " " : "",
                argc > 1 && argv[1][0] != '-' ? argv[1] : "");
    command_suggest(command_word(argv[0]), argc > 1 ? command_word(argv[1]) : NULL);
    free(safe);
    return EXIT_USAGE;
}

static int run(struct cli *cli, int argc, char *argv[])
{
    int used = 0;
    if (argc && !strcmp(argv[0], "--version")) {
        puts("mejora " MEJORA_VERSION);
        return EXIT_DONE;
    }
    if (!args_common(cli, &argc, &argv))
        return EXIT_USAGE;
    if (cli->wants_help && !argc) {
        help_all(stdout);
        return EXIT_DONE;
    }
    if (argc && !strcmp(argv[0], "__complete"))
        return run_complete(cli, argc - 1, argv + 1);
    cli->command = argc ? command_find(argc, argv, &used) : &home;
    if (!cli->command)
        return unknown_command(argc, argv);
    if (!args_read(cli, argc - used, argv + used))
        return EXIT_USAGE;
    if (cli->wants_help) {
        help_command(cli->command, stdout);
        return EXIT_DONE;
    }
    return cli->command->run ? cli->command->run(cli) : cli_run(cli);
}

int main(int argc, char *argv[])
{
    struct sigaction action = {.sa_handler = on_interrupt}; /* without SA_RESTART: a poll ends at once */
    struct cli cli = {.fields = json_object(), .local = json_object(), .settled = json_array()};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    message_language(NULL, NULL);

    int code = run(&cli, argc - 1, argv + 1);
    if (fflush(stdout) && code == EXIT_DONE)
        code = EXIT_FAILED;
    fault(FAULT_shown);
    kept_forget_settled(&cli);
    witness_run(&cli, &code);
    json_decref(cli.fields);
    json_decref(cli.local);
    json_decref(cli.refused);
    json_decref(cli.settled);
    client_free(cli.client);
    profile_free(&cli.profile);
    free(cli.profile_file);
    return code;
}
