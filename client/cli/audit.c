/* The audit trail, page by page until there are as many entries as were asked for. */
#include "client/cli/cli.h"
#include "client/cli/spoken.h"

#include "common/period.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AUDIT_LIMIT = 50, AUDIT_PAGE = 500 };

static bool read_limit(struct cli *cli, json_int_t *ret)
{
    const char *text = local_text(cli, "limit");
    char *end = NULL;
    *ret = text ? strtol(text, &end, 10) : AUDIT_LIMIT;
    if (!text || (end != text && !*end && *ret > 0 && *ret <= 1000000))
        return true;
    usage_error(cli->command, _("%s does not take “%s”. Accepted: %s."), "--limit", text, "1 … 1000000");
    return false;
}

/* Moves a page's entries behind those of the first page; false: that was the last one wanted. */
static bool add_page(json_t *all, json_t *page, json_int_t limit)
{
    json_t *entries = json_object_get(all, "entries"), *next = json_object_get(page, "cursor");
    if (all != page)
        json_array_extend(entries, json_object_get(page, "entries"));
    if (next && all != page)
        json_object_set(all, "cursor", next);
    else if (!next)
        json_object_del(all, "cursor");
    return next && (json_int_t)json_array_size(entries) < limit && json_array_size(json_object_get(page, "entries"));
}

/* Today where the institution is; where this computer is, when there is none to ask. */
static struct date today(struct cli *cli)
{
    struct answer answer;
    struct date date;
    json_t *none = json_object();
    json_t *reply =
        cli->profile.institution ? cli_try(cli->client, &ops[OP_due], cli->profile.institution, none, &answer) : NULL;
    const char *text = json_string_value(json_object_get(reply, "today"));
    if (!text || !date_read(text, &date)) {
        time_t now = time(NULL);
        struct tm tm;
        localtime_r(&now, &tm);
        date = (struct date){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday};
    }
    if (cli->profile.institution)
        answer_free(&answer);
    json_decref(reply);
    json_decref(none);
    return date;
}

/* Days back, as args.c left them, become dates. */
static void settle_date(struct cli *cli, const char *field)
{
    char iso[DATE_TEXT];
    json_t *back = json_object_get(cli->fields, field);
    if (!json_is_integer(back))
        return;
    date_write(date_from_days(date_days(today(cli)) - (int32_t)json_integer_value(back)), iso);
    json_object_set_new(cli->fields, field, json_string(iso));
}

bool settle_period(struct cli *cli, const struct op *op, int *ret_exit)
{
    if (!cli_open(cli, ret_exit))
        return false;
    *ret_exit = EXIT_USAGE;
    if (!cli_reference(cli, op->about))
        return false;
    settle_date(cli, "since");
    settle_date(cli, "until");
    *ret_exit = EXIT_DONE;
    return true;
}

void settle_as_of(struct cli *cli)
{
    if (cli->days_back)
        date_write(date_from_days(date_days(today(cli)) - (int32_t)cli->days_back), cli->as_of);
    if (*cli->as_of)
        client_as_of(cli->client, cli->as_of);
}

/* Why it was refused, in the words that whoever tried was told. */
static char *refusal_text(json_t *entry)
{
    enum { ARGS = 8 };
    json_t *args = json_object_get(entry, "error_args");
    char *texts[ARGS];
    size_t n = json_array_size(args) < ARGS ? json_array_size(args) : ARGS;
    for (size_t i = 0; i < n; i++)
        texts[i] = (char *)(uintptr_t)json_string_value(json_array_get(args, i));
    return spoken_refusal(json_string_value(json_object_get(entry, "error")), texts, n);
}

/* In a table the change stands where the field's new state stands elsewhere; where nothing changed, why not, or what was
 * asked for. */
