/* Completion: the shell's script asks `mejora __complete WORDS`, which answers from the table of commands, and from the
 * server where a reference is wanted, if that is quick. */
#include "client/cli/cli.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 300 };

static const struct {
    const char *shell, *script;
} scripts[] = {
    {"bash",
     "_mejora()\n"
     "{\n"
     "    local IFS=$'\\n'\n"
     "    COMPREPLY=($(compgen -W \"$(mejora __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null | cut -f1)\" -- "
     "\"${COMP_WORDS[COMP_CWORD]}\"))\n"
     "}\n"
     "complete -o default -F _mejora mejora\n"},
    {"zsh",
     "#compdef mejora\n"
     "_mejora()\n"
     "{\n"
     "    local -a lines\n"
     "    lines=(\"${(@f)$(mejora __complete \"${words[@]:1:$((CURRENT - 1))}\" 2>/dev/null | tr '\\t' ':')}\")\n"
     "    _describe mejora lines || _files\n"
     "}\n"
     "compdef _mejora mejora\n"},
    {"fish", "complete -c mejora -f -a '(set -l w (commandline -opc)[2..-1] (commandline -ct); mejora __complete $w "
             "2>/dev/null)'\n"
             "complete -c mejora -n 'string match -qr \"join|import|profile\" (commandline)' -F\n"},
};

int run_completion(struct cli *cli)
{
    const char *shell = local_text(cli, "SHELL");
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (!strcmp(scripts[i].shell, shell)) {
            fputs(scripts[i].script, stdout);
            return EXIT_DONE;
        }
    usage_error(cli->command, _("%s does not take “%s”. Accepted: %s."), _("SHELL"), shell, "bash, zsh, fish");
    return EXIT_USAGE;
}

static bool starts(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

static void offer(const char *word, const char *help)
{
    printf("%s\t%s\n", word, help);
}

static void offer_nouns(const char *typed)
{
    for (size_t i = 0; i < n_commands; i++)
        if (starts(commands[i].noun, typed) && (!i || strcmp(commands[i].noun, commands[i - 1].noun) != 0))
            offer(commands[i].noun, commands[i].verb ? "" : _(commands[i].help));
}

static void offer_verbs(const char *noun, const char *typed)
{
    for (size_t i = 0; i < n_commands; i++)
        if (!strcmp(commands[i].noun, noun) && commands[i].verb && starts(commands[i].verb, typed))
            offer(commands[i].verb, _(commands[i].help));
}

static void offer_options(const struct command *c, const char *typed)
{
    char option[64];
    for (const struct arg *arg = c->args; arg->name; arg++) {
        snprintf(option, sizeof option, "--%s", arg->name);
        if (!isupper((unsigned char)arg->name[0]) && starts(option, typed))
            offer(option, _(arg->help));
    }
}

/* The actions of the profile's plan, by number. Silence when anything is amiss: a prompt is no place for errors. */
static void offer_actions(struct cli *cli)
{
    struct profile_error error;
    struct answer answer;
    char plan[REF_TEXT];
    struct ref ref = {.level = REF_PLAN};
    cli->profile_file = profile_path(NULL);
    if (!cli->profile_file || !profile_read(cli->profile_file, &cli->profile, &error) || !cli->profile.institution ||
        !cli->profile.plan || !(cli->client = client_new(&cli->profile)))
        return;
    snprintf(ref.institution, sizeof ref.institution, "%s", cli->profile.institution);
    ref.plan = cli->profile.plan;
    client_timeout(cli->client, PATIENCE_MS);
    json_t *reply = cli_try(cli->client, &ops[OP_action_list], ref_text(&ref, plan), cli->fields, &answer), *action;
    size_t i;
    json_array_foreach(json_object_get(reply, "actions"), i, action)
    {
        char *objective = view_safe(json_string_value(json_object_get(action, "objective")) ?: "");
        printf("%d\t%s\n", (int)json_integer_value(json_object_get(action, "item_no")), objective);
        free(objective);
    }
    answer_free(&answer);
    json_decref(reply);
}

int run_complete(struct cli *cli, int argc, char *argv[])
{
    int used = 0;
    const char *typed = argc ? argv[argc - 1] : "";
    const struct command *c = argc > 1 ? command_find(argc - 1, argv, &used) : NULL;
    if (argc <= 1)
        offer_nouns(typed);
    else if (!c)
        offer_verbs(command_word(argv[0]), typed);
    else if (*typed == '-')
        offer_options(c, typed);
    else if (argc == used + 1 && c->args->kind == ARG_REF && c->args->level >= REF_ACTION)
        offer_actions(cli);
    return EXIT_DONE;
}
