/* The table of commands held against the contract: what it names must exist. */
#include "client/cli/cli.h"
#include "client/cli/spoken.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const ProtobufCFieldDescriptor *field(const ProtobufCMessageDescriptor *type, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(type, name);
}

static void every_argument_names_a_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_commands; i++)
        for (const struct arg *arg = commands[i].args; arg->name; arg++) {
            char name[64];
            snprintf(name, sizeof name, arg->kind == ARG_PERIOD ? "%s_date" : "%s", arg->field ? arg->field : "");
            const struct op *op = commands[i].op < 0 ? NULL : &ops[commands[i].op];
            const ProtobufCFieldDescriptor *f = op ? field(op->request, name) : NULL;
            if (arg->field && (!f || (f->label == PROTOBUF_C_LABEL_REPEATED) != !!(arg->flags & ARG_MANY)))
                fail_msg("%s: %s", commands[i].example, arg->name);
            if (arg->kind == ARG_REF && op && !commands[i].run && !(op->about & 1u << arg->level))
                fail_msg("%s: %s: the operation is not about that", commands[i].example, arg->name);
        }
}

static void every_column_exists(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_commands; i++) {
        char *copy = strdup(commands[i].columns ? commands[i].columns : ""), *sections, *words;
        for (char *section = strtok_r(copy, ";", &sections); section; section = strtok_r(NULL, ";", &sections)) {
            char *name = strtok_r(section, ": ", &words);
            const ProtobufCMessageDescriptor *type = ops[commands[i].op].reply;
            if (strcmp(name, ".") != 0) {
                if (!field(type, name))
                    fail_msg("%s: %s", commands[i].example, name);
                type = field(type, name)->descriptor;
            }
            while ((name = strtok_r(NULL, ": ", &words))) {
                if (!field(type, name))
                    fail_msg("%s: %s", commands[i].example, name);
                if (!isupper((unsigned char)view_heading(name)[0]))
                    fail_msg("%s: %s has no heading", commands[i].example, name);
            }
        }
        free(copy);
    }
}

static void every_label_has_a_word(void **state)
{
    (void)state;
    for (const struct op *op = ops; op < ops + OPS; op++)
        for (unsigned i = 0; i < op->reply->n_fields; i++) {
            const ProtobufCFieldDescriptor *list = &op->reply->fields[i];
            const ProtobufCMessageDescriptor *type =
                list->type == PROTOBUF_C_TYPE_MESSAGE ? list->descriptor : op->reply;
            for (unsigned j = 0; j < type->n_fields; j++) {
                const ProtobufCEnumDescriptor *e = type->fields[j].descriptor;
                char label[64];
                for (unsigned v = 1; type->fields[j].type == PROTOBUF_C_TYPE_ENUM && v < e->n_values; v++)
                    if (!strcmp(view_label(enum_label(e, e->values[v].value, label)), label) && strchr(label, '_'))
                        fail_msg("%s has no word", e->values[v].name);
            }
        }
}

static void every_operation_for_people_has_a_command(void **state)
{
    (void)state;
    static const int workers[] = {OP_reminder_lease, OP_reminder_check, OP_reminder_report};
    for (int op = 0; op < OPS; op++) {
        bool found = false;
        for (size_t i = 0; i < n_commands && !found; i++)
            found = commands[i].op == op;
        for (size_t i = 0; i < sizeof workers / sizeof *workers && !found; i++)
            found = workers[i] == op;
        if (!found)
            fail_msg("%s has no command", ops[op].name);
    }
}

static const struct {
    const char *typed, *noun, *verb;
    int used;
} found[] = {
    {"progress report 12", "progress", "report", 2},
    {"avance reportar 12", "progress", "report", 2},
    {"estado", "status", NULL, 1},
    {"tarea hecha 12.3", "task", "done", 2},
    {"servidor estado", "server", "status", 2},
    {"invitar ana", "person", "invite", 1},
    {"person invite ana", "person", "invite", 2},
    {"reminder policy show", "policy", "show", 3},
    {"aviso política fijar", "policy", "set", 3},
    {"policy set", "policy", "set", 2},
    {"prog report", NULL, NULL, 0},
    {"progress", NULL, NULL, 0}, /* no abbreviations */
};

static void commands_are_found_by_every_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        char *copy = strdup(found[i].typed), *argv[4] = {0}, *rest;
        int argc = 0, used = 0;
        for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
            argv[argc++] = word;
        const struct command *c = command_find(argc, argv, &used);
        if (!c != !found[i].noun || used != found[i].used)
            fail_msg("%s", found[i].typed);
        if (c) {
            assert_string_equal(c->noun, found[i].noun);
            assert_string_equal(c->verb ? c->verb : "", found[i].verb ? found[i].verb : "");
        }
        free(copy);
    }
}

