#include "common/checkpoint.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { HASH = 4, ED25519 = 1, B64 = sodium_base64_VARIANT_ORIGINAL };

/* The first bytes of SHA-256(name, newline, algorithm, key). */
static void key_hash(const struct log_key *key, uint8_t ret[HASH])
{
    static const uint8_t algorithm[] = {'\n', ED25519};
    uint8_t whole[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)key->origin, strlen(key->origin));
    crypto_hash_sha256_update(&state, algorithm, sizeof algorithm);
    crypto_hash_sha256_update(&state, key->public_key, sizeof key->public_key);
    crypto_hash_sha256_final(&state, whole);
    memcpy(ret, whole, HASH);
}

void log_key_text(const struct log_key *key, char ret[LOG_KEY_TEXT])
{
    uint8_t hash[HASH], typed[1 + sizeof key->public_key] = {ED25519};
    char hex[2 * HASH + 1], base64[sodium_base64_ENCODED_LEN(sizeof typed, B64)];
    key_hash(key, hash);
    memcpy(typed + 1, key->public_key, sizeof key->public_key);
    snprintf(ret, LOG_KEY_TEXT, "%s+%s+%s", key->origin, sodium_bin2hex(hex, sizeof hex, hash, sizeof hash),
             sodium_bin2base64(base64, sizeof base64, typed, sizeof typed, B64));
}

bool log_key_read(const char *text, struct log_key *ret)
{
    char again[LOG_KEY_TEXT];
    uint8_t typed[1 + sizeof ret->public_key];
    size_t n, origin = strcspn(text, "+"), before = origin + 1 + 2 * HASH + 1, size = strlen(text);
    if (!origin || origin > ORIGIN_MAX || size < before ||
        sodium_base642bin(typed, sizeof typed, text + before, size - before, NULL, &n, NULL, B64) || n != sizeof typed)
        return false;
    *ret = (struct log_key){0};
    memcpy(ret->origin, text, origin);
    memcpy(ret->public_key, typed + 1, sizeof ret->public_key);
    log_key_text(ret, again);
    return !strcmp(text, again);
}

/* What is signed; its size. */
static size_t body_write(const struct checkpoint *c, const struct log_key *key, char ret[CHECKPOINT_TEXT])
{
    char root[sodium_base64_ENCODED_LEN(TREE_HASH, B64)];
    sodium_bin2base64(root, sizeof root, c->root, sizeof c->root, B64);
    return (size_t)snprintf(ret, CHECKPOINT_TEXT, "%s\n%" PRIu64 "\n%s\n", key->origin, c->size, root);
}

void checkpoint_sign(const struct checkpoint *c, const struct log_key *key, const uint8_t secret[64],
                     char ret[CHECKPOINT_TEXT])
{
    uint8_t signature[HASH + crypto_sign_BYTES];
    char base64[sodium_base64_ENCODED_LEN(sizeof signature, B64)];
    size_t size = body_write(c, key, ret);
    key_hash(key, signature);
    crypto_sign_detached(signature + HASH, NULL, (const uint8_t *)ret, size, secret);
    snprintf(ret + size, CHECKPOINT_TEXT - size, "\n— %s %s\n", key->origin,
             sodium_bin2base64(base64, sizeof base64, signature, sizeof signature, B64));
}

/* The body is read, written again and compared: there is one way to write it. */
bool checkpoint_read(const char *note, const struct log_key *key, struct checkpoint *ret)
{
    static const char dash[] = "\n— ";
    char body[CHECKPOINT_TEXT], root[64], name[ORIGIN_MAX + 1], base64[128];
    uint8_t signature[HASH + crypto_sign_BYTES], hash[HASH];
    size_t n;
    if (sscanf(note, "%*127[^\n]\n%" SCNu64 "\n%63[^\n]", &ret->size, root) != 2 ||
        sodium_base642bin(ret->root, TREE_HASH, root, strlen(root), NULL, &n, NULL, B64) || n != TREE_HASH)
        return false;
    size_t size = body_write(ret, key, body);
    if (strncmp(note, body, size) || strncmp(note + size, dash, sizeof dash - 1) ||
        sscanf(note + size + sizeof dash - 1, "%127s %127s", name, base64) != 2 || strcmp(name, key->origin) ||
        sodium_base642bin(signature, sizeof signature, base64, strlen(base64), NULL, &n, NULL, B64) ||
        n != sizeof signature)
        return false;
    key_hash(key, hash);
    return !memcmp(hash, signature, HASH) &&
           !crypto_sign_verify_detached(signature + HASH, (const uint8_t *)note, size, key->public_key);
}
