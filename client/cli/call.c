/* Any operation, straight from the descriptors: `mejora call`, and the tables of PROTOCOL.md. */
#include "client/cli/cli.h"

#include "common/json.h"
#include "people.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* ---- what there is ---- */

static const char *field_type(const ProtobufCFieldDescriptor *f)
{
    static const char *const names[] = {
        [PROTOBUF_C_TYPE_INT32] = "int32", [PROTOBUF_C_TYPE_UINT32] = "uint32", [PROTOBUF_C_TYPE_INT64] = "int64",
        [PROTOBUF_C_TYPE_BOOL] = "bool",   [PROTOBUF_C_TYPE_STRING] = "string", [PROTOBUF_C_TYPE_BYTES] = "bytes",
    };
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return ((const ProtobufCMessageDescriptor *)f->descriptor)->short_name;
    return f->type == PROTOBUF_C_TYPE_ENUM ? ((const ProtobufCEnumDescriptor *)f->descriptor)->short_name
                                           : names[f->type];
}

static void put_fields(const ProtobufCMessageDescriptor *type)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        printf("%s`%s` %s%s", i ? ", " : "", f->name, f->label == PROTOBUF_C_LABEL_REPEATED ? "repeated " : "",
               field_type(f));
    }
    printf(type->n_fields ? "" : "–");
}

static void put_about(const struct op *op)
{
    static const char *const names[REF_LEVELS] = {"nothing", "institution", "plan", "action", "task"};
    const char *comma = "";
    for (unsigned level = 0; level < REF_LEVELS; level++)
        if (op->about & 1u << level) {
            printf("%s%s", comma, names[level]);
            comma = ", ";
        }
}

static void put_roles(const struct op *op)
{
    const ProtobufCEnumDescriptor *type = &mejora__role__descriptor;
    char label[64];
    const char *comma = "";
    for (unsigned i = 1; i < type->n_values; i++)
        if (op->roles & 1u << type->values[i].value) {
            printf("%s%s", comma, enum_label(type, type->values[i].value, label));
            comma = ", ";
        }
}

static void describe(const struct op *op)
{
    static const char *const kinds[] = {[READ] = "read, also as of a past day",
                                        [NOW] = "read",
                                        [NOTED] = "read, noted in the audit trail",
                                        [WRITE] = "write"};
    printf("### %s\n\n- %s, about: ", op->name, kinds[op->kind]);
    put_about(op);
    printf("\n- roles: ");
    put_roles(op);
    printf("\n- request: ");
    put_fields(op->request);
    printf("\n- reply: ");
    put_fields(op->reply);
    puts("\n");
}

static void describe_codes(void)
{
    puts("## Codes\n\n| code | words |\n|---|---|");
    for (const struct message *m = messages; m->code; m++)
        printf("| %s | %s |\n", m->code, m->text);
}

/* ---- field=value ---- */

static const struct op *op_typed(const char *name)
{
    const struct op *op = op_find(name);
    if (!op)
        usage_error(NULL, _("there is no operation “%s”. The operations: mejora call --list"), name);
    return op;
}

static bool add_field(const struct op *op, json_t *fields, const char *text)
{
    char name[128];
    struct json_fault fault = {0};
    const char *equals = strchr(text, '=');
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(op->request, name);
    json_t *value = f ? json_from_text(equals + 1, f, &fault) : NULL;
    if (!f)
        say(_("%s has no field %s. Its fields: mejora call --describe %s"), op->name, name, op->name);
    else if (!value)
        say(_("The field %s does not take this value. Accepted: %s."), fault.field, fault.accepted);
    if (!value)
        return false;
    if (f->label != PROTOBUF_C_LABEL_REPEATED)
        return !json_object_set_new(fields, name, value);
    json_t *list = json_object_get(fields, name);
    if (!list)
        json_object_set_new(fields, name, list = json_array());
    return json_is_array(value) ? !json_array_extend(list, value) && (json_decref(value), true)
                                : !json_array_append_new(list, value);
}

static int describe_all(json_t *words)
{
    const char *name = json_string_value(json_array_get(words, 0));
    const struct op *only = name ? op_typed(name) : NULL;
    for (const struct op *op = ops; op < ops + OPS; op++)
        if (!name || op == only)
            describe(op);
    if (!name)
        describe_codes();
    return name && !only ? EXIT_USAGE : EXIT_DONE;
}

int run_call(struct cli *cli)
{
    json_t *words = json_object_get(cli->local, "OPERATION");
    const char *name = json_string_value(json_array_get(words, 0)), *ref = json_string_value(json_array_get(words, 1));
    if (local_is(cli, "describe"))
        return describe_all(words);
    if (local_is(cli, "list")) {
        for (const struct op *op = ops; op < ops + OPS; op++)
            puts(op->name);
        return EXIT_DONE;
    }
    if (!name)
        usage_error(cli->command, "%s", _("which operation? The operations: mejora call --list"));
    const struct op *op = name ? op_typed(name) : NULL;
    if (!op || !args_past(cli, op))
        return EXIT_USAGE;
    size_t first = ref && !strchr(ref, '=') ? 2 : 1;
    for (size_t i = first; i < json_array_size(words); i++) {
        const char *text = json_string_value(json_array_get(words, i));
        if (!strchr(text, '='))
            usage_error(cli->command, _("“%s” is not field=value"), text);
        if (!strchr(text, '=') || !add_field(op, cli->fields, text))
            return EXIT_USAGE;
    }
    int code;
    if (!cli_open(cli, &code))
        return code;
    enum ref_level wanted = op->about & (1u << REF_ACTION | 1u << REF_TASK) ? REF_TASK : REF_PLAN;
    if (first == 2 && !args_ref(cli, ref, wanted))
        return EXIT_INVALID;
    cli->format = cli->format == FORMAT_TABLE ? FORMAT_JSON : cli->format;
    json_t *reply = cli_ask(cli, op, cli->ref, cli->fields, &code);
    if (reply)
        view_reply(cli->format, op->reply, reply, NULL);
    json_decref(reply);
    return code;
}
