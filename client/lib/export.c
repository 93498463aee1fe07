#include "client/lib/export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

static char *bytes_room(struct bytes *b, size_t more)
{
    if (b->size + more > b->room) {
        b->room = 2 * (b->size + more);
        b->at = realloc(b->at, b->room);
        if (!b->at)
            abort();
    }
    return b->at + b->size;
}

static void put(struct bytes *b, const char *text, size_t size)
{
    memcpy(bytes_room(b, size), text, size);
    b->size += size;
}

static void put_text(struct bytes *b, const char *text)
{
    put(b, text, strlen(text));
}

static void put_number(struct bytes *b, uint64_t n)
{
    enum { DIGITS = 24 };
    b->size += (size_t)snprintf(bytes_room(b, DIGITS), DIGITS, "%" PRIu64, n);
}

static void put_hex(struct bytes *b, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *p = bytes_room(b, 2 * size);
    for (size_t i = 0; i < size; i++) {
        *p++ = digits[bytes[i] >> 4];
        *p++ = digits[bytes[i] & 15];
    }
    b->size += 2 * size;
}

static char *escape(char *p, unsigned char c)
{
    static const char *const named[] = {['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};
    if (c == '"' || c == '\\') {
        *p++ = '\\';
        *p++ = (char)c;
        return p;
    }
    return c < sizeof named / sizeof *named && named[c] ? stpcpy(p, named[c]) : p + sprintf(p, "\\u%04x", c);
}

/* As a JSON string: what has to be escaped is, and nothing else. */
static void put_json(struct bytes *b, const char *text, size_t size)
{
    char *p = bytes_room(b, 6 * size + 2);
    *p++ = '"';
    for (const char *end = text + size; text < end; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= ' ' && c != '"' && c != '\\')
            *p++ = (char)c;
        else
            p = escape(p, c);
    }
    *p++ = '"';
    b->size = (size_t)(p - b->at);
}

/* A cell: absent is nothing, empty is "". A spreadsheet would run what begins like a formula; ' before it stops that, and before '
 * itself says that it stood there. */
static void put_cell(struct bytes *b, const char *text, size_t size, bool raw)
{
    bool guard = !raw && size && strchr("=+-@\t\r'", *text), quote = !size;
    for (size_t i = 0; i < size && !quote; i++)
        quote = strchr(",;\"\r\n\t", text[i]) != NULL;
    char *p = bytes_room(b, 2 * size + 3);
    if (quote)
        *p++ = '"';
    if (guard)
        *p++ = '\'';
    for (const char *end = text + size; text < end; text++) {
        if (*text == '"')
            *p++ = '"';
        *p++ = *text;
    }
    if (quote)
        *p++ = '"';
    b->size = (size_t)(p - b->at);
}

/* ---- lines ---- */

enum { ENOUGH = 1 << 16 };

static void spill(struct export *e)
{
    fwrite(e->line.at, 1, e->line.size, e->out);
    sha256_update(&e->sum, e->line.size, (const uint8_t *)e->line.at);
    e->line.size = e->begin = 0;
}

/* The line that was put together is one of those that leave. */
static void flush(struct export *e)
{
    put(&e->line, "\n", 1);
    e->begin = e->line.size;
    if (e->begin >= ENOUGH)
        spill(e);
}

/* One that is no entry: a table keeps it for its next row. */
static void flush_proof(struct export *e)
{
    if (!e->csv) {
        flush(e);
        return;
    }
    put(&e->line, "\n", 1);
    put(&e->waiting, e->line.at + e->begin, e->line.size - e->begin);
    e->line.size = e->begin;
}

static void flush_waiting(struct export *e)
{
    if (e->waiting.size)
        put_cell(&e->line, e->waiting.at, e->waiting.size - 1, e->raw);
    e->waiting.size = 0;
    flush(e);
}

static void table_head(struct export *e)
{
    put_text(&e->line, "\xef\xbb\xbfleaf,time,hash"); /* spreadsheets take it for UTF-8 then */
    for (int i = 0; i < ENTRY_COLUMNS; i++) {
        put(&e->line, ",", 1);
        put_text(&e->line, entry_columns[i]);
    }
    put_text(&e->line, ",proof");
    flush(e);
}

void export_begin(struct export *e, const char *log, const char *scope, json_t *filter, uint64_t size)
{
    e->begun = true;
    sha256_init(&e->sum);
    if (e->csv)
        table_head(e);
    json_t *head =
        json_pack("{s:s, s:s, s:O, s:I}", "log", log, "scope", scope, "filter", filter, "size", (json_int_t)size);
    if (e->raw)
        json_object_set_new(head, "raw", json_true());
    char *text = json_dumps(head, JSON_COMPACT);
    put_text(&e->line, text);
    flush_proof(e);
    free(text);
    json_decref(head);
}

void export_skip(struct export *e, uint64_t leaf, const uint8_t *nodes, size_t size)
{
    put_text(&e->line, "{\"skip\":");
    put_number(&e->line, leaf);
    put_text(&e->line, ",\"nodes\":\"");
    put_hex(&e->line, nodes, size);
    put_text(&e->line, "\"}");
    flush_proof(e);
    e->leaves = leaf;
}

static void put_name(struct bytes *b, bool first, const char *name)
{
    enum { NAME = 32 };
    char *p = bytes_room(b, NAME);
    if (!first)
        *p++ = ',';
    *p++ = '"';
    p = stpcpy(p, name);
    *p++ = '"';
    *p++ = ':';
    b->size = (size_t)(p - b->at);
}

static void entry_line(struct export *e, const uint8_t hash[TREE_HASH], const struct entry *entry)
{
    bool first = true;
    put_text(&e->line, "{\"leaf\":");
    put_number(&e->line, e->leaves);
    put_text(&e->line, ",\"hash\":\"");
    put_hex(&e->line, hash, TREE_HASH);
    put_text(&e->line, entry ? "\",\"entry\":{" : "\"}");
    for (int i = 0; entry && i < ENTRY_COLUMNS; i++) {
        if (!entry->values[i].text)
            continue;
        put_name(&e->line, first, entry_columns[i]);
        put_json(&e->line, entry->values[i].text, entry->values[i].size);
        first = false;
    }
    if (entry)
        put_text(&e->line, "}}");
    flush(e);
}

static void entry_row(struct export *e, const uint8_t hash[TREE_HASH], const struct entry *entry)
{
    char at[JSON_TIME] = "";
    if (entry)
        entry_time(entry, at);
    put_number(&e->line, e->leaves);
    put(&e->line, ",", 1);
    put_text(&e->line, at);
    put(&e->line, ",", 1);
    put_hex(&e->line, hash, TREE_HASH);
    for (int i = 0; i < ENTRY_COLUMNS; i++) {
        put(&e->line, ",", 1);
        if (entry && entry->values[i].text)
            put_cell(&e->line, entry->values[i].text, entry->values[i].size, e->raw);
    }
    put(&e->line, ",", 1);
    flush_waiting(e);
}

void export_entry(struct export *e, const uint8_t hash[TREE_HASH], const struct entry *entry)
{
    (e->csv ? entry_row : entry_line)(e, hash, entry);
    e->entries++;
    e->leaves++;
}

void export_checkpoint(struct export *e, const char *note)
{
    put_text(&e->line, "{\"checkpoint\":");
    put_json(&e->line, note, strlen(note));
    put_text(&e->line, "}");
    flush_proof(e);
}

/* A row of no entry, for the lines that wait. */
static void waiting_row(struct export *e)
{
    for (int i = 0; i < 3 + ENTRY_COLUMNS; i++)
        put(&e->line, ",", 1);
    flush_waiting(e);
}

/* What is before the last line, or the last row, is what the sum is of: nothing but itself is in it. */
void export_end(struct export *e)
{
    uint8_t sum[SHA256_DIGEST_SIZE];
    if (e->waiting.size)
        waiting_row(e);
    spill(e);
    sha256_digest(&e->sum, sizeof sum, sum);
    put_text(&e->line, "{\"entries\":");
    put_number(&e->line, e->entries);
    put_text(&e->line, ",\"sha256\":\"");
    put_hex(&e->line, sum, sizeof sum);
    put_text(&e->line, "\"}");
    flush_proof(e);
    if (e->waiting.size)
        waiting_row(e);
    spill(e);
}

void export_free(struct export *e)
{
    free(e->line.at);
    free(e->waiting.at);
}
