#include "client/lib/grid.h"

#include <csv.h>
#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* A file on its way to a grid. */
struct reading {
    const char *bytes; /* as given */
    size_t size, bom;
    const char *encoding;
    char *text; /* as UTF-8 with \n line ends */
    size_t n;
    struct grid_file *file;
    struct grid_fault *fault;
};

static int refuse(struct reading *r, const char *code, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset && i < r->size; i++)
        line += r->bytes[i] == '\n';
    *r->fault = (struct grid_fault){code, offset, line};
    return -1;
}

/* --- bytes to UTF-8 --- */

static const struct {
    const char *mark, *encoding;
    size_t n;
} marks[] = {{"\xEF\xBB\xBF", "UTF-8", 3}, {"\xFF\xFE", "UTF-16LE", 2}, {"\xFE\xFF", "UTF-16BE", 2}};

/* Whether well-formed characters beyond ASCII outnumber stray bytes: then it is UTF-8 with a fault, else an eight-bit
 * encoding. */
static bool mostly_utf8(const uint8_t *at, size_t n)
{
    size_t good = 0, stray = 0;
    for (size_t i = 0; i < n;) {
        ucs4_t c;
        int length = u8_mbtoucr(&c, at + i, n - i);
        good += length > 1;
        stray += length < 0;
        i += length > 0 ? (size_t)length : 1;
    }
    return good > stray;
}

static int detect(struct reading *r)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (r->size >= marks[i].n && !memcmp(r->bytes, marks[i].mark, marks[i].n)) {
            r->bom = marks[i].n;
            r->encoding = marks[i].encoding;
        }
    }
    if (r->encoding && strcmp(r->encoding, "UTF-8") != 0)
        return 0;
    const uint8_t *start = (const uint8_t *)r->bytes + r->bom, *bad = u8_check(start, r->size - r->bom);
    if (bad && (r->bom || mostly_utf8(start, r->size)))
        return refuse(r, "file_undecodable", (size_t)(bad - (const uint8_t *)r->bytes));
    r->encoding = bad ? "windows-1252" : "UTF-8";
    return 0;
}

static int convert(struct reading *r)
{
    size_t left = r->size - r->bom, room = left * 3; /* the worst: two bytes of UTF-16 or one of 1252 become three */
    char *from = (char *)r->bytes + r->bom, *to = r->text;
    iconv_t cd = iconv_open("UTF-8", r->encoding);
    if (cd == (iconv_t)-1) // NOLINT(performance-no-int-to-ptr)
        return refuse(r, "file_undecodable", 0);
    size_t done = iconv(cd, &from, &left, &to, &room);
    iconv_close(cd);
    r->n = (size_t)(to - r->text);
    return done == (size_t)-1 ? refuse(r, "file_undecodable", (size_t)(from - r->bytes)) : 0;
}

static int decode(struct reading *r)
{
    if (detect(r))
        return -1;
    r->text = calloc((r->size - r->bom) * 3 + 2, 1);
    if (!r->text)
        return refuse(r, "no_memory", 0);
    if (strcmp(r->encoding, "UTF-8") != 0)
        return convert(r);
    r->n = r->size - r->bom;
    memcpy(r->text, r->bytes + r->bom, r->n);
    return 0;
}

/* Line ends become \n; what no cell may hold is refused. Offsets are those of the text: the same as the file's in
 * UTF-8. */
static int clean(struct reading *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        unsigned char c = (unsigned char)r->text[i];
        if (c == '\r' && i + 1 < r->n && r->text[i + 1] == '\n')
            continue;
        c = c == '\r' ? '\n' : c;
        bool c1 = c == 0xc2 && (unsigned char)r->text[i + 1] < 0xa0; /* the text is followed by room */
        if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f || c1)
            return refuse(r, c ? "file_control" : "file_nul", r->bom + i);
        r->text[n++] = (char)c;
    }
    r->text[n] = '\0';
    r->n = n;
    return 0;
}

/* --- text to cells --- */

static size_t count(const struct reading *r, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += r->text[i] == c;
    return n;
}

static int reserve(struct reading *r)
{
    size_t rows = count(r, '\n') + 1, cells = rows + count(r, r->file->delimiter);
    r->file->text = malloc(r->n + cells + 1);
    r->file->cells = malloc(cells * sizeof *r->file->cells);
    r->file->rows = malloc(rows * sizeof *r->file->rows);
    return r->file->text && r->file->cells && r->file->rows ? 0 : refuse(r, "no_memory", 0);
}

