/* Bytes of many makes become the same cells, or are refused with the place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/lib/grid.h"

#define BYTES(text) (text), sizeof(text) - 1

static const struct {
    const char *name, *bytes;
    size_t size;
    const char *cells; /* "line:cell|cell" for each row, or the fault as "code offset line" */
    const char *encoding;
    char delimiter;
} files[] = {
    {"tab", BYTES("No.\tÁrea\n1\tuno\n"), "1:No.|Área 2:1|uno ", "UTF-8", '\t'},
    {"no final newline", BYTES("a\tb\tc\n1\t2\t3"), "1:a|b|c 2:1|2|3 ", "UTF-8", '\t'},
    {"quotes are text in TSV", BYTES("a\tb\tc\n\"1\t2\"\t\"\n"), "1:a|b|c 2:\"1|2\"|\" ", "UTF-8", '\t'},
    {"blank lines and cells stay", BYTES("\n\na\t\tb\n"), "1: 2: 3:a||b ", "UTF-8", '\t'},
    {"line ends of DOS", BYTES("a\tb\tc\r\n1\t2\t3\r\n"), "1:a|b|c 2:1|2|3 ", "UTF-8", '\t'},
    {"line ends of old Macs", BYTES("a\tb\tc\r1\t2\t3\r"), "1:a|b|c 2:1|2|3 ", "UTF-8", '\t'},
    {"byte order mark", BYTES("\xEF\xBB\xBFNo.\tb\tc\n"), "1:No.|b|c ", "UTF-8", '\t'},
    {"UTF-16 little", BYTES("\xFF\xFE\xD1\0\t\0b\0\t\0\n\0"), "1:Ñ|b| ", "UTF-16LE", '\t'},
    {"UTF-16 big", BYTES("\xFE\xFF\0\xD1\0\t\0b\0\t\0\n"), "1:Ñ|b| ", "UTF-16BE", '\t'},
    {"windows-1252",
     BYTES("\xC1rea\tacci\xF3n\t\x93"
           "a\x94\n"),
     "1:Área|acción|“a” ", "windows-1252", '\t'},
    {"1252 that looks a little like UTF-8", BYTES("\xC1rea\tpa\xEDs\t\x93PER\xDA\x94\n"), "1:Área|país|“PERÚ” ",
     "windows-1252", '\t'},
    {"decomposed accents stay", BYTES("A\xCC\x81\tb\tc\n"), "1:A\xCC\x81|b|c ", "UTF-8", '\t'},
    {"semicolons", BYTES("No.;a;b\n1;\"x; y\";z\n"), "1:No.|a|b 2:1|x; y|z ", "UTF-8", ';'},
    {"commas", BYTES("Plan, 2024\nNo.,a,b\n1,\"say \"\"hi\"\"\",z\n"), "1:Plan| 2024 2:No.|a|b 3:1|say \"hi\"|z ",
     "UTF-8", ','},
    {"prose does not choose", BYTES("No.;a;b\n1;x, y, z, w;v\n"), "1:No.|a|b 2:1|x, y, z, w|v ", "UTF-8", ';'},
    {"a cell of two lines", BYTES("a;b;c\n1;\"x\ny\";z\n2;;\n"), "1:a|b|c 2:1|x\ny|z 4:2|| ", "UTF-8", ';'},
    {"spaces are kept", BYTES("a;b;c\n 1 ; x y ;\n"), "1:a|b|c 2: 1 | x y | ", "UTF-8", ';'},
    {"a stray quote", BYTES("a;b;c\n 1 ; \" ;\n"), "file_quote 11 2", NULL, 0},
    {"an open quote", BYTES("a;b;c\n1;\"x;y\n"), "file_quote 13 2", NULL, 0},
    {"no bytes", BYTES(""), "", "UTF-8", '\t'},
    {"a NUL", BYTES("a\tb\n1\t\0\n"), "file_nul 6 2", NULL, 0},
    {"a control character", BYTES("a\tb\n1\x07\n"), "file_control 5 2", NULL, 0},
    {"a C1 control character", BYTES("a\tb\n1\xC2\x85\n"), "file_control 5 2", NULL, 0},
    {"broken UTF-8", BYTES("áéí\tb\n\xFFx\n"), "file_undecodable 9 2", NULL, 0},
    {"broken UTF-8 after a mark", BYTES("\xEF\xBB\xBF\xFFx\n"), "file_undecodable 3 1", NULL, 0},
    {"not in windows-1252", BYTES("\xC1rea\tb\n\x81\n"), "file_undecodable 7 2", NULL, 0},
    {"half a UTF-16 character", BYTES("\xFF\xFE\x00\xD8\t\0"), "file_undecodable 2 1", NULL, 0},
    {"too large", BYTES("0123456789012345678901234567890123456789012345678901234567890123456789"),
     "file_too_large 64 1", NULL, 0},
};

static void describe(const struct grid *grid, char *to, size_t size)
{
    FILE *out = fmemopen(to, size, "w");
    for (size_t i = 0; i < grid->n; i++) {
        fprintf(out, "%d:", grid->rows[i].line);
        for (size_t j = 0; j < grid->rows[i].n; j++)
            fprintf(out, "%s%s", j ? "|" : "", grid->rows[i].cells[j]);
        fputc(' ', out);
    }
    fputc('\0', out);
    fclose(out);
}

static void files_become_these_cells(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct grid_file *file = NULL;
        struct grid_fault fault = {0};
        char got[256] = "";
        print_message("%s\n", files[i].name);
        int done = grid_read(files[i].bytes, files[i].size, 64, &file, &fault);
        assert_int_equal(done, files[i].encoding ? 0 : -1);
        if (done) {
            snprintf(got, sizeof got, "%s %zu %d", fault.code, fault.offset, fault.line);
            assert_null(file);
        } else {
            describe(&file->grid, got, sizeof got);
            assert_string_equal(file->grid.encoding, files[i].encoding);
            assert_int_equal(file->delimiter, files[i].delimiter);
        }
        assert_string_equal(got, files[i].cells);
        grid_free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_become_these_cells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
