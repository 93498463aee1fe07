/* The sealed audit log: its checkpoint, an export of it, and the proof that nothing in one was altered. */
#include "client/cli/cli.h"

#include "audit.pb-c.h"
#include "client/lib/export.h"
#include "client/lib/pages.h"
#include "client/lib/verify.h"
#include "client/lib/witness.h"
#include "common/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool path_read(json_t *reply, uint8_t ret[2 * TREE_LEVELS * TREE_HASH], size_t *ret_n)
{
    const char *hex = json_string_value(json_object_get(reply, "path"));
    size_t size = 0;
    bool ok = hex && !sodium_hex2bin(ret, 2 * TREE_LEVELS * TREE_HASH, hex, strlen(hex), NULL, &size, NULL) &&
              size % TREE_HASH == 0;
    *ret_n = size / TREE_HASH;
    return ok;
}

/* ---- what was seen ---- */

enum { LOOK_MS = 2000 };

static void tell(const struct witness *w, enum witness_end end)
{
    unsigned long long now = w->checkpoint.size, before = w->before;
    switch (end) {
    case WITNESS_FILE: say(_("WARNING: %s is not a checkpoint that its log has signed."), w->file); break;
    case WITNESS_UNSIGNED: say(_("WARNING: the server gives no checkpoint that its log has signed.")); break;
    case WITNESS_OTHER: say(_("WARNING: this is another log than the one seen before (%s)."), w->file); break;
    case WITNESS_CUT:
        say(_("WARNING: the audit log had %llu entries when it was seen before, and has %llu now."), before, now);
        break;
    default:
        say(_("WARNING: the log of %llu entries does not continue the one of %llu entries seen before (%s)."), now,
            before, w->file);
    }
    if (*w->evidence)
        say(_("What was seen before and what the server says now are kept in %s. Show them to whoever audits, and "
              "believe nothing of this server until somebody has explained it."),
            w->evidence);
    say(_("If there is a good reason, such as a database restored from a copy, begin anew: rm %s"), w->file);
}

static char *profile_file(const struct cli *cli)
{
    return cli->profile_file ? strdup(cli->profile_file) : profile_path(cli->profile_option);
}

/* The server's checkpoint, which continues the one seen before. False: said why not. */
static bool contact(struct cli *cli, struct witness *ret, json_t **ret_reply, int *ret_exit)
{
    struct answer answer;
    char *profile = profile_file(cli);
    if (!profile)
        return false;
    enum witness_end end = witness_look(cli->client, profile, ret, &answer);
    free(profile);
    cli->witnessed = true;
    *ret_reply =
        end == WITNESS_FILE ? NULL : cli_judge(cli, &ops[OP_audit_checkpoint], &answer, cli_reply(&answer), ret_exit);
    if (!*ret_reply && end == WITNESS_SILENT)
        return false;
    *ret_exit = witness_contradicted(end) ? EXIT_CONTRADICTED : end == WITNESS_FINE ? EXIT_DONE : EXIT_FAILED;
    if (witness_contradicted(end))
        tell(ret, end);
    else if (end == WITNESS_NOTHING)
        say(_("Nothing is sealed yet."));
    else if (!ret->kept)
        say(_("mejora: %s cannot be written: %s"), ret->file, strerror(errno));
    return end == WITNESS_FINE;
}

void witness_run(struct cli *cli, int *code)
{
    struct witness w;
    struct answer answer;
    char *profile = NULL;
    if (cli->witnessed || !cli->client || !client_met(cli->client) || interrupted || cli->profile.pending ||
        !(profile = profile_file(cli)))
        return;
    client_timeout(cli->client, LOOK_MS);
    enum witness_end end = witness_look(cli->client, profile, &w, &answer);
    bool heard = answer.head, answered = *code != EXIT_UNREACHABLE && *code != EXIT_UNKNOWN && !interrupted;
    answer_free(&answer);
    free(profile);
    if (end == WITNESS_SILENT && w.before && answered && !heard)
        say(_("WARNING: the server has answered the command, but not what its audit log is now. It was not compared "
              "with the one of %llu entries seen before."),
            (unsigned long long)w.before);
    if (!witness_contradicted(end))
        return;
    tell(&w, end);
    *code = EXIT_CONTRADICTED;
}

