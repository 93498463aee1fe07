/* Rows of an exported page as a server sends them: what they say, and rows that say nothing. */
#include "client/lib/entry.h"
#include "client/lib/pages.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEQ = 20, ROOM = 1024 };

static const struct {
    uint32_t type;
    const char *bytes;
    uint32_t size;
    const char *text; /* NULL: it is not of this type */
} values[] = {
    {20, "\0\0\0\0\0\0\0\0", 8, "0"},
    {20, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, "9223372036854775807"},
    {20, "\x80\0\0\0\0\0\0\0", 8, "-9223372036854775808"},
    {20, "\0\0\0\7", 4, NULL},
    {20, "", 0, NULL},
    {23, "\0\0\7\xe7", 4, "2023"},
    {23, "\xff\xff\xff\xff", 4, "-1"},
    {23, "\0\0\0\0\0\0\7\xe7", 8, NULL},
    {1184, "\0\0\0\0\0\0\0\0", 8, "946684800000000"},
    {1184, "\xff\xfc\xa2\xfe\xc4\xc8\x20\x00", 8, "0"},
    {1184, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, "-9222425352054775809"}, /* nonsense, but no harm */
    {1184, "\0\0\0\0", 4, NULL},
    {2950, "\0\1\2\3\4\5\6\7\x89\xab\xcd\xef\xfe\xdc\xba\x98", 16, "00010203-0405-0607-89ab-cdeffedcba98"},
    {2950, "\0\1\2\3", 4, NULL},
    {3802, "\1{\"percent\": 25}", 16, "{\"percent\": 25}"},
    {3802, "", 0, NULL},
    {25, "Gestión", 8, "Gestión"},
    {25, "", 0, ""},
    {99999, "denied", 6, "denied"}, /* a type of the schema's own */
};

static uint8_t *put32(uint8_t *to, uint32_t n)
{
    n = htobe32(n);
    return mempcpy(to, &n, sizeof n);
}

/* A row with this number, this value in the last column, and nothing between. */
static size_t row_write(uint64_t seq, size_t value, uint8_t ret[ROOM])
{
    uint8_t *to = put32(put32(put32(ret, ENTRY_COLUMNS), SEQ), sizeof seq);
    seq = htobe64(seq);
    to = mempcpy(to, &seq, sizeof seq);
    for (int i = 1; i < ENTRY_COLUMNS - 1; i++)
        to = put32(put32(to, 25), UINT32_MAX);
    to = put32(put32(to, values[value].type), values[value].size);
    return (size_t)((uint8_t *)mempcpy(to, values[value].bytes, values[value].size) - ret);
}

static void values_become_the_texts_that_were_hashed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint8_t row[ROOM];
        char room[ENTRY_COLUMNS][ENTRY_ROOM];
        struct entry entry;
        size_t size = row_write(7, i, row);
        assert_int_equal(entry_row_size(row, size), size);
        assert_int_equal(entry_row_seq(row), 7);
        assert_int_equal(entry_read(row, room, &entry), values[i].text != NULL);
        if (!values[i].text)
            continue;
        const struct entry_value *last = &entry.values[ENTRY_COLUMNS - 1];
        assert_int_equal(last->size, strlen(values[i].text));
        assert_memory_equal(last->text, values[i].text, last->size);
        assert_null(entry.values[1].text);
    }
}

static void what_ends_too_early_is_no_row(void **state)
{
    (void)state;
    uint8_t row[ROOM];
    size_t size = row_write(7, 0, row);
    for (size_t n = 0; n < size; n++) {
        uint8_t *exact = malloc(n ? n : 1); /* so that an analyser sees what is read behind it */
        memcpy(exact, row, n);
        assert_int_equal(entry_row_size(exact, n), 0);
        free(exact);
    }
    row[3]++;
    assert_int_equal(entry_row_size(row, size), 0);
}

static void rows_are_found_by_number(void **state)
{
    (void)state;
    static const uint64_t there[] = {3, 4, 9}, gone[] = {0, 5, 10};
    uint8_t bytes[3 * ROOM], leaf[PAGE_LEAF] = {0};
    size_t size = 0;
    for (size_t i = 0; i < 3; i++)
        size += row_write(there[i], i, bytes + size);
    Mejora__AuditExportReply page = MEJORA__AUDIT_EXPORT_REPLY__INIT;
    page.rows = (ProtobufCBinaryData){size, bytes};
    struct rows rows = rows_read(&page);
    assert_int_equal(rows.n, 3);
    for (size_t i = 0; i < 3; i++) {
        memcpy(leaf + TREE_HASH, &(uint64_t){htobe64(there[i])}, sizeof *there);
        assert_int_equal(rows_find(&rows, leaf)->seq, there[i]);
        memcpy(leaf + TREE_HASH, &(uint64_t){htobe64(gone[i])}, sizeof *gone);
        assert_null(rows_find(&rows, leaf));
    }
    free(rows.rows);
    page.rows.len--;
    assert_null(rows_read(&page).rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_the_texts_that_were_hashed),
        cmocka_unit_test(what_ends_too_early_is_no_row),
        cmocka_unit_test(rows_are_found_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
