/* The Merkle tree of the audit log against RFC 6962's definitions, and its checkpoints against C2SP's signed notes. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/checkpoint.h"

enum { SIZES = 300 };
static uint8_t leaves[SIZES][TREE_HASH];

/* RFC 6962, 2.1, word for word: slow, and nothing of tree.c in it. */
static size_t half_of(size_t n)
{
    size_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

static void mth(size_t first, size_t n, uint8_t ret[TREE_HASH])
{
    uint8_t both[1 + 2 * TREE_HASH] = {1};
    if (n == 1) {
        memcpy(ret, leaves[first], TREE_HASH);
        return;
    }
    size_t k = half_of(n);
    mth(first, k, both + 1);
    mth(first + k, n - k, both + 1 + TREE_HASH);
    crypto_hash_sha256(ret, both, sizeof both);
}

static size_t inclusion(size_t m, size_t first, size_t n, uint8_t *path)
{
    if (n == 1)
        return 0;
    size_t k = half_of(n), deep = m < k ? inclusion(m, first, k, path) : inclusion(m - k, first + k, n - k, path);
    if (m < k)
        mth(first + k, n - k, path + deep * TREE_HASH);
    else
        mth(first, k, path + deep * TREE_HASH);
    return deep + 1;
}

static size_t consistency(size_t m, size_t first, size_t n, bool whole, uint8_t *path)
{
    if (m == n) {
        if (!whole)
            mth(first, n, path);
        return !whole;
    }
    size_t k = half_of(n);
    size_t deep = m <= k ? consistency(m, first, k, whole, path) : consistency(m - k, first + k, n - k, false, path);
    if (m <= k)
        mth(first + k, n - k, path + deep * TREE_HASH);
    else
        mth(first, k, path + deep * TREE_HASH);
    return deep + 1;
}

static void hex_is(const uint8_t hash[TREE_HASH], const char *expected)
{
    char hex[2 * TREE_HASH + 1];
    assert_string_equal(sodium_bin2hex(hex, sizeof hex, hash, TREE_HASH), expected);
}

/* The eight inputs that certificate-transparency's own tests use, and the roots they give. */
static void test_known_answers(void **state)
{
    static const struct {
        const char *data;
        size_t size;
        const char *root;
    } known[] = {
        {"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"\x50\x51\x52\x53\x54\x55\x56\x57", 8, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct tree t = {0};
    uint8_t hash[TREE_HASH];
    (void)state;
    tree_root(&t, hash);
    hex_is(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        tree_leaf_hash(known[i].data, known[i].size, hash);
        assert_true(tree_add(&t, 0, hash, NULL, NULL));
        tree_root(&t, hash);
        hex_is(hash, known[i].root);
    }
}

static void test_roots(void **state)
{
    struct tree t = {0};
    uint8_t root[TREE_HASH], slow[TREE_HASH], closed[TREE_LEVELS][TREE_HASH];
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        size_t n, level = 0;
        assert_true(tree_add(&t, 0, leaves[i], closed, &n));
        assert_int_equal(n, (size_t)__builtin_ctzll(i + 1) + 1);
        for (; level < n; level++) {
            mth(i + 1 - (UINT64_C(1) << level), UINT64_C(1) << level, slow);
            assert_memory_equal(closed[level], slow, TREE_HASH);
        }
        tree_root(&t, root);
        mth(0, i + 1, slow);
        assert_memory_equal(root, slow, TREE_HASH);
    }
}

static void test_whole_subtrees(void **state)
{
    struct tree t = {0};
    uint8_t root[TREE_HASH], slow[TREE_HASH], part[TREE_HASH];
    (void)state;
    mth(0, 256, part);
    assert_true(tree_add(&t, 8, part, NULL, NULL));
    mth(256, 32, part);
    assert_false(tree_add(&t, 9, part, NULL, NULL));
    assert_false(tree_add(&t, TREE_LEVELS, part, NULL, NULL));
    assert_true(tree_add(&t, 5, part, NULL, NULL));
    assert_true(tree_add(&t, 0, leaves[288], NULL, NULL));
    assert_false(tree_add(&t, 1, part, NULL, NULL));
    tree_root(&t, root);
    mth(0, 289, slow);
    assert_memory_equal(root, slow, TREE_HASH);
}

static void test_inclusion(void **state)
{
    uint8_t root[TREE_HASH], path[16 * TREE_HASH] = {0};
    (void)state;
    for (size_t size = 1; size <= SIZES; size++) {
        mth(0, size, root);
        for (size_t leaf = 0; leaf < size; leaf += size < 40 ? 1 : 7) {
            size_t n = inclusion(leaf, 0, size, path), other = (leaf + 1) % SIZES;
            assert_true(tree_includes(leaf, leaves[leaf], path, n, size, root));
            assert_false(tree_includes(leaf, leaves[other], path, n, size, root));
            assert_false(tree_includes(leaf, leaves[leaf], path, n + 1, size, root));
            assert_false(tree_includes(size, leaves[leaf], path, n, size, root));
            assert_false(n && tree_includes(leaf, leaves[leaf], path, n - 1, size, root));
            assert_false(n && tree_includes(leaf ^ 1, leaves[leaf], path, n, size, root));
            path[leaf % (n ? n * TREE_HASH : 1)] ^= 1;
            assert_false(n && tree_includes(leaf, leaves[leaf], path, n, size, root));
        }
    }
}

static void test_consistency(void **state)
{
    uint8_t old[TREE_HASH], root[TREE_HASH], path[16 * TREE_HASH] = {0};
    (void)state;
    for (size_t size = 1; size <= SIZES; size++) {
        mth(0, size, root);
        for (size_t first = 1; first <= size; first += size < 40 ? 1 : 11) {
            size_t n = consistency(first, 0, size, true, path);
            mth(0, first, old);
            assert_true(tree_continues(first, old, path, n, size, root));
            assert_false(tree_continues(first, leaves[SIZES - 1 - first % 7], path, n, size, root) && first > 1);
            assert_false(tree_continues(first, old, path, n + 1, size, root));
            assert_false(n && tree_continues(first, old, path, n - 1, size, root));
            path[first % (n ? n * TREE_HASH : 1)] ^= 1;
            assert_false(n && tree_continues(first, old, path, n, size, root));
        }
    }
    assert_true(tree_continues(0, old, path, 0, SIZES, root)); /* everything continues nothing */
    assert_false(tree_continues(2, old, path, 0, 1, root));
}

static void test_checkpoint(void **state)
{
    struct log_key key = {.origin = "mejora/test"}, read, other;
    struct checkpoint c = {.size = 1234567}, back;
    uint8_t secret[64], seed[32] = {7};
    char note[CHECKPOINT_TEXT], text[LOG_KEY_TEXT];
    (void)state;
    crypto_sign_seed_keypair(key.public_key, secret, seed);
    memcpy(c.root, leaves[3], sizeof c.root);
    checkpoint_sign(&c, &key, secret, note);
    assert_true(checkpoint_read(note, &key, &back));
    assert_int_equal(back.size, c.size);
    assert_memory_equal(back.root, c.root, sizeof c.root);
    log_key_text(&key, text);
    assert_true(log_key_read(text, &read));
    assert_memory_equal(&read, &key, sizeof key);
    for (size_t i = 0; note[i]; i++) { /* not one byte may differ; what follows the signature line is somebody else's */
        char changed[CHECKPOINT_TEXT];
        strcpy(changed, note);
        changed[i] ^= 1;
        assert_false(note[i + 1] && checkpoint_read(changed, &key, &back));
    }
    for (size_t i = 0; text[i]; i++) {
        char changed[LOG_KEY_TEXT];
        strcpy(changed, text);
        changed[i] = (char)(changed[i] ^ 1);
        assert_false(log_key_read(changed, &other));
    }
    static const char *const no_keys[] = {"", "+", "mejora", "mejora/test+", "mejora/test+12345678+", "+12345678+AQ=="};
    for (size_t i = 0; i < sizeof no_keys / sizeof *no_keys; i++)
        assert_false(log_key_read(no_keys[i], &other));
}

/* The example of C2SP's signed-note page: name, key and note as printed there. */
static void test_signed_note(void **state)
{
    struct log_key key;
    char text[LOG_KEY_TEXT];
    (void)state;
    assert_true(log_key_read("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", &key));
    assert_string_equal(key.origin, "PeterNeumann");
    log_key_text(&key, text);
    assert_string_equal(text, "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers), cmocka_unit_test(test_roots),       cmocka_unit_test(test_whole_subtrees),
        cmocka_unit_test(test_inclusion),     cmocka_unit_test(test_consistency), cmocka_unit_test(test_checkpoint),
        cmocka_unit_test(test_signed_note),
    };
    setlocale(LC_CTYPE, "C.UTF-8"); /* as the programs do */
    if (sodium_init() < 0)
        return 1;
    for (size_t i = 0; i < SIZES; i++)
        tree_leaf_hash(&i, sizeof i, leaves[i]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
