#include "client/lib/verify.h"

#include "client/lib/entry.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 3 + ENTRY_COLUMNS + 1 }; /* leaf, time, hash; proof */

/* Where an entry's line is read; texts are within the line. */
struct leaf {
    uint64_t leaf;
    struct entry_value hash;
    struct entry entry;
    bool has_leaf, has_entry;
};

static bool fail(struct verify *v, enum verify_fault fault, uint64_t leaf)
{
    v->fault = fault;
    v->leaf = leaf;
    return false;
}

/* ---- an entry's line: this is what takes the time, so no tree of values is made of it ---- */

static void skip_blanks(char **p)
{
    while (**p == ' ' || **p == '\t')
        ++*p;
}

static bool take(char **p, char c)
{
    skip_blanks(p);
    bool ok = **p == c;
    *p += ok;
    return ok;
}

static bool take_number(char **p, uint64_t *ret)
{
    char *end;
    skip_blanks(p);
    if (**p < '0' || **p > '9')
        return false;
    *ret = strtoull(*p, &end, 10);
    *p = end;
    return true;
}

static int hex4(const char *p)
{
    int ret = 0;
    for (int i = 0; i < 4; i++) {
        const char *digit = p[i] ? strchr("0123456789abcdef", p[i] | 0x20) : NULL;
        if (!digit || p[i] < '0')
            return -1;
        ret = ret << 4 | (int)(digit - "0123456789abcdef");
    }
    return ret;
}

static char *put_utf8(char *to, unsigned c)
{
    if (c >= 0x10000) {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
    } else if (c >= 0x800)
        *to++ = (char)(0xe0 | c >> 12);
    if (c >= 0x800)
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    else if (c >= 0x80)
        *to++ = (char)(0xc0 | c >> 6);
    *to++ = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    return to;
}

/* What stands behind \u, pairs of surrogates included; never longer than it was. */
static bool take_unicode(char **p, char **to)
{
    int c = hex4(*p), low;
    if (c < 0)
        return false;
    *p += 4;
    if (c >= 0xd800 && c < 0xdc00) {
        if ((*p)[0] != '\\' || (*p)[1] != 'u' || (low = hex4(*p + 2)) < 0xdc00 || low > 0xdfff)
            return false;
        *p += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c >= 0xdc00 && c < 0xe000)
        return false;
    *to = put_utf8(*to, (unsigned)c);
    return true;
}