static void tell_changes(json_t *entries)
{
    json_t *entry;
    size_t i;
    json_array_foreach(entries, i, entry)
    {
        const char *was = json_string_value(json_object_get(entry, "before_json"));
        const char *now = json_string_value(json_object_get(entry, "after_json"));
        json_t *before = was ? json_loads(was, 0, NULL) : NULL, *after = now ? json_loads(now, 0, NULL) : NULL;
        const char *error = json_string_value(json_object_get(entry, "error"));
        const char *asked = json_string_value(json_object_get(entry, "asked_json"));
        if (asked)
            json_object_del(after = json_loads(asked, 0, NULL), "page_size");
        char *text = error ? refusal_text(entry) : spoken_changes(before, after);
        if (text && *text)
            json_object_set_new(entry, "after_json", json_string(text));
        free(text);
        json_decref(before);
        json_decref(after);
    }
}

int run_audit(struct cli *cli)
{
    const struct op *op = &ops[OP_audit_list];
    json_int_t limit;
    int code;
    if (!read_limit(cli, &limit))
        return EXIT_USAGE;
    if (!settle_period(cli, op, &code))
        return code;
    json_t *all = NULL, *page;
    for (bool more = true; more; json_decref(page)) {
        json_int_t left = limit - (json_int_t)json_array_size(json_object_get(all, "entries"));
        json_object_set_new(cli->fields, "page_size", json_integer(left < AUDIT_PAGE ? left : AUDIT_PAGE));
        if (!(page = cli_ask(cli, op, cli->ref, cli->fields, &code)))
            break;
        all = all ? all : json_incref(page);
        more = add_page(all, page, limit);
        json_object_set(cli->fields, "cursor", json_object_get(page, "cursor"));
    }
    if (cli->format == FORMAT_TABLE)
        tell_changes(json_object_get(all, "entries"));
    if (all)
        cli_show(cli, op, all);
    if (all && json_object_get(all, "cursor"))
        say(_("There are more entries: --limit %lld"), (long long)limit * 10);
    json_decref(all);
    return code;
}

static void tell_asked(json_t *entry)
{
    const char *asked = json_string_value(json_object_get(entry, "asked_json"));
    json_t *fields = asked ? json_loads(asked, 0, NULL) : NULL;
    char *text = fields ? spoken_changes(NULL, fields) : NULL;
    if (text)
        json_object_set_new(entry, "asked_json", json_string(text));
    free(text);
    json_decref(fields);
}

/* The entry's refusal and what was asked in words; its fields by name are for machines. */
int run_audit_show(struct cli *cli)
{
    static const char columns[] = "entry: seq at ref op outcome error name who roles unit why request_id asked_json;"
                                  " changes: item_no field was now; with: key person kind label created_at revoked_at;"
                                  " .: leaf sealed_size sealed_at";
    const struct op *op = &ops[OP_audit_show];
    int code;
    if (!cli_open(cli, &code))
        return code;
    if (!cli_reference(cli, op->about))
        return EXIT_USAGE;
    json_t *reply = cli_ask(cli, op, cli->ref, cli->fields, &code), *entry = json_object_get(reply, "entry");
    if (reply && cli->format == FORMAT_TABLE && json_object_get(entry, "error")) {
        char *text = refusal_text(entry);
        json_object_set_new(entry, "error", json_string(text ? text : ""));
        free(text);
    }
    if (reply && cli->format == FORMAT_TABLE)
        tell_asked(entry);
    if (reply && cli->format == FORMAT_TABLE)
        spoken_reply(reply);
    if (reply)
        view_reply(cli->format, op->reply, reply, columns);
    if (reply && cli->format == FORMAT_TABLE && !json_object_get(reply, "sealed_size"))
        say("%s", _("Not sealed yet: that takes about a second."));
    json_decref(reply);
    return code;
}

/* Fields by the names that people know them by. */
int run_audit_report(struct cli *cli)
{
    const struct op *op = &ops[OP_audit_report];
    json_t *count;
    size_t i;
    int code;
    if (!settle_period(cli, op, &code))
        return code;
    json_t *reply = cli_ask(cli, op, cli->ref, cli->fields, &code);
    json_array_foreach(cli->format == FORMAT_TABLE ? json_object_get(reply, "counts") : NULL, i, count)
    {
        if (!strcmp(json_string_value(json_object_get(count, "by")), "field"))
            json_object_set_new(count, "what",
                                json_string(view_heading(json_string_value(json_object_get(count, "what")))));
    }
    if (reply)
        cli_show(cli, op, reply);
    json_decref(reply);
    return code;
}
