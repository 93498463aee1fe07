/* Somebody was first: what there was, theirs and mine side by side, and the person decides. The text that loses is kept. */
#include "client/cli/kept.h"

#include "action.pb-c.h"
#include "common/json.h"
#include "plan.pb-c.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST "requests: id asked_at ref what changed_by choice"
#define SHOW ".: ref changed_by changed_at choice; differences: field was theirs mine"

enum { MANY_TURNS = 5 }; /* somebody else is first again and again */

/* ---- what differs ---- */

static json_t *text_of(const ProtobufCMessageDescriptor *type, const char *field, json_t *object)
{
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(type, field);
    json_t *value = json_object_get(object, field);
    if (json_is_string(value))
        return json_incref(value);
    char *text = f ? view_value(f, value) : NULL;
    json_t *ret = json_string(text ? text : "–");
    free(text);
    return ret;
}

static void add(json_t *rows, const char *field, json_t *base, json_t *theirs, json_t *mine)
{
    json_array_append_new(
        rows, json_pack("{s:s, s:o, s:o, s:o}", "field", field, "was", base, "theirs", theirs, "mine", mine));
}

static json_t *look(struct cli *cli, const struct op *op)
{
    struct answer answer;
    json_t *none = json_object();
    json_t *reply = cli_try(cli->client, op, cli->ref, none, &answer);
    bool ok = reply && answer.head->outcome == MEJORA__OUTCOME__OUTCOME_OK;
    answer_free(&answer);
    json_decref(none);
    if (ok)
        return reply;
    json_decref(reply);
    return NULL;
}

static json_t *report_of_version(json_t *history, json_t *version)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(history, "entries"), i, entry)
    {
        if (version && json_equal(json_object_get(entry, "version"), version))
            return entry;
    }
    return NULL;
}

static void compare_reports(struct cli *cli, json_t *reply, json_t *rows)
{
    static const char *const fields[] = {"percent", "why", "evidence"};
    const ProtobufCMessageDescriptor *type = &mejora__progress__descriptor;
    json_t *history = look(cli, &ops[OP_progress_history]);
    json_t *base = report_of_version(history, json_object_get(cli->fields, "if_version")),
           *theirs = report_of_version(history, json_object_get(reply, "version"));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *f = fields[i];
        json_t *now = theirs ? theirs : reply;
        if (json_object_get(base, f) || json_object_get(now, f) || json_object_get(cli->fields, f))
            add(rows, f, text_of(type, f, base), text_of(type, f, now), text_of(type, f, cli->fields));
    }
    json_decref(history);
}

static bool is_compared(const char *field)
{
    return strncmp(field, "if_", 3) != 0 && strcmp(field, "why") != 0 && strcmp(field, "comments") != 0;
}

/* What the other changed, then what only I would. */
static void compare_edits(struct cli *cli, json_t *reply, json_t *rows)
{
    const ProtobufCMessageDescriptor *mine = ops[OP_action_edit].request, *type = &mejora__action__descriptor;
    json_t *shown = look(cli, &ops[OP_action_show]), *now = json_object_get(shown, "action"), *change, *value;
    json_t *changed = json_object();
    const char *field;
    size_t i;
    json_array_foreach(json_object_get(reply, "changes"), i, change)
    {
        field = json_string_value(json_object_get(change, "field"));
        if (!field)
            continue;
        const ProtobufCMessageDescriptor *texts = &mejora__change__descriptor;
        add(rows, field, text_of(texts, "was", change), text_of(texts, "now", change),
            json_object_get(cli->fields, field) ? text_of(mine, field, cli->fields) : json_string("–"));
        json_object_set_new(changed, field, json_true());
    }
    json_object_foreach(cli->fields, field, value)
    {
        if (is_compared(field) && !json_object_get(changed, field))
            add(rows, field, text_of(type, field, now), text_of(type, field, now), text_of(mine, field, cli->fields));
    }
    json_decref(changed);
    json_decref(shown);
}

/* On disk before anybody is asked. NULL: out of memory. */
static Mejora__Kept *keep(struct cli *cli, const struct op *op, json_t *reply)
{
    struct json_fault fault;
    ProtobufCMessage *request = json_to_message(cli->fields, op->request, &fault);
    Mejora__Kept *k = request ? kept_new(cli, op, cli->ref, request) : NULL;
    json_t *rows = json_array();
    if (request)
        protobuf_c_message_free_unpacked(request, NULL);
    if (op == &ops[OP_progress_report])
        compare_reports(cli, reply, rows);
    else
        compare_edits(cli, reply, rows);
    json_t *more =
        json_pack("{s:s, s:O*, s:O*, s:o}", "choice", "open", "changed_by", json_object_get(reply, "changed_by"),
                  "changed_at", json_object_get(reply, "changed_at"), "differences", rows);
    k = k ? kept_with(k, more) : NULL;
    json_decref(more);
    if (k && !kept_store(cli, KEPT_CONFLICT, k))
        say(_("mejora: what differs cannot be kept: %s"), strerror(errno));
    return k;
}

/* ---- choosing ---- */

static char *answer_to(const char *question)
{
    char *line = NULL;
    size_t size = 0;
    fflush(stdout);
    fputs(question, stderr);
    if (getline(&line, &size, stdin) > 0)
        return line;
    free(line);
    return NULL;
}