static bool take_escape(char **p, char **to)
{
    static const char named[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    char c = *(*p)++;
    if (c == 'u')
        return take_unicode(p, to);
    for (const char *n = named; *n; n += 2)
        if (*n == c) {
            *(*to)++ = n[1];
            return true;
        }
    return false;
}

/* A string, its escapes undone where it stands. */
static bool take_string(char **p, struct entry_value *ret)
{
    if (!take(p, '"'))
        return false;
    char *from = *p, *to = from, *start = from;
    for (;;) {
        char *run = from;
        while ((unsigned char)*from >= ' ' && *from != '"' && *from != '\\')
            from++;
        if (to != run)
            memmove(to, run, (size_t)(from - run));
        to += from - run;
        if (*from == '"')
            break;
        if (*from++ != '\\' || !take_escape(&from, &to))
            return false;
    }
    *p = from + 1;
    *ret = (struct entry_value){start, (size_t)(to - start)};
    return true;
}

static bool take_entry(char **p, struct entry *ret)
{
    struct entry_value name;
    int column = -1;
    if (!take(p, '{'))
        return false;
    if (take(p, '}'))
        return true;
    do {
        if (!take_string(p, &name) || !take(p, ':') || (column = entry_column(name.text, name.size, column + 1)) < 0 ||
            ret->values[column].text || !take_string(p, &ret->values[column]))
            return false;
    } while (take(p, ','));
    return take(p, '}');
}

static bool is(const struct entry_value *v, const char *text)
{
    return v->size == strlen(text) && !memcmp(v->text, text, v->size);
}

static bool leaf_take(char *p, struct leaf *ret)
{
    struct entry_value name;
    *ret = (struct leaf){0};
    if (!take(&p, '{'))
        return false;
    do {
        if (!take_string(&p, &name) || !take(&p, ':'))
            return false;
        bool ok = false;
        if (is(&name, "leaf") && !ret->has_leaf)
            ok = ret->has_leaf = take_number(&p, &ret->leaf);
        else if (is(&name, "hash") && !ret->hash.text)
            ok = take_string(&p, &ret->hash);
        else if (is(&name, "entry") && !ret->has_entry)
            ok = ret->has_entry = take_entry(&p, &ret->entry);
        if (!ok)
            return false;
    } while (take(&p, ','));
    return take(&p, '}') && (*p == '\n' || *p == '\r' || !*p) && ret->has_leaf && ret->hash.text;
}

/* ---- what the lines mean ---- */

/* One that was seen earlier is met on the way. */
static bool known_check(struct verify *v)
{
    uint8_t root[TREE_HASH];
    if (!v->known.size || v->tree.size != v->known.size)
        return true;
    v->known_met = true;
    tree_root(&v->tree, root);
    return !memcmp(root, v->known.root, sizeof root) || fail(v, VERIFY_FORKED, v->known.size);
}

static bool head_check(struct verify *v, json_t *line)
{
    struct log_key key;
    const char *text = json_string_value(json_object_get(line, "log"));
    const char *scope = json_string_value(json_object_get(line, "scope"));
    json_t *filter = json_object_get(line, "filter");
    if (!text || !scope || !json_is_object(filter) || !log_key_read(text, &key))
        return fail(v, VERIFY_MALFORMED, 0);
    snprintf(v->scope, sizeof v->scope, "%s", scope);
    if (json_object_size(filter)) {
        char *dump = json_dumps(filter, JSON_COMPACT);
        snprintf(v->filter, sizeof v->filter, "%s", dump ? dump : "{…}");
        free(dump);
    }
    v->whole = !strcmp(scope, "*") && !*v->filter;
    v->raw = json_is_true(json_object_get(line, "raw"));
    if (!v->key_known)
        v->key = key;
    return !memcmp(&v->key, &key, sizeof key) || fail(v, VERIFY_KEY, 0);
}

static bool checkpoint_check(struct verify *v, const char *note)
{
    struct checkpoint c;
    uint8_t root[TREE_HASH];
    if (!checkpoint_read(note, &v->key, &c))
        return fail(v, VERIFY_SIGNATURE, v->tree.size);
    if (c.size != v->tree.size)
        return fail(v, c.size > v->tree.size ? VERIFY_GAP : VERIFY_MISPLACED, v->tree.size);
    tree_root(&v->tree, root);
    if (memcmp(root, c.root, sizeof root) != 0)
        return fail(v, VERIFY_ROOT, c.size - 1);
    v->from = c.size;
    v->checkpoints++;
    return true;
}

/* The subtrees that take the tree to that size: each as large as where it begins and where they end allow. */
static bool skip_check(struct verify *v, json_int_t to, const char *hex)
{
    uint8_t hash[TREE_HASH];
    size_t n;
    uint64_t beyond = (uint64_t)to;
    if (to < 0 || beyond <= v->tree.size || !hex)
        return fail(v, VERIFY_MALFORMED, v->tree.size);
    if (v->whole)
        return fail(v, VERIFY_GAP, v->tree.size);
    v->skipped += beyond - v->tree.size;
    while (v->tree.size < beyond) {
        unsigned level = tree_span(v->tree.size, beyond);
        if (strlen(hex) < 2 * TREE_HASH || sodium_hex2bin(hash, sizeof hash, hex, 2 * TREE_HASH, NULL, &n, NULL) ||
            n != sizeof hash)
            return fail(v, VERIFY_GAP, v->tree.size);
        tree_add(&v->tree, level, hash, NULL, NULL);
        hex += 2 * TREE_HASH;
        if (!known_check(v))
            return false;
    }
    return !*hex || fail(v, VERIFY_MALFORMED, v->tree.size);
}

static bool end_check(struct verify *v, json_t *line, const char *sum)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    char hex[2 * sizeof digest + 1];
    json_t *entries = json_object_get(line, "entries");
    v->ended = true;
    sha256_digest(&v->sum, sizeof digest, digest);
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    return (!strcmp(sum, hex) && json_is_integer(entries) && json_integer_value(entries) == (json_int_t)v->entries) ||
           fail(v, VERIFY_SUM, v->tree.size);
}

static bool other_check(struct verify *v, const char *text, size_t size)
{
    json_t *line = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL), *skip = json_object_get(line, "skip");
    const char *note = json_string_value(json_object_get(line, "checkpoint"));
    const char *sum = json_string_value(json_object_get(line, "sha256"));
    bool ok;
    if (v->line == 1)
        ok = line ? head_check(v, line) : fail(v, VERIFY_MALFORMED, 0);
    else if (note)
        ok = checkpoint_check(v, note);
    else if (json_is_integer(skip))
        ok = skip_check(v, json_integer_value(skip), json_string_value(json_object_get(line, "nodes")));
    else
        ok = sum ? end_check(v, line, sum) : fail(v, VERIFY_MALFORMED, v->tree.size);
    json_decref(line);
    return ok;
}

