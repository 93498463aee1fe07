/* pruned - leaves of an export of which only the hash is left, until an entry further on says that they were removed by decision.
 *
 * Memory is that of the stretches without an account. The struct begins as zeros; one thread uses it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pruned {
    uint64_t (*runs)[2]; /* first and last leaf of each stretch that nothing accounts for, in order */
    size_t n, room;
    uint64_t entries; /* accounted for */
};

bool pruned_add(struct pruned *p, uint64_t leaf); /* the next one without its entry; false: out of memory */

/* after: what an entry of operation audit_prune says of itself, JSON. False: out of memory, or that is none. */
bool pruned_settle(struct pruned *p, const char *after, size_t size);
void pruned_free(struct pruned *p); /* the count stays */
