/* What I must do: `mejora` alone. */
#include "client/cli/cli.h"

#include <stdlib.h>
#include <string.h>

static bool is_mine(json_t *action, json_t *units)
{
    json_t *owner, *unit;
    size_t i, j;
    json_array_foreach(json_object_get(action, "owners"), i, owner)
    {
        json_array_foreach(units, j, unit)
        {
            if (json_equal(unit, json_object_get(owner, "code")) || json_equal(unit, json_object_get(owner, "unit")))
                return true;
        }
    }
    return false;
}

/* A person without units (Planificación, an auditor) is shown the whole institution's. */
static void keep_mine(json_t *reply, json_t *units)
{
    json_t *actions = json_object_get(reply, "actions");
    for (size_t i = json_array_size(actions); json_array_size(units) && i-- > 0;)
        if (!is_mine(json_array_get(actions, i), units))
            json_array_remove(actions, i);
}

static void suggest(json_t *reply)
{
    json_t *first = json_array_get(json_object_get(reply, "actions"), 0);
    const char *ref = json_string_value(json_object_get(first, "ref"));
    say("%s", _("\nNext:"));
    if (ref) {
        say(_("  mejora action show %s"), ref);
        say(_("  mejora progress report %s 50 --evidence \"…\""), ref);
    } else {
        say("%s", _("  mejora action list --mine"));
        say("%s", _("  mejora due --within 90d"));
    }
    say("%s", _("  mejora status"));
}

int run_home(struct cli *cli)
{
    const struct op *op = &ops[OP_due];
    int code;
    if (!cli_open(cli, &code))
        return code;
    json_t *me = cli_ask(cli, &ops[OP_whoami], "", cli->fields, &code);
    if (me && cli->profile.institution == NULL && json_object_get(me, "institution"))
        cli->profile.institution = strdup(json_string_value(json_object_get(me, "institution")));
    if (!me || !cli_reference(cli, op->about)) {
        json_decref(me);
        return me ? EXIT_USAGE : code;
    }
    json_t *reply = cli_ask(cli, op, cli->ref, cli->fields, &code);
    if (reply) {
        keep_mine(reply, json_object_get(me, "units"));
        view_reply(cli->format, op->reply, reply, "actions: ref action end_date days_left percent state");
        suggest(reply);
    }
    json_decref(me);
    json_decref(reply);
    return code;
}