static bool entry_check(struct verify *v, const struct leaf *leaf, uint8_t ret[TREE_HASH])
{
    char hex[2 * TREE_HASH + 1];
    size_t size = entry_size(&leaf->entry);
    const struct entry_value *seq = &leaf->entry.values[0];
    uint8_t *bytes = size > v->room ? realloc(v->bytes, 2 * size) : v->bytes;
    if (!bytes)
        return fail(v, VERIFY_MALFORMED, v->tree.size);
    v->room = size > v->room ? 2 * size : v->room;
    v->bytes = bytes;
    entry_write(&leaf->entry, bytes);
    tree_leaf_hash(bytes, size, ret);
    sodium_bin2hex(hex, sizeof hex, ret, TREE_HASH);
    if (is(&leaf->hash, hex))
        return true;
    bool number = seq->text && strspn(seq->text, "0123456789") >= seq->size; /* else it is not for a terminal */
    snprintf(v->seq, sizeof v->seq, "%.*s", number ? (int)seq->size : 1, number ? seq->text : "?");
    return fail(v, VERIFY_ALTERED, v->tree.size);
}

static struct entry_value value(const struct leaf *leaf, const char *column)
{
    return leaf->entry.values[entry_column(column, strlen(column), 0)];
}

/* Only the hash is left: an entry further on has to say why. */
static bool gone_check(struct verify *v, const struct leaf *leaf, uint8_t ret[TREE_HASH])
{
    size_t n;
    return (leaf->hash.text && !sodium_hex2bin(ret, TREE_HASH, leaf->hash.text, leaf->hash.size, NULL, &n, NULL) &&
            n == TREE_HASH && pruned_add(&v->pruned, v->tree.size)) ||
           fail(v, VERIFY_MALFORMED, v->tree.size);
}

/* An entry that says which entries were removed by decision. */
static bool prune_check(struct verify *v, const struct leaf *leaf)
{
    struct entry_value op = value(leaf, "op");
    char time[24] = "";
    if (!is(&op, "audit_prune"))
        return true;
    struct entry_value outcome = value(leaf, "outcome"), at = value(leaf, "at"), after = value(leaf, "after");
    if (!is(&outcome, "ok"))
        return true;
    snprintf(time, sizeof time, "%.*s", (int)at.size, at.text ? at.text : "");
    v->pruned_at = strtoll(time, NULL, 10);
    return (after.text && pruned_settle(&v->pruned, after.text, after.size)) || fail(v, VERIFY_MALFORMED, v->tree.size);
}

static bool leaf_check(struct verify *v, const struct leaf *leaf)
{
    uint8_t hash[TREE_HASH];
    if (leaf->leaf != v->tree.size)
        return fail(v, VERIFY_GAP, v->tree.size);
    v->entries++;
    bool ok = leaf->has_entry ? entry_check(v, leaf, hash) && prune_check(v, leaf) : gone_check(v, leaf, hash);
    return ok && tree_add(&v->tree, 0, hash, NULL, NULL) && known_check(v);
}

static bool line_check(struct verify *v, char *text, size_t size)
{
    static const char entry[] = "{\"leaf\"";
    struct leaf leaf;
    v->line++;
    if (v->ended)
        return fail(v, VERIFY_MALFORMED, v->tree.size);
    if (v->line == 1 || strncmp(text, entry, sizeof entry - 1) != 0)
        return other_check(v, text, size);
    return leaf_take(text, &leaf) ? leaf_check(v, &leaf) : fail(v, VERIFY_MALFORMED, v->tree.size);
}

/* ---- a table: the same, an entry's values in its cells and the lines before it in the last one ---- */

/* Undone where it stands. False: it is no cell. */
static bool take_cell(char **p, struct entry_value *ret)
{
    char *from = *p, *to = from;
    bool quoted = *from == '"';
    *ret = (struct entry_value){0};
    from += quoted;
    for (; *from && (quoted || !strchr(",\r\n", *from)); from++) {
        if (quoted && *from == '"' && *++from != '"')
            break;
        *to++ = *from;
    }
    if (quoted || to != *p)
        *ret = (struct entry_value){*p, (size_t)(to - *p)};
    *p = from + (*from == ',');
    return *from == ',' || *from == '\n' || *from == '\r' || !*from;
}

