/* What changes, as it happens. The stream is what change_list gives from place to place of the log, so nothing is missing and
 * nothing comes twice, whatever happens to the server or the line meanwhile; hints only say when to ask. */
#include "change.pb-c.h"
#include "client/cli/cli.h"
#include "client/cli/spoken.h"
#include "client/lib/hints.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 3000, POLL_SPREAD_MS = 1000, ALL = -1 };

struct watch {
    struct cli *cli;
    struct hints *hints;
    json_int_t left; /* to be shown; ALL */
    bool away, behind;
};

static bool read_count(struct cli *cli, json_int_t *ret)
{
    const char *text = local_text(cli, "count");
    char *end = NULL;
    *ret = text ? strtoll(text, &end, 10) : ALL;
    if (!text || (end != text && !*end && *ret > 0))
        return true;
    usage_error(cli->command, _("%s does not take “%s”. Accepted: %s."), "--count", text, "1, 2, 3 …");
    return false;
}

/* The fields by their names, where what was in them is not told. */
static char *fields_text(json_t *fields)
{
    char *ret = NULL;
    size_t size, i;
    json_t *field;
    FILE *out = open_memstream(&ret, &size);
    if (!out)
        return NULL;
    json_array_foreach(fields, i, field) fprintf(out, "%s%s", i ? ", " : "", view_heading(json_string_value(field)));
    fclose(out);
    return ret;
}

static json_t *loaded(json_t *entry, const char *name)
{
    const char *text = json_string_value(json_object_get(entry, name));
    return text ? json_loads(text, 0, NULL) : NULL;
}

static void put_entry(json_t *entry)
{
    const char *at, *ref, *op, *who;
    json_int_t n;
    if (json_unpack(entry, "{s:I, s:s, s:s, s:s, s:s}", "n", &n, "at", &at, "ref", &ref, "op", &op, "name", &who))
        return;
    json_t *before = loaded(entry, "before_json"), *after = loaded(entry, "after_json");
    char *what = after ? spoken_changes(before, after) : fields_text(json_object_get(entry, "fields"));
    char *when = view_time(at), *line = NULL, words[SPOKEN_OP];
    if (asprintf(&line, "%lld  %s  %s  %s  %s  %s", (long long)n, when, who, ref, spoken_op(op, words),
                 what ? what : "") >= 0) {
        char *safe = view_safe(line);
        puts(safe ? safe : "");
        free(safe);
        free(line);
    }
    free(what);
    free(when);
    json_decref(before);
    json_decref(after);
}

/* False: there are as many as were wanted, or nobody reads them any more. */
static bool show(struct watch *w, json_t *entries)
{
    json_t *entry;
    size_t i;
    json_array_foreach(entries, i, entry)
    {
        if (w->cli->format == FORMAT_TABLE)
            put_entry(entry);
        else
            view_line(w->cli->format, &mejora__change_entry__descriptor, entry);
        json_object_set(w->cli->fields, "since", json_object_get(entry, "n"));
        if (w->left != ALL && --w->left == 0)
            break;
    }
    return !fflush(stdout) && w->left != 0;
}

/* Each is said once, when it begins. */
static void say_state(struct watch *w, bool away, bool behind)
{
    if (away && !w->away)
        say(_("The server cannot be reached at the moment. As soon as it can, this goes on where it was."));
    if (!away && w->away)
        say(_("The server is back."));
    if (behind && !w->behind)
        say(_("New changes wait to be sealed; they come afterwards. If this lasts, look into the server's log."));
    w->away = away;
    w->behind = behind;
}

static bool is_passing(const struct answer *a)
{
    return a->end == CALL_UNREACHABLE ||
           (a->end == CALL_ANSWERED && (a->head->outcome == MEJORA__OUTCOME__OUTCOME_BUSY ||
                                        a->head->outcome == MEJORA__OUTCOME__OUTCOME_UNAVAILABLE));
}

/* A page. False: that was all, and *ret_exit. */
static bool page(struct watch *w, bool *ret_more, int *ret_exit)
{
    struct cli *cli = w->cli;
    struct answer answer;
    json_t *reply = cli_try(cli->client, &ops[OP_change_list], cli->ref, cli->fields, &answer);
    bool ok = reply && answer.head->outcome == MEJORA__OUTCOME__OUTCOME_OK, passing = is_passing(&answer), on = true;
    *ret_more = ok && json_is_true(json_object_get(reply, "more"));
    if (ok || passing)
        say_state(w, passing, ok ? json_is_true(json_object_get(reply, "behind")) : w->behind);
    if (ok) {
        on = show(w, json_object_get(reply, "entries"));
        *ret_exit = ferror(stdout) ? EXIT_FAILED : EXIT_DONE;
    } else if (!passing) {
        on = false;
        *ret_exit = trouble(cli, &ops[OP_change_list], &answer, reply);
    }
    if (ok && on) {
        int port = (int)json_integer_value(json_object_get(reply, "hint_port"));
        struct ref about = {0};
        ref_parse(cli->ref, &about);
        json_object_set(cli->fields, "since", json_object_get(reply, "since"));
        hints_follow(w->hints, cli->client, port, about.level ? about.institution : NULL);
    }
    answer_free(&answer);
    json_decref(reply);
    return on;
}

int run_watch(struct cli *cli)
{
    struct watch w = {.cli = cli};
    int code;
    bool more;
    if (!read_count(cli, &w.left))
        return EXIT_USAGE;
    if (!cli_open(cli, &code))
        return code;
    if (!cli_reference(cli, ops[OP_change_list].about))
        return EXIT_USAGE;
    if (!(w.hints = hints_new(&cli->profile)))
        return EXIT_FAILED;
    if (cli->format == FORMAT_CSV || cli->format == FORMAT_TSV)
        view_line(cli->format, &mejora__change_entry__descriptor, NULL);
    while (!interrupted && page(&w, &more, &code))
        if (!more && !interrupted)
            hints_wait(w.hints, POLL_MS + (int)randombytes_uniform(POLL_SPREAD_MS));
    hints_free(w.hints);
    json_t *since = json_object_get(cli->fields, "since");
    if (interrupted && since)
        say(_("To go on from here: mejora watch --since %lld"), (long long)json_integer_value(since));
    return interrupted ? EXIT_INTERRUPTED : code;
}
