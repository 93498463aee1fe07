/* What became of a plan from one day to another. */
#include "client/cli/cli.h"

#include <string.h>

/* A state is a label, which has a word; the other values are in people's words already. */
static void word_states(json_t *differences)
{
    static const char *const sides[] = {"was", "now"};
    json_t *row;
    size_t i;
    json_array_foreach(differences, i, row)
    {
        const char *field = json_string_value(json_object_get(row, "field"));
        for (size_t s = 0; field && !strcmp(field, "state") && s < 2; s++) {
            const char *label = json_string_value(json_object_get(row, sides[s]));
            if (label)
                json_object_set_new(row, sides[s], json_string(view_label(label)));
        }
    }
}

int run_compare(struct cli *cli)
{
    const struct op *op = &ops[OP_plan_compare];
    int code;
    if (!settle_period(cli, op, &code))
        return code;
    json_t *reply = cli_ask(cli, op, cli->ref, cli->fields, &code);
    if (cli->format == FORMAT_TABLE)
        word_states(json_object_get(reply, "differences"));
    if (reply)
        cli_show(cli, op, reply);
    json_decref(reply);
    return code;
}