static bool proof_check(struct verify *v, const struct entry_value *proof)
{
    bool ok = true;
    for (const char *at = proof->text, *end = at + proof->size, *next; ok && at < end; at = next) {
        if (v->ended)
            return fail(v, VERIFY_MALFORMED, v->tree.size);
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        next = feed ? feed + 1 : end;
        v->line++;
        ok = other_check(v, at, (size_t)((feed ? feed : end) - at));
    }
    return ok;
}

static bool leaf_of_row(struct verify *v, struct entry_value cells[CELLS], struct leaf *ret)
{
    char number[24], at[JSON_TIME];
    *ret = (struct leaf){.hash = cells[2]};
    snprintf(number, sizeof number, "%.*s", (int)cells[0].size, cells[0].text);
    ret->leaf = strtoull(number, NULL, 10);
    for (int i = 0; i < ENTRY_COLUMNS; i++) {
        struct entry_value *value = &cells[3 + i];
        if (!v->raw && value->size && *value->text == '\'')
            *value = (struct entry_value){value->text + 1, value->size - 1};
        ret->entry.values[i] = *value;
        ret->has_entry |= value->text != NULL;
    }
    entry_time(&ret->entry, at);
    return ret->hash.text && (!ret->has_entry || (cells[1].text && is(&cells[1], at)));
}

static bool row_check(struct verify *v, char *text)
{
    struct entry_value cells[CELLS];
    struct leaf leaf;
    for (int i = 0; i < CELLS; i++)
        if (!take_cell(&text, &cells[i]))
            return fail(v, VERIFY_MALFORMED, v->tree.size);
    if (v->ended)
        return fail(v, VERIFY_MALFORMED, v->tree.size);
    if (!proof_check(v, &cells[CELLS - 1]))
        return false;
    if (!cells[0].text || !v->line)
        return cells[0].text ? fail(v, VERIFY_MALFORMED, 0) : true;
    return leaf_of_row(v, cells, &leaf) ? leaf_check(v, &leaf) : fail(v, VERIFY_ALTERED, v->tree.size);
}

/* ---- the file ---- */

static bool is_odd(const char *text, size_t size)
{
    bool odd = false;
    for (const char *p = text; (p = memchr(p, '"', size - (size_t)(p - text))); p++)
        odd = !odd;
    return odd;
}

/* A line; of a table a row, which goes on as long as a quotation is open. */
static ssize_t read_line(FILE *file, bool table, char **text, size_t *room)
{
    ssize_t size = getline(text, room, file), more = size;
    char *part = NULL;
    size_t part_room = 0;
    while (table && more > 0 && is_odd(*text, (size_t)size) && (more = getline(&part, &part_room, file)) > 0) {
        char *longer = (size_t)(size + more) < *room ? *text : realloc(*text, 2 * (size_t)(size + more));
        if (!longer)
            break;
        if (longer != *text)
            *room = 2 * (size_t)(size + more);
        *text = longer;
        memcpy(longer + size, part, (size_t)more + 1);
        size += more;
    }
    free(part);
    return size;
}

bool verify_file(struct verify *v, FILE *file)
{
    char *text = NULL;
    size_t room = 0;
    bool ok = true, table = false, first = true;
    struct sha256_ctx with; /* this line: the last one is not in its own sum */
    sha256_init(&v->sum);
    for (ssize_t size; ok && (size = read_line(file, table, &text, &room)) >= 0; first = false) {
        if (first && *text != '{')
            table = true;
        with = v->sum;
        sha256_update(&with, (size_t)size, (const uint8_t *)text);
        if (!(table && first))
            ok = table ? row_check(v, text) : line_check(v, text, (size_t)size);
        v->sum = with;
    }
    free(text);
    free(v->bytes);
    v->bytes = NULL;
    if (ok && v->pruned.n)
        ok = fail(v, VERIFY_GONE, v->pruned.runs[0][0]);
    pruned_free(&v->pruned);
    if (!ok)
        return false;
    if (ferror(file) || !v->line)
        return fail(v, VERIFY_MALFORMED, v->tree.size);
    if (v->known.size > v->tree.size)
        return fail(v, VERIFY_TRUNCATED, v->tree.size);
    if (!v->ended || v->from != v->tree.size || (v->tree.size && !v->checkpoints))
        return fail(v, VERIFY_END, v->from);
    return true;
}
