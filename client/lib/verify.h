/* verify - checks an export of the audit log, line by line: nothing but the file and the log's key, in memory of one line.
 *
 * The first fault ends it and stays in the struct. One thread uses a struct. */
#pragma once

#include "client/lib/pruned.h"
#include "common/checkpoint.h"

#include <nettle/sha2.h>
#include <stdio.h>

enum verify_fault {
    VERIFY_OK,
    VERIFY_MALFORMED, /* line */
    VERIFY_KEY,       /* the file is of a log with another key */
    VERIFY_ALTERED,   /* leaf, seq: the entry is not what was sealed */
    VERIFY_GONE,      /* leaf: only the entry's hash is left, and no entry says that it was pruned */
    VERIFY_GAP,       /* leaf: this one should be here, and something else is */
    VERIFY_SIGNATURE, /* line: a checkpoint that the log's key has not signed */
    VERIFY_ROOT,      /* from, leaf: somewhere between these, both included, is what the checkpoint does not confirm */
    VERIFY_MISPLACED, /* line: a checkpoint of fewer entries than stand before it */
    VERIFY_END,       /* leaf: nothing confirms what follows, or the last line is missing */
    VERIFY_SUM,       /* the entries are what was sealed, and yet the file is not what was written */
    VERIFY_TRUNCATED, /* leaf: the known checkpoint speaks of more entries */
    VERIFY_FORKED,    /* leaf: the known checkpoint of so many entries is another one */
};

struct verify {
    struct log_key key;
    bool key_known;          /* false: the file's own is taken */
    struct checkpoint known; /* one seen earlier; size 0: none */
    bool known_met;          /* it was compared; an export of some entries may leave out where it ended */
    enum verify_fault fault;
    uint64_t line, from, leaf, entries, skipped, checkpoints;
    char seq[24], scope[64];
    char filter[512]; /* JSON; empty: none */
    bool whole;       /* every entry of the log has to be there */
    bool raw, ended;
    struct sha256_ctx sum;
    uint8_t *bytes; /* of an entry */
    size_t room;
    struct tree tree;
    struct pruned pruned;
    int64_t pruned_at; /* the last time, microseconds since 1970; 0: never */
};

/* The caller has set key, key_known and known; true: no fault, and the tree is that of the last checkpoint. */
bool verify_file(struct verify *v, FILE *file);