/* Writes cells and rows one after the other; their room was counted before. */
struct writer {
    struct grid_file *file;
    char *text;
    const char **cell;
    int line;
    bool open; /* a row has begun */
};

static void write_cell(void *bytes, size_t n, void *writer)
{
    struct writer *w = writer;
    struct grid_row *row = &w->file->rows[w->file->grid.n];
    if (!w->open)
        *row = (struct grid_row){w->line, 0, w->cell};
    w->open = true;
    *w->cell++ = w->text;
    row->n++;
    for (size_t i = 0; i < n; i++)
        w->line += ((const char *)bytes)[i] == '\n';
    if (n)
        memcpy(w->text, bytes, n);
    w->text += n;
    *w->text++ = '\0';
}

static void write_row(int end, void *writer)
{
    struct writer *w = writer;
    (void)end;
    w->file->grid.n += w->open;
    w->open = false;
    w->line++;
}

/* Quotes mean nothing here: a stray one is text. */
static int read_tsv(struct reading *r, struct writer *w)
{
    for (char *line = r->text, *end = r->text + r->n; line < end;) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop ? stop : end;
        for (char *cell = line; cell <= stop;) {
            char *tab = memchr(cell, '\t', (size_t)(stop - cell));
            tab = tab ? tab : stop;
            write_cell(cell, (size_t)(tab - cell), w);
            cell = tab + 1;
        }
        write_row('\n', w);
        line = stop + 1;
    }
    return 0;
}

static int is_space(unsigned char c)
{
    (void)c; /* no cell is trimmed */
    return 0;
}

static int read_csv(struct reading *r, struct writer *w)
{
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL))
        return refuse(r, "no_memory", 0);
    csv_set_delim(&parser, (unsigned char)r->file->delimiter);
    csv_set_space_func(&parser, is_space);
    size_t done = csv_parse(&parser, r->text, r->n, write_cell, write_row, w);
    bool ok = done == r->n && csv_fini(&parser, write_cell, write_row, w) == 0;
    int error = csv_error(&parser);
    csv_free(&parser);
    if (ok)
        return 0;
    *r->fault = (struct grid_fault){error == CSV_ENOMEM ? "no_memory" : "file_quote", r->bom + done, w->line};
    return -1;
}

/* The first line that holds one of them at least twice decides: titles do not, and headings are not prose. */
static char find_delimiter(const struct reading *r)
{
    static const char candidates[] = "\t;,";
    size_t seen[3] = {0};
    for (size_t i = 0; i <= r->n; i++) {
        const char *which = i < r->n && r->text[i] != '\n' ? strchr(candidates, r->text[i]) : NULL;
        if (which)
            seen[which - candidates]++;
        if (i < r->n && r->text[i] != '\n')
            continue;
        size_t best = seen[1] > seen[0] ? 1 : 0;
        best = seen[2] > seen[best] ? 2 : best;
        if (seen[best] > 1)
            return candidates[best];
        memset(seen, 0, sizeof seen);
    }
    return '\t';
}

static int read_text(struct reading *r)
{
    if (decode(r) || clean(r))
        return -1;
    r->file->grid.encoding = r->encoding;
    r->file->delimiter = find_delimiter(r);
    if (reserve(r))
        return -1;
    struct writer w = {r->file, r->file->text, r->file->cells, 1, false};
    r->file->grid.rows = r->file->rows;
    return r->file->delimiter == '\t' ? read_tsv(r, &w) : read_csv(r, &w);
}

/* What a file begins with says how it is read; the last row takes the rest. */
static const struct {
    const char *magic;
    int (*read)(struct reading *r);
} formats[] = {{"", read_text}};

int grid_read(const void *bytes, size_t size, size_t limit, struct grid_file **ret, struct grid_fault *fault)
{
    struct reading r = {.bytes = bytes, .size = size, .fault = fault, .file = calloc(1, sizeof *r.file)};
    if (!r.file)
        return refuse(&r, "no_memory", 0);
    int done = size > limit ? refuse(&r, "file_too_large", 0) : -1;
    for (size_t i = 0; size <= limit && i < sizeof formats / sizeof *formats; i++) {
        size_t n = strlen(formats[i].magic);
        if (size < n || memcmp(bytes, formats[i].magic, n) != 0)
            continue;
        done = formats[i].read(&r);
        break;
    }
    if (size > limit)
        fault->offset = limit;
    free(r.text);
    if (done)
        grid_free(r.file);
    else
        *ret = r.file;
    return done;
}

void grid_free(struct grid_file *file)
{
    if (!file)
        return;
    free(file->text);
    free(file->cells);
    free(file->rows);
    free(file);
}