int run_checkpoint(struct cli *cli)
{
    struct witness seen;
    json_t *reply = NULL;
    int code;
    if (cli_open(cli, &code) && contact(cli, &seen, &reply, &code)) {
        if (cli->format == FORMAT_TABLE)
            fputs(seen.text, stdout);
        else
            cli_show(cli, &ops[OP_audit_checkpoint], reply);
    }
    json_decref(reply);
    return code;
}

/* ---- mejora audit proof ---- */

int run_proof(struct cli *cli)
{
    struct witness seen;
    json_t *reply = NULL, *proof = NULL;
    json_int_t leaf = -1, seq = json_integer_value(json_object_get(cli->fields, "seq"));
    uint8_t path[2 * TREE_LEVELS * TREE_HASH], hash[TREE_HASH];
    const char *hex = "";
    size_t n;
    int code;
    if (cli_open(cli, &code) && contact(cli, &seen, &reply, &code)) {
        json_object_set_new(cli->fields, "size", json_integer((json_int_t)seen.checkpoint.size));
        proof = cli_ask(cli, &ops[OP_audit_proof], "", cli->fields, &code);
    }
    bool ok = proof && !json_unpack(proof, "{s:I, s:s}", "leaf", &leaf, "hash", &hex) &&
              !sodium_hex2bin(hash, sizeof hash, hex, strlen(hex), NULL, &n, NULL) && n == sizeof hash &&
              path_read(proof, path, &n) &&
              tree_includes((uint64_t)leaf, hash, path, n, seen.checkpoint.size, seen.checkpoint.root);
    if (proof && !ok) {
        say(_("WARNING: the server has no proof that entry %lld is in its log."), (long long)seq);
        code = EXIT_FAILED;
    } else if (ok && cli->format != FORMAT_TABLE) {
        cli_show(cli, &ops[OP_audit_proof], proof);
    } else if (ok) {
        printf(_("The hash of entry %lld is leaf %lld of the %lld that are sealed: proved.\n"), (long long)seq,
               (long long)leaf, (long long)seen.checkpoint.size);
    }
    json_decref(proof);
    json_decref(reply);
    return code;
}

/* ---- mejora audit export ---- */

/* What is left out where we are. False: the server says something else than it should. */
static bool put_skip(struct export *e, const Mejora__AuditSkip *skip)
{
    uint64_t leaf = e->leaves, next = (uint64_t)skip->next;
    size_t size = 0;
    for (; leaf < next; leaf += UINT64_C(1) << tree_span(leaf, next))
        size += TREE_HASH;
    bool ok = size && skip->nodes.len == size;
    if (ok)
        export_skip(e, next, skip->nodes.data, size);
    return ok;
}

/* False: the entry's row is none. */
static bool put_leaf(struct export *e, const uint8_t *leaf, const struct rows *rows)
{
    char room[ENTRY_COLUMNS][ENTRY_ROOM];
    struct entry entry;
    const struct row *row = rows_find(rows, leaf);
    bool ok = !row || entry_read(row->at, room, &entry);
    if (ok)
        export_entry(e, leaf, row ? &entry : NULL);
    return ok;
}

/* Checkpoints that end where we are; one that ends among leaves left out is of no use. */
static size_t put_checkpoints(struct export *e, const Mejora__AuditExportReply *page, size_t at)
{
    for (; at < page->n_checkpoints && (uint64_t)page->checkpoints[at]->size <= e->leaves; at++)
        if ((uint64_t)page->checkpoints[at]->size == e->leaves && page->checkpoints[at]->note)
            export_checkpoint(e, page->checkpoints[at]->note);
    return at;
}

