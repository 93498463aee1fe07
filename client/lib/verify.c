#include "client/lib/verify.h"

#include "client/lib/entry.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct verify *v, enum verify_fault fault, uint64_t leaf)
{
    v->fault = fault;
    v->leaf = leaf;
    return false;
}

static bool hash_read(json_t *hex, uint8_t ret[TREE_HASH])
{
    size_t n;
    return json_is_string(hex) &&
           !sodium_hex2bin(ret, TREE_HASH, json_string_value(hex), json_string_length(hex), NULL, &n, NULL) &&
           n == TREE_HASH;
}

/* The tree before the first entry of the file: the hashes of its whole subtrees. */
static bool edge_read(struct verify *v, const char *hex)
{
    uint8_t hash[TREE_HASH];
    size_t n;
    for (unsigned level = TREE_LEVELS; level-- > 0;) {
        if (!(v->first >> level & 1))
            continue;
        if (strlen(hex) < 2 * TREE_HASH || sodium_hex2bin(hash, sizeof hash, hex, 2 * TREE_HASH, NULL, &n, NULL) ||
            n != sizeof hash || !tree_add(&v->tree, level, hash, NULL, NULL))
            return false;
        hex += 2 * TREE_HASH;
    }
    return !*hex;
}

static bool head_check(struct verify *v, json_t *line)
{
    struct log_key key;
    const char *text, *scope, *edge;
    json_int_t first;
    if (json_unpack(line, "{s:s, s:s, s:I, s:s}", "key", &text, "scope", &scope, "first", &first, "edge", &edge) ||
        first < 0 || !log_key_read(text, &key))
        return fail(v, VERIFY_MALFORMED, 0);
    v->first = v->from = (uint64_t)first;
    snprintf(v->scope, sizeof v->scope, "%s", scope);
    if (!v->key_known)
        v->key = key;
    else if (memcmp(&v->key, &key, sizeof key) != 0)
        return fail(v, VERIFY_KEY, 0);
    return edge_read(v, edge) || fail(v, VERIFY_MALFORMED, 0);
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

/* One that was seen earlier is met on the way. */
static bool known_check(struct verify *v)
{
    uint8_t root[TREE_HASH];
    if (!v->known.size || v->tree.size != v->known.size)
        return true;
    tree_root(&v->tree, root);
    return !memcmp(root, v->known.root, sizeof root) || fail(v, VERIFY_FORKED, v->known.size);
}

static bool leaf_check(struct verify *v, json_t *line)
{
    uint8_t hash[TREE_HASH], real[TREE_HASH];
    json_t *entry = json_object_get(line, "entry"), *leaf = json_object_get(line, "leaf");
    bool hidden = json_is_true(json_object_get(line, "hidden")) && strcmp(v->scope, "*") != 0;
    if (!json_is_integer(leaf) || !hash_read(json_object_get(line, "hash"), hash))
        return fail(v, VERIFY_MALFORMED, v->tree.size);
    if ((uint64_t)json_integer_value(leaf) != v->tree.size)
        return fail(v, VERIFY_GAP, v->tree.size);
    if (!entry && !hidden)
        return fail(v, VERIFY_GONE, v->tree.size);
    if (entry) {
        size_t size;
        uint8_t *bytes = entry_write(entry, &size);
        const char *seq = json_string_value(json_object_get(entry, "seq"));
        snprintf(v->seq, sizeof v->seq, "%s", seq ? seq : "?");
        if (!bytes)
            return fail(v, VERIFY_ALTERED, v->tree.size);
        tree_leaf_hash(bytes, size, real);
        free(bytes);
        if (memcmp(hash, real, sizeof hash) != 0)
            return fail(v, VERIFY_ALTERED, v->tree.size);
    }
    v->entries++;
    v->hidden += !entry;
    return tree_add(&v->tree, 0, hash, NULL, NULL) && known_check(v);
}

static bool line_check(struct verify *v, const char *text, size_t size)
{
    json_t *line = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const char *note = json_string_value(json_object_get(line, "checkpoint"));
    bool ok;
    if (!line)
        ok = fail(v, VERIFY_MALFORMED, v->tree.size);
    else if (++v->line == 1)
        ok = head_check(v, line) && known_check(v);
    else
        ok = note ? checkpoint_check(v, note) : leaf_check(v, line);
    json_decref(line);
    return ok;
}

bool verify_file(struct verify *v, FILE *file)
{
    char *text = NULL;
    size_t room = 0;
    bool ok = true;
    for (ssize_t size; ok && (size = getline(&text, &room, file)) >= 0;)
        ok = line_check(v, text, (size_t)size);
    free(text);
    if (ok && (ferror(file) || !v->line))
        return fail(v, VERIFY_MALFORMED, v->tree.size);
    if (ok && v->known.size > v->tree.size)
        return fail(v, VERIFY_TRUNCATED, v->tree.size);
    if (ok && (v->from != v->tree.size || (v->tree.size && !v->checkpoints)))
        return fail(v, VERIFY_END, v->from);
    return ok;
}