static Mejora__ConflictChoice ask_person(bool can_edit)
{
    static const struct {
        char letter;
        Mejora__ConflictChoice choice;
    } letters[] = {{'t', MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_THEIRS},
                   {'m', MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_MINE},
                   {'e', MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_EDIT}};
    char *line = answer_to(can_edit ? _("Leave theirs (t), put mine over it (m), or edit mine (e)? [t/m/e] ")
                                    : _("Leave theirs (t), or put mine over it (m)? [t/m] "));
    Mejora__ConflictChoice ret = MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_OPEN;
    for (size_t i = 0; line && i < (can_edit ? 3 : 2); i++)
        if ((line[0] | 0x20) == letters[i].letter)
            ret = letters[i].choice;
    free(line);
    return ret;
}

static bool edit(struct cli *cli)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(ops[OP_progress_report].request, "percent");
    struct json_fault fault = {0};
    char *line = answer_to(_("How far is it? (0, 25, 50, 75 or 100) "));
    if (line)
        line[strcspn(line, " %\r\n")] = '\0';
    json_t *percent = line && *line ? json_from_text(line, f, &fault) : NULL;
    free(line);
    return percent && !json_object_set_new(cli->fields, "percent", percent);
}

static Mejora__ConflictChoice choose(struct cli *cli, Mejora__Kept *k, int turn)
{
    bool can_edit = cli->command->op == OP_progress_report;
    if (local_is(cli, "theirs"))
        return MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_THEIRS;
    if (local_is(cli, "mine") && turn < MANY_TURNS)
        return MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_MINE;
    if (cli->format != FORMAT_TABLE || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_OPEN;
    kept_show(cli->format, k, SHOW);
    Mejora__ConflictChoice choice = ask_person(can_edit);
    return choice != MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_EDIT || edit(cli)
               ? choice
               : MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_OPEN;
}

/* Mine goes over what is there now, and over nothing newer. */
static void build_on(json_t *fields, json_t *reply)
{
    static const char *const groups[] = {"text", "dates", "owners"};
    char name[32];
    json_t *versions = json_object_get(reply, "versions");
    if (json_object_get(reply, "version"))
        json_object_set(fields, "if_version", json_object_get(reply, "version"));
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        snprintf(name, sizeof name, "if_%s_version", groups[i]);
        if (json_object_get(fields, name))
            json_object_set(fields, name, json_object_get(versions, groups[i]));
    }
}

static bool is_stale(const struct answer *a)
{
    return a->end == CALL_ANSWERED && a->head->outcome == MEJORA__OUTCOME__OUTCOME_CONFLICT && a->head->error &&
           !strcmp(a->head->error, "version_stale");
}

enum { SHORT_ID = 8 + 1 };

/* The choice, with what it was made from on disk; ret_id names that. */
static Mejora__ConflictChoice settle(struct cli *cli, const struct op *op, json_t *reply, int turn,
                                     char ret_id[SHORT_ID])
{
    char id[CALL_ID * 2 + 1];
    Mejora__Kept *k = keep(cli, op, reply);
    if (!k)
        return MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_OPEN;
    Mejora__ConflictChoice choice = choose(cli, k, turn);
    snprintf(ret_id, SHORT_ID, "%s", sodium_bin2hex(id, sizeof id, k->id.data, k->id.len));
    k->choice = choice;
    if (choice != MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_OPEN)
        kept_store(cli, KEPT_CONFLICT, k);
    mejora__kept__free_unpacked(k, NULL);
    return choice;
}

static int change(struct cli *cli, const struct op *op, char ret_id[SHORT_ID])
{
    struct answer answer;
    json_t *reply;
    int code;
    for (int turn = 0; cli_send(cli, op, cli->ref, cli->fields, &answer, &reply, &code); turn++) {
        Mejora__ConflictChoice choice =
            is_stale(&answer) ? settle(cli, op, reply, turn, ret_id) : MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_OPEN;
        if (choice == MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_OPEN) {
            reply = cli_judge(cli, op, &answer, reply, &code);
            if (reply)
                cli_show(cli, op, reply);
            json_decref(reply);
            return code;
        }
        build_on(cli->fields, reply);
        answer_free(&answer);
        json_decref(reply);
        if (choice == MEJORA__CONFLICT_CHOICE__CONFLICT_CHOICE_THEIRS) {
            say(_("Theirs stays."));
            return EXIT_DONE;
        }
    }
    return code;
}

int run_changing(struct cli *cli)
{
    const struct op *op = &ops[cli->command->op];
    char id[SHORT_ID] = "";
    int code;
    if (local_is(cli, "theirs") && local_is(cli, "mine")) {
        usage_error(cli->command, "%s", _("say either --theirs or --mine"));
        return EXIT_USAGE;
    }
    if (!cli_open(cli, &code))
        return code;
    if (!cli_reference(cli, op->about))
        return EXIT_USAGE;
    code = change(cli, op, id);
    if (*id)
        say(_("Both are kept: mejora conflict show %s"), id);
    return code;
}

/* ---- mejora conflict ---- */

int run_conflict_list(struct cli *cli)
{
    return kept_show_all(cli, KEPT_CONFLICT, LIST, _("There is no conflict."));
}

static void show(struct cli *cli, Mejora__Kept *k)
{
    kept_show(cli->format, k, SHOW);
}

int run_conflict_show(struct cli *cli)
{
    return kept_named(cli, KEPT_CONFLICT, show);
}

int run_conflict_drop(struct cli *cli)
{
    return kept_named(cli, KEPT_CONFLICT, NULL);
}