/* False: what came is not what the server should send. */
static bool page_put(struct export *e, const Mejora__AuditExportReply *page)
{
    const uint8_t *leaf = page->leaves.data;
    size_t skip = 0, left = page->leaves.len / PAGE_LEAF, done = put_checkpoints(e, page, 0);
    struct rows rows = rows_read(page);
    bool ok = rows.rows && page->has_next && page->next <= page->size;
    while (ok && (left || skip < page->n_skips)) {
        if (skip < page->n_skips && (uint64_t)page->skips[skip]->leaf == e->leaves)
            ok = put_skip(e, page->skips[skip++]);
        else if ((ok = left && put_leaf(e, leaf, &rows))) {
            leaf += PAGE_LEAF;
            left--;
        }
        done = put_checkpoints(e, page, done);
    }
    free(rows.rows);
    return ok && e->leaves == (uint64_t)page->next;
}

enum { STRETCH = 2048 }; /* leaves that a connection reads at a time, when all of them are wanted: a page */

/* A page into the file; false: said why not. */
static bool page_take(struct cli *cli, struct export *e, struct answer *answer, int *ret_exit)
{
    bool ok = answer->end == CALL_ANSWERED && answer->head->outcome == MEJORA__OUTCOME__OUTCOME_OK;
    if (!ok) {
        json_decref(cli_judge(cli, &ops[OP_audit_export], answer, cli_reply(answer), ret_exit));
        return false;
    }
    const Mejora__AuditExportReply *page = (const void *)answer->reply;
    uint64_t before = e->leaves;
    if (!e->begun)
        export_begin(e, page->log_key, *cli->ref ? cli->ref : "*", cli->fields, (uint64_t)page->size);
    ok = page_put(e, page) && (e->leaves > before || !page->size);
    answer_free(answer);
    if (!ok)
        say(_("WARNING: the server sent what is no part of an export."));
    return ok && !ferror(e->out);
}

/* The rest, while the next pages are under way. */
static bool pages_take(struct cli *cli, struct export *e, const Mejora__AuditExportRequest *request, uint64_t size,
                       int *ret_exit)
{
    struct answer answer;
    struct pages pages = {.profile = &cli->profile,
                          .ref = *cli->ref ? cli->ref : NULL,
                          .request = request,
                          .stop = &interrupted,
                          .timeout_ms = cli->timeout_ms ? cli->timeout_ms : CALL_TIMEOUT_MS,
                          .begin = e->leaves,
                          .size = size,
                          .stretch = json_object_size(cli->fields) || strchr(cli->ref, '/') ? size : STRETCH};
    bool ok = pages_open(&pages);
    while (ok && e->leaves < size) {
        pages_next(&pages, e->leaves, &answer);
        ok = page_take(cli, e, &answer, ret_exit);
    }
    pages_close(&pages);
    return ok;
}

/* The first page says where the others begin. */
static bool export_pages(struct cli *cli, struct export *e, uint64_t size, int *ret_exit)
{
    const struct op *op = &ops[OP_audit_export];
    struct json_fault fault = {0};
    struct answer answer;
    ProtobufCMessage *message = json_to_message(cli->fields, op->request, &fault);
    Mejora__AuditExportRequest *request = (void *)message;
    if (!message)
        return false;
    request->has_size = 1;
    request->size = (int64_t)size;
    client_call(cli->client, op, *cli->ref ? cli->ref : NULL, message, NULL, &answer);
    const Mejora__AuditExportReply *page = (const void *)answer.reply;
    if (page && page->cursor)
        request->cursor = strdup(page->cursor);
    bool ok = page_take(cli, e, &answer, ret_exit);
    ok = ok && (e->leaves == size || pages_take(cli, e, request, size, ret_exit));
    protobuf_c_message_free_unpacked(message, NULL);
    if (ok)
        export_end(e);
    return ok;
}

static FILE *export_open(const char *path)
{
    if (!strcmp(path, "-"))
        return stdout;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600); /* people's data: the owner's alone */
    return fd >= 0 ? fdopen(fd, "w") : NULL;
}

