/* Deciding what an import left open: one decision, or all of them alike. */
#include "client/cli/cli.h"

#include <stdlib.h>
#include <string.h>

static bool read_answer(json_t *fields, const char *text, bool own)
{
    bool accept = !strcmp(text, "accept") || !strcmp(text, "aceptar"),
         keep = !strcmp(text, "keep") || !strcmp(text, "mantener");
    if (accept || keep)
        return !json_object_set_new(fields, "accept", json_boolean(accept));
    return own && !json_object_set_new(fields, "value", json_string(text));
}

static int resolve_one(struct cli *cli, json_t *decision, json_t *resolved)
{
    const struct op *op = &ops[OP_decision_resolve];
    int code;
    struct ref ref;
    char institution[REF_TEXT];
    if (!ref_parse(cli->ref, &ref))
        return EXIT_INVALID;
    ref.level = REF_INSTITUTION;
    json_object_set(cli->fields, "number", decision);
    json_t *reply = cli_ask(cli, op, ref_text(&ref, institution), cli->fields, &code);
    if (reply)
        json_array_append(resolved, json_object_get(reply, "decision"));
    json_decref(reply);
    return code;
}

/* The others are still decided when one is refused; the first trouble is the exit code. */
static int resolve_all(struct cli *cli, json_t *resolved)
{
    int code, first = EXIT_DONE;
    json_t *none = json_object(), *decision;
    size_t i;
    json_t *list = cli_ask(cli, &ops[OP_decision_list], cli->ref, none, &code);
    json_array_foreach(json_object_get(list, "decisions"), i, decision)
    {
        int one = resolve_one(cli, json_object_get(decision, "decision"), resolved);
        first = first ? first : one;
        if (one == EXIT_INTERRUPTED || one == EXIT_UNREACHABLE)
            break;
    }
    json_decref(none);
    if (!list)
        return code;
    json_decref(list);
    return first;
}

int run_resolve(struct cli *cli)
{
    json_t *words = json_object_get(cli->local, "ID"), *number = NULL;
    bool all = local_is(cli, "all");
    const char *id = json_string_value(json_array_get(words, 0)),
               *answer = json_string_value(json_array_get(words, all ? 0 : 1));
    char *end = NULL;
    long value = !all && id ? strtol(id, &end, 10) : 0;
    if (json_array_size(words) != (all ? 1 : 2) || (!all && (end == id || *end)) ||
        !read_answer(cli->fields, answer, !all)) {
        usage_error(cli->command, "%s",
                    _("say which one and how: a number, then accept, keep or an answer; or --all accept, --all keep"));
        return EXIT_USAGE;
    }
    int code;
    if (!cli_open(cli, &code))
        return code;
    if (!cli_reference(cli, ops[OP_decision_list].about))
        return EXIT_USAGE;
    json_t *resolved = json_pack("{s:[]}", "decisions");
    json_t *list = json_object_get(resolved, "decisions");
    number = json_integer(value);
    code = all ? resolve_all(cli, list) : resolve_one(cli, number, list);
    if (json_array_size(list) || !code)
        view_reply(cli->format, ops[OP_decision_list].reply, resolved, "decisions: decision ref state reason");
    json_decref(number);
    json_decref(resolved);
    return code;
}

/* The open ones, and how to decide the first. */
int run_decision_list(struct cli *cli)
{
    json_t *decision;
    size_t i;
    int code;
    json_t *reply = cli_run_shown(cli, &code);
    json_array_foreach(cli->format == FORMAT_TABLE ? json_object_get(reply, "decisions") : NULL, i, decision)
    {
        if (strcmp(json_string_value(json_object_get(decision, "state")), "open") != 0)
            continue;
        say(_("\nTo decide: mejora decision resolve %lld accept (as proposed), keep (as it was), or an answer of your "
              "own"),
            (long long)json_integer_value(json_object_get(decision, "decision")));
        break;
    }
    json_decref(reply);
    return code;
}