static void every_operation_has_words_and_is_found_by_them(void **state)
{
    (void)state;
    static const char *const languages[] = {"en", "es"};
    char words[SPOKEN_OP];
    for (size_t i = 0; i < 2; i++)
        for (const struct op *op = ops; op < ops + OPS; op++) {
            setenv("LANGUAGE", languages[i], 1);
            const char *spoken = spoken_op(op->name, words), *named = spoken_op_read(spoken);
            if (strchr(spoken, '_') || !named || strcmp(named, op->name) != 0)
                fail_msg("%s, called %s: %s", op->name, spoken, named ? named : "not found");
            assert_string_equal(spoken_op_read(op->name), op->name);
        }
    assert_string_equal(spoken_op("unit_rename", words), "unit_rename");         /* of a newer server */
    assert_string_equal(spoken_op_read(spoken_op("connect", words)), "connect"); /* an entry, not an operation */
    assert_null(spoken_op_read("audit lists"));
    assert_null(spoken_op_read("help")); /* asks for no operation */
}

static const struct {
    const char *before, *after, *said;
} changes[] = {
    {"{\"percent\": 75, \"version\": 3}", "{\"percent\": 50, \"version\": 4}", "Progress: 75 → 50"},
    {NULL, "{\"percent\": 25}", "Progress: 25"},
    {"{\"percent\": null}", "{\"percent\": 25}", "Progress: – → 25"},
    {"{\"state\": \"open\"}", "{\"state\": \"kept\"}", "State: open → kept as it was"},
    {NULL, "{\"roles\": [\"admin\", \"notifier\"]}", "Roles: administrator; notification worker"},
    {NULL, "{\"objective\": \"open\"}", "Objective: open"},
    {NULL, "{\"objective\": \"{\\\"name\\\": \\\"x\\\"}\"}", "Objective: {\"name\": \"x\"}"},
    {"{\"unit\": {\"code\": \"a\", \"name\": \"Archivo\", \"provisional\": true}}",
     "{\"unit\": {\"code\": \"a\", \"name\": \"Archivo\", \"provisional\": false}}", "Unit: Archivo"},
    {NULL, "{\"actions\": [1, 2, 4], \"carried_to\": 2026}", "Actions: 3; Carried to: 2026"},
    {NULL, "{\"expires_at\": \"2026-12-05T08:34:31.94+00:00\"}", "Expires: 2026-12-05 08:34"},
    {NULL, "{\"op\": \"progress_report\"}", "Operation: progress report"},
};

static void changes_are_told_in_words(void **state)
{
    (void)state;
    setenv("LANGUAGE", "en", 1);
    setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        json_t *before = changes[i].before ? json_loads(changes[i].before, 0, NULL) : NULL;
        json_t *after = json_loads(changes[i].after, 0, NULL);
        char *said = spoken_changes(before, after);
        assert_string_equal(said, changes[i].said);
        free(said);
        json_decref(before);
        json_decref(after);
    }
}

static const struct {
    const char *row, *said;
} rules[] = {
    {"{\"kind\": \"term\", \"rule\": -30}", "30 days before the end"},
    {"{\"kind\": \"term\", \"rule\": -1}", "1 day before the end"},
    {"{\"kind\": \"term\", \"rule\": 0}", "the day of the end"},
    {"{\"kind\": \"term\", \"rule\": 14}", "overdue for 14 days"},
    {"{\"kind\": \"silence\", \"rule\": 4}", "4 weeks without a report"},
    {"{\"kind\": \"escalation\", \"rule\": 5, \"hears_as\": \"deputy\"}",
     "escalation to the deputy after 5 working days overdue without activity"},
    {"{\"kind\": \"deadline\", \"rule\": -7}", "7 days before the deadline"},
    {"{\"kind\": \"deadline\", \"rule\": 7}", "7 days past the deadline"},
    {"{\"kind\": \"deadline\", \"rule\": 0}", "the day of the deadline"},
};

static void reminders_say_by_which_rule(void **state)
{
    (void)state;
    setenv("LANGUAGE", "en", 1);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        json_t *reply = json_pack("{s:[o]}", "reminders", json_loads(rules[i].row, 0, NULL));
        spoken_reply(reply);
        json_t *row = json_array_get(json_object_get(reply, "reminders"), 0);
        assert_string_equal(json_string_value(json_object_get(row, "rule")), rules[i].said);
        json_decref(reply);
    }
}

static const struct {
    const char *text, *safe;
} texts[] = {
    {"Peña – «75 %» ✓ 名", "Peña – «75 %» ✓ 名"},
    {"\033[2J\a\t\n", "\\u001b[2J\\u0007\\u0009\\u000a"},
    {"\xc2\x9b", "\\u009b"},
    {"a\xe2\x80\xae"
     "b\xe2\x81\xa6\xe2\x80\x8b",
     "a\\u202eb\\u2066\\u200b"},
    {"\xf3\xa0\x80\xa0", "\\U000e0020"},
    {"", ""},
};

static void nothing_hidden_reaches_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *safe = view_safe(texts[i].text);
        assert_string_equal(safe, texts[i].safe);
        free(safe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_argument_names_a_field),
        cmocka_unit_test(every_column_exists),
        cmocka_unit_test(every_label_has_a_word),
        cmocka_unit_test(every_operation_for_people_has_a_command),
        cmocka_unit_test(commands_are_found_by_every_name),
        cmocka_unit_test(nothing_hidden_reaches_a_terminal),
        cmocka_unit_test(every_operation_has_words_and_is_found_by_them),
        cmocka_unit_test(changes_are_told_in_words),
        cmocka_unit_test(reminders_say_by_which_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