static int export_write(struct cli *cli, const char *path, uint64_t size)
{
    struct export e = {.out = export_open(path), .csv = cli->format == FORMAT_CSV, .raw = local_is(cli, "raw")};
    int code = EXIT_FAILED;
    bool ok = e.out && export_pages(cli, &e, size, &code), written = e.out && !fflush(e.out) && !ferror(e.out);
    if (!written)
        say(_("mejora: %s cannot be written: %s"), path, strerror(errno));
    if (e.out && e.out != stdout)
        fclose(e.out);
    if (ok && written) {
        say(_("%llu entries. To check them, here or anywhere: mejora audit verify %s"), (unsigned long long)e.entries,
            path);
        code = EXIT_DONE;
    }
    export_free(&e);
    return code;
}

int run_export(struct cli *cli)
{
    struct witness seen;
    json_t *reply = NULL;
    int code;
    if (cli->format == FORMAT_TSV) {
        usage_error(cli->command, _("%s does not take “%s”. Accepted: %s."), "-o", "tsv", "json, csv");
        return EXIT_USAGE;
    }
    if (!settle_period(cli, &ops[OP_audit_export], &code))
        return code;
    bool ok = contact(cli, &seen, &reply, &code);
    json_decref(reply);
    if (!ok)
        return code;
    return export_write(cli, local_text(cli, "FILE"), seen.checkpoint.size);
}

/* ---- mejora audit verify ---- */

static void say_fault(const struct verify *v)
{
    unsigned long long leaf = v->leaf, line = v->line, from = v->from;
    switch (v->fault) {
    case VERIFY_OK: break;
    case VERIFY_MALFORMED: say(_("Line %llu cannot be read as part of an export."), line); break;
    case VERIFY_KEY: say(_("This is an export of another log, or signed with another key.")); break;
    case VERIFY_ALTERED: say(_("Leaf %llu, entry %s: altered. It is not what was sealed."), leaf, v->seq); break;
    case VERIFY_GONE: say(_("Leaf %llu: the entry is gone, only its hash is left."), leaf); break;
    case VERIFY_GAP: say(_("Leaf %llu is missing where it should stand."), leaf); break;
    case VERIFY_SIGNATURE: say(_("Line %llu: this checkpoint was not signed with the log's key."), line); break;
    case VERIFY_ROOT:
        say(_("Leaves %llu to %llu: the signed checkpoint does not confirm them. Something there was altered, "
              "exchanged, inserted or removed."),
            from, leaf);
        break;
    case VERIFY_MISPLACED:
        say(_("Line %llu: this checkpoint is of fewer entries than the %llu before it."), line, leaf);
        break;
    case VERIFY_END:
        say(_("The end is missing: no checkpoint confirms what follows the first %llu entries."), leaf);
        break;
    case VERIFY_SUM:
        say(_("The entries are what was sealed, but the file is not as it was written: its sum differs."));
        break;
    case VERIFY_TRUNCATED:
        say(_("It ends after %llu entries, and a checkpoint of %llu was seen before: its end was cut off, or it was "
              "written earlier. One written now has them all: mejora audit export FILE"),
            leaf, (unsigned long long)v->known.size);
        break;
    case VERIFY_FORKED: say(_("The first %llu entries are not those of the checkpoint seen before."), leaf); break;
    }
}

/* What was checked, and what an export cannot tell. */
static void say_scope(const struct verify *v)
{
    if (v->whole)
        printf("%s\n", _("All of the log: every entry is there."));
    else
        printf(
            _("Of: %s%s%s. That no other entry belongs to it is what the server says; an export of everything proves "
              "it.\n"),
            v->scope, *v->filter ? " " : "", v->filter);
    if (v->known.size && !v->known_met)
        say(_("The checkpoint seen before, of %llu entries, could not be compared: it ends among entries that were "
              "left out."),
            (unsigned long long)v->known.size);
}

static void say_pruned(const struct verify *v)
{
    char day[16];
    time_t at = (time_t)(v->pruned_at / 1000000);
    unsigned long long entries = v->pruned.entries;
    if (!entries)
        return;
    strftime(day, sizeof day, "%F", localtime(&at));
    printf(_("%llu entries were removed by decision, the last ones on %s. Their hashes hold.\n"), entries, day);
}

