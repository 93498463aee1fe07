/* checkpoint - what is signed of the audit log: origin, size and root hash as a C2SP checkpoint in a signed note.
 *
 * docs/audit-log.md has the bytes. A log is known by its verifier key, "origin+hash+key", one line of text. Plain data. */
#pragma once

#include "common/tree.h"

enum { ORIGIN_MAX = 127, LOG_KEY_TEXT = ORIGIN_MAX + 1 + 8 + 1 + 44 + 1, CHECKPOINT_TEXT = 512 };

struct log_key {
    char origin[ORIGIN_MAX + 1];
    uint8_t public_key[32];
};

struct checkpoint {
    uint64_t size;
    uint8_t root[TREE_HASH];
};

void log_key_text(const struct log_key *key, char ret[LOG_KEY_TEXT]);
bool log_key_read(const char *text, struct log_key *ret);

void checkpoint_sign(const struct checkpoint *c, const struct log_key *key, const uint8_t secret[64],
                     char ret[CHECKPOINT_TEXT]);
bool checkpoint_read(const char *note, const struct log_key *key,
                     struct checkpoint *ret); /* false: malformed, or not signed so */
