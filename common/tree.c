#include "common/tree.h"

#include <nettle/sha2.h>
#include <string.h>

/* Nettle's, because it uses the processor's instructions for it; libsodium's takes five times as long. */
static void hash_of(uint8_t prefix, const void *data, size_t size, uint8_t ret[TREE_HASH])
{
    struct sha256_ctx state;
    sha256_init(&state);
    sha256_update(&state, 1, &prefix);
    sha256_update(&state, size, data);
    sha256_digest(&state, TREE_HASH, ret);
}

void tree_leaf_hash(const void *entry, size_t size, uint8_t ret[TREE_HASH])
{
    hash_of(0, entry, size, ret);
}

static void join(const uint8_t left[TREE_HASH], const uint8_t right[TREE_HASH], uint8_t ret[TREE_HASH])
{
    uint8_t both[2 * TREE_HASH];
    memcpy(both, left, TREE_HASH);
    memcpy(both + TREE_HASH, right, TREE_HASH);
    hash_of(1, both, sizeof both, ret);
}

bool tree_add(struct tree *t, unsigned level, const uint8_t hash[TREE_HASH], uint8_t ret_closed[][TREE_HASH],
              size_t *ret_n)
{
    uint8_t now[TREE_HASH];
    uint64_t more = level < TREE_LEVELS ? UINT64_C(1) << level : 0;
    if (!more || t->size & (more - 1) || t->size + more > INT64_MAX)
        return false;
    size_t n = 0;
    memcpy(now, hash, sizeof now);
    for (;; level++) {
        if (ret_closed)
            memcpy(ret_closed[n++], now, sizeof now);
        if (!(t->size >> level & 1))
            break;
        join(t->edge[level], now, now);
    }
    memcpy(t->edge[level], now, sizeof now);
    t->size += more;
    if (ret_n)
        *ret_n = n;
    return true;
}

unsigned tree_span(uint64_t from, uint64_t beyond)
{
    unsigned level = 0;
    while (level + 1 < TREE_LEVELS && !(from >> level & 1) && beyond - from >= UINT64_C(2) << level)
        level++;
    return level;
}

void tree_root(const struct tree *t, uint8_t ret[TREE_HASH])
{
    bool any = false;
    struct sha256_ctx empty;
    sha256_init(&empty);
    sha256_digest(&empty, TREE_HASH, ret); /* of the empty tree */
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        if (!(t->size >> level & 1))
            continue;
        if (any)
            join(t->edge[level], ret, ret);
        else
            memcpy(ret, t->edge[level], TREE_HASH);
        any = true;
    }
}

/* RFC 9162, 2.1.3.2 */
bool tree_includes(uint64_t leaf, const uint8_t hash[TREE_HASH], const uint8_t *path, size_t n, uint64_t size,
                   const uint8_t root[TREE_HASH])
{
    uint8_t r[TREE_HASH];
    uint64_t at = leaf, last = size - 1;
    memcpy(r, hash, sizeof r);
    if (leaf >= size)
        return false;
    for (size_t i = 0; i < n; i++, at >>= 1, last >>= 1) {
        const uint8_t *p = path + i * TREE_HASH;
        if (!last)
            return false;
        if (at & 1 || at == last) {
            join(p, r, r);
            for (; !(at & 1) && at; last >>= 1)
                at >>= 1;
        } else {
            join(r, p, r);
        }
    }
    return !last && !memcmp(r, root, sizeof r);
}

/* RFC 9162, 2.1.4.2 */
bool tree_continues(uint64_t first_size, const uint8_t first[TREE_HASH], const uint8_t *path, size_t n, uint64_t size,
                    const uint8_t root[TREE_HASH])
{
    uint8_t old[TREE_HASH], new[TREE_HASH];
    uint64_t at = first_size - 1, last = size - 1;
    if (!first_size || first_size > size)
        return !first_size && !n;
    if (first_size == size)
        return !n && !memcmp(first, root, TREE_HASH);
    bool whole = !(first_size & at); /* the first tree is one subtree: its hash is not in the path */
    if (!n && !whole)
        return false;
    for (; at & 1; last >>= 1)
        at >>= 1;
    memcpy(old, whole ? first : path, sizeof old);
    memcpy(new, old, sizeof new);
    for (size_t i = !whole; i < n; i++, at >>= 1, last >>= 1) {
        const uint8_t *p = path + i * TREE_HASH;
        if (!last)
            return false;
        if (at & 1 || at == last) {
            join(p, old, old);
            join(p, new, new);
            for (; !(at & 1) && at; last >>= 1)
                at >>= 1;
        } else {
            join(new, p, new);
        }
    }
    return !last && !memcmp(old, first, sizeof old) && !memcmp(new, root, sizeof new);
}