/* For programs; people get say_fault's. */
static const char *const faults[] = {
    [VERIFY_OK] = "",
    [VERIFY_MALFORMED] = "malformed",
    [VERIFY_KEY] = "key",
    [VERIFY_ALTERED] = "altered",
    [VERIFY_GONE] = "gone",
    [VERIFY_GAP] = "gap",
    [VERIFY_SIGNATURE] = "signature",
    [VERIFY_ROOT] = "root",
    [VERIFY_MISPLACED] = "misplaced",
    [VERIFY_END] = "end",
    [VERIFY_SUM] = "sum",
    [VERIFY_TRUNCATED] = "truncated",
    [VERIFY_FORKED] = "forked",
};

static int report(struct cli *cli, const struct verify *v, bool own_key)
{
    char key[LOG_KEY_TEXT];
    unsigned long long size = v->tree.size, read = v->entries - v->pruned.entries, skipped = v->skipped,
                       checkpoints = v->checkpoints;
    log_key_text(&v->key, key);
    if (cli->format == FORMAT_JSON) {
        json_t *o = json_pack("{s:b, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "intact", !v->fault, "key", key, "scope",
                              v->scope, "filter", v->filter, "size", (json_int_t)size, "read", (json_int_t)read,
                              "skipped", (json_int_t)skipped, "checkpoints", (json_int_t)checkpoints);
        json_object_set_new(o, "pruned", json_integer((json_int_t)v->pruned.entries));
        if (v->fault) {
            json_object_set_new(o, "fault", json_string(faults[v->fault]));
            json_object_set_new(o, "leaf", json_integer((json_int_t)v->leaf));
        }
        if (v->fault == VERIFY_ROOT)
            json_object_set_new(o, "from", json_integer((json_int_t)v->from));
        view_json(o);
        json_decref(o);
    } else if (!v->fault) {
        printf(_("Intact. Entries read: %llu, known by their hash alone: %llu, size of the log: %llu, checkpoints: "
                 "%llu.\n"),
               read, skipped, size, checkpoints);
        say_scope(v);
        say_pruned(v);
    }
    say_fault(v);
    if (own_key && v->fault != VERIFY_MALFORMED)
        say(_("The key was taken from the file itself, so this says nothing about who signed. Compare it: %s"), key);
    return v->fault == VERIFY_OK ? EXIT_DONE : EXIT_FAILED;
}

int run_verify(struct cli *cli)
{
    struct witness seen;
    struct verify v = {0};
    const char *path = local_text(cli, "FILE"), *key = local_text(cli, "public-key"),
               *file = local_text(cli, "checkpoint");
    char *profile = file ? NULL : profile_file(cli), own[4096];
    snprintf(own, sizeof own, "%s.checkpoint", profile ? profile : "");
    free(profile);
    int known = witness_read(file ? file : own, &seen);
    if (known < 0)
        say(_("WARNING: %s is not a checkpoint that its log has signed."), file ? file : own);
    if (file && !known)
        say(_("mejora: %s cannot be read: %s"), file, strerror(ENOENT));
    if (known < 0 || (file && !known))
        return EXIT_FAILED;
    if (key && !log_key_read(key, &v.key)) {
        usage_error(cli->command, _("%s does not take “%s”. Accepted: %s."), "--public-key", key, "mejora/…+…+…");
        return EXIT_USAGE;
    }
    if (known && key && memcmp(&v.key, &seen.key, sizeof v.key) != 0 && !file)
        known = 0; /* the export is of another log than the profile's */
    if (known) {
        v.key = seen.key;
        v.known = seen.checkpoint;
    }
    v.key_known = key || known;
    FILE *in = fopen(path, "re");
    if (!in) {
        say(_("mejora: %s cannot be read: %s"), path, strerror(errno));
        return EXIT_FAILED;
    }
    verify_file(&v, in);
    fclose(in);
    return report(cli, &v, !v.key_known);
}
