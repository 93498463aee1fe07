/* tree - a Merkle tree over a growing log, hashed as RFC 6962 says: what both who seals and who verifies need of it.
 *
 * Only the right edge is held, so memory does not grow with the log. Plain data; whoever holds it locks it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TREE_HASH = 32, TREE_LEVELS = 63 };

struct tree {
    uint64_t size;
    uint8_t edge[TREE_LEVELS][TREE_HASH]; /* of each bit set in size: the hash of that many leaves */
};

void tree_leaf_hash(const void *entry, size_t size, uint8_t ret[TREE_HASH]);

/* Adds 1 << level leaves at once, known by their hash. False: the tree's size is not a multiple of that.
 * ret_closed: that hash and those of the larger subtrees it completes; *ret_n of them. NULL where nobody asks. */
bool tree_add(struct tree *t, unsigned level, const uint8_t hash[TREE_HASH], uint8_t ret_closed[][TREE_HASH],
              size_t *ret_n);

/* Leaves from here up to beyond, as the largest whole subtrees: the level of the first one. */
unsigned tree_span(uint64_t from, uint64_t beyond);
void tree_root(const struct tree *t, uint8_t ret[TREE_HASH]);

/* Does the path prove that this leaf is in the tree, that the first tree is the second's beginning? path: n hashes. */
bool tree_includes(uint64_t leaf, const uint8_t hash[TREE_HASH], const uint8_t *path, size_t n, uint64_t size,
                   const uint8_t root[TREE_HASH]);
bool tree_continues(uint64_t first_size, const uint8_t first[TREE_HASH], const uint8_t *path, size_t n, uint64_t size,
                    const uint8_t root[TREE_HASH]);
