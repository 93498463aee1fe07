#include "client/cli/view.h"

#include "common/json.h"
#include "common/message.h"

#include <csv.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unictype.h>
#include <unistd.h>
#include <unistr.h>
#include <uniwidth.h>

typedef struct libscols_table table;

static const struct heading {
    const char *field, *text;
} headings[] = {
#define HEADING(field, text) {#field, text},
#define LABEL(label, word, symbol, color)
#include "client/cli/words.def"
#undef HEADING
#undef LABEL
};

static const struct label {
    const char *label, *word, *symbol, *color;
} labels[] = {
#define HEADING(field, text)
#define LABEL(label, word, symbol, color) {#label, word, symbol, color},
#include "client/cli/words.def"
#undef HEADING
#undef LABEL
};

bool format_find(const char *name, enum format *ret)
{
    static const char *const names[] = {"table", "json", "csv", "tsv"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) {
            *ret = (enum format)i;
            return true;
        }
    return false;
}

const char *view_heading(const char *field)
{
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        if (!strcmp(headings[i].field, field))
            return gettext(headings[i].text);
    return field;
}

static const struct label *label_find(const char *label)
{
    for (size_t i = 0; label && i < sizeof labels / sizeof *labels; i++)
        if (!strcmp(labels[i].label, label))
            return &labels[i];
    return NULL;
}

const char *view_label(const char *label)
{
    const struct label *l = label_find(label);
    return l ? gettext(l->word) : label;
}

/* ---- values ---- */

char *view_safe(const char *text)
{
    const uint32_t hidden = UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp;
    char *ret = NULL;
    size_t size;
    FILE *out = open_memstream(&ret, &size);
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    while (out && left) {
        ucs4_t c;
        int n = u8_mbtouc(&c, at, left);
        if (uc_is_general_category_withtable(c, hidden))
            fprintf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
        else
            fwrite(at, 1, (size_t)n, out);
        at += n;
        left -= (size_t)n;
    }
    if (out)
        fclose(out);
    return ret;
}

char *view_time(const char *iso)
{
    int64_t usecs;
    char text[32];
    struct tm tm;
    if (!json_time_read(iso, &usecs))
        return strdup(iso);
    time_t seconds = (time_t)(usecs / 1000000);
    localtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%F %H:%M", &tm);
    return strdup(text);
}

static const ProtobufCFieldDescriptor *main_field(const ProtobufCMessageDescriptor *type)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_STRING)
            return &type->fields[i];
    return &type->fields[0];
}

/* The text that stands for one value in CSV and TSV: as in JSON, without its quotes. */
static void put_raw(FILE *out, const ProtobufCFieldDescriptor *f, json_t *value)
{
    json_t *element;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, element)
        {
            fputs(i ? "; " : "", out);
            put_raw(out, f, element);
        }
    } else if (json_is_object(value)) {
        const ProtobufCFieldDescriptor *first = main_field(f->descriptor);
        put_raw(out, first, json_object_get(value, first->name));
    } else if (json_is_string(value)) {
        fputs(json_string_value(value), out);
    } else if (value) {
        json_dumpf(value, out, JSON_ENCODE_ANY);
    }
}

static char *raw(const ProtobufCFieldDescriptor *f, json_t *value)
{
    char *ret = NULL;
    size_t size;
    FILE *out = open_memstream(&ret, &size);
    put_raw(out, f, value);
    fclose(out);
    return ret;
}

static char *label_text(json_t *value)
{
    const struct label *l = label_find(json_string_value(value));
    char *ret = NULL;
    if (!l)
        return view_safe(json_is_string(value) ? json_string_value(value) : "?");
    int size =
        l->symbol ? asprintf(&ret, "%s %s", l->symbol, gettext(l->word)) : asprintf(&ret, "%s", gettext(l->word));
    return size < 0 ? NULL : ret;
}

static char *labels_text(json_t *list)
{
    char *ret = NULL;
    size_t size, i;
    json_t *value;
    FILE *out = open_memstream(&ret, &size);
    json_array_foreach(list, i, value)
    {
        fprintf(out, "%s%s", i ? ", " : "", view_label(json_string_value(value)));
    }
    fclose(out);
    return ret;
}

static bool is_empty(json_t *value)
{
    return !value || (json_is_array(value) && !json_array_size(value)) ||
           (json_is_object(value) && !json_object_size(value));
}

static bool is_percent(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_INT32 && (!strcmp(f->name, "percent") || !strcmp(f->name, "was"));
}

static bool is_kept_years(const ProtobufCFieldDescriptor *f)
{
    return !strcmp(f->name, "years");
}

/* An empty cell would leave open what it means. */
static const char *nothing(const ProtobufCFieldDescriptor *f)
{
    if (is_percent(f))
        return _("not reported");
    if (!strcmp(f->name, "owners"))
        return _("nobody");
    if (is_kept_years(f))
        return _("for ever");
    return "–";
}

char *view_value(const ProtobufCFieldDescriptor *f, json_t *value)
{
    char *text = NULL;
    if (is_empty(value))
        return strdup(nothing(f));
    if (f->type == PROTOBUF_C_TYPE_ENUM)
        return json_is_array(value) ? labels_text(value) : label_text(value);
    if (json_is_time(f))
        return view_time(json_string_value(value));
    if (!strcmp(f->name, "field"))
        return strdup(view_heading(json_string_value(value)));
    if (!strcmp(f->name, "role"))
        return strdup(view_label(json_string_value(value)));
    if (f->type == PROTOBUF_C_TYPE_BOOL)
        return strdup(json_is_true(value) ? _("yes") : _("no"));
    if (is_percent(f))
        return asprintf(&text, "%" JSON_INTEGER_FORMAT " %%", json_integer_value(value)) < 0 ? NULL : text;
    char *plain = raw(f, value);
    text = view_safe(plain);
    free(plain);
    return text;
}

/* ---- JSON ---- */

void view_json(json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    bool tty = isatty(STDOUT_FILENO);
    for (char *line = text, *end; line && *line; line = end) { /* by lines: the newlines between values are ours */
        end = line + strcspn(line, "\n");
        bool more = *end == '\n';
        *end = '\0';
        char *shown = tty ? view_safe(line) : NULL;
        puts(shown ? shown : line);
        free(shown);
        end += more;
    }
    free(text);
}

/* ---- CSV and TSV ---- */

struct sheet {
    enum format format;
    bool first; /* cell of its line */
};

static void put_cell(struct sheet *s, const char *text, bool typed)
{
    if (!s->first)
        putchar(s->format == FORMAT_CSV ? ',' : '\t');
    s->first = false;
    if (s->format == FORMAT_TSV) {
        for (; *text; text++)
            fputs(*text == '\t'   ? "\\t"
                  : *text == '\n' ? "\\n"
                  : *text == '\\' ? "\\\\"
                                  : (char[]){*text, '\0'},
                  stdout);
        return;
    }
    char *guarded = NULL;
    if (typed && strchr("=+-@\t\r", *text) && *text && asprintf(&guarded, "'%s", text) >= 0)
        text = guarded; /* a spreadsheet would run it as a formula */
    csv_fwrite(stdout, text, strlen(text));
    free(guarded);
}

/* The header when row is NULL. A message inside is flattened: versions.text */
static void put_columns(struct sheet *s, const ProtobufCMessageDescriptor *type, const char *prefix, json_t *row,
                        bool header)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        json_t *value = json_object_get(row, f->name);
        char name[160];
        snprintf(name, sizeof name, "%s%s", prefix, f->name);
        if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->label != PROTOBUF_C_LABEL_REPEATED) {
            snprintf(name, sizeof name, "%s%s.", prefix, f->name);
            put_columns(s, f->descriptor, name, value, header);
        } else if (header) {
            put_cell(s, name, false);
        } else {
            char *text = raw(f, value);
            put_cell(s, text, f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE);
            free(text);
        }
    }
}

static void put_line(struct sheet *s, const ProtobufCMessageDescriptor *type, json_t *row, bool header)
{
    s->first = true;
    put_columns(s, type, "", row, header);
    fputs(s->format == FORMAT_CSV ? "\r\n" : "\n", stdout);
}

void view_line(enum format format, const ProtobufCMessageDescriptor *type, json_t *row)
{
    struct sheet s = {format, true};
    char *text = format == FORMAT_JSON ? json_dumps(row, JSON_COMPACT) : NULL;
    char *safe = text && isatty(STDOUT_FILENO) ? view_safe(text) : NULL;
    if (text)
        puts(safe ? safe : text);
    else
        put_line(&s, type, row, !row);
    free(safe);
    free(text);
}

/* The list that the reply is about: the first it has. */
static const ProtobufCFieldDescriptor *list_of(const ProtobufCMessageDescriptor *type)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE && type->fields[i].label == PROTOBUF_C_LABEL_REPEATED)
            return &type->fields[i];
    return NULL;
}

static void view_sheet(enum format format, const ProtobufCMessageDescriptor *type, json_t *reply)
{
    const ProtobufCFieldDescriptor *list = list_of(type);
    struct sheet s = {format, true};
    struct stat st;
    json_t *row;
    size_t i;
    if (format == FORMAT_CSV && !fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode))
        fputs("\xef\xbb\xbf", stdout); /* Excel takes a file without it for Windows-1252; pipes want none */
    put_line(&s, list ? list->descriptor : type, NULL, true);
    if (!list)
        put_line(&s, type, reply, false);
    json_array_foreach(json_object_get(reply, list ? list->name : ""), i, row)
        put_line(&s, list->descriptor, row, false);
}

/* ---- tables ---- */

static bool has_color(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static table *table_begin(void)
{
    static bool ready;
    if (!ready)
        scols_init_debug(0);
    ready = true;
    table *t = scols_new_table();
    scols_table_enable_noheadings(t, true);
    scols_table_enable_colors(t, has_color());
    scols_table_set_column_separator(t, "  ");
    if (!isatty(STDOUT_FILENO))
        scols_table_set_termforce(t, SCOLS_TERMFORCE_NEVER); /* nothing is cut for a pipe */
    return t;
}

static void table_end(table *t)
{
    fflush(stdout);
    scols_print_table(t);
    scols_unref_table(t);
}

size_t view_columns(const char *text)
{
    return (size_t)u8_strwidth((const uint8_t *)text, "UTF-8");
}

/* A word, which ends anywhere where no line holds it. The column behind it. */
static size_t put_word(FILE *out, const char *word, size_t size, size_t column, size_t width)
{
    ucs4_t c;
    for (size_t i = 0, n; i < size; i += n) {
        n = (size_t)u8_mbtouc(&c, (const uint8_t *)word + i, size - i);
        size_t takes = (size_t)u8_width((const uint8_t *)word + i, n, "UTF-8");
        if (column && column + takes > width) {
            fputc('\n', out);
            column = 0;
        }
        fwrite(word + i, 1, n, out);
        column += takes;
    }
    return column;
}

char *view_wrap(char *text, size_t width)
{
    size_t column = 0, at = 0, spaces, size;
    char *ret = NULL;
    FILE *out = text && width ? open_memstream(&ret, &size) : NULL;
    while (out && text[at]) {
        at += spaces = strspn(text + at, " ");
        size_t word = strcspn(text + at, " \n");
        size_t takes = (size_t)u8_width((const uint8_t *)text + at, word, "UTF-8");
        if (column && column + spaces + takes > width) {
            fputc('\n', out);
            column = spaces = 0;
        }
        fprintf(out, "%*s", word ? (int)spaces : 0, ""); /* no line ends with one */
        column = put_word(out, text + at, word, column + spaces, width);
        at += word;
        if (text[at] == '\n') {
            fputc(text[at++], out);
            column = 0;
        }
    }
    if (!out)
        return text;
    fclose(out);
    free(text);
    return ret;
}

/* Its beginning, and that there is more. Takes the text. */
static char *cut(char *text, size_t width)
{
    size_t at = 0, column = 0, n;
    ucs4_t c;
    char *ret = NULL;
    if (!text || !width || view_columns(text) <= width)
        return text;
    for (size_t size = strlen(text); at < size; at += n) {
        n = (size_t)u8_mbtouc(&c, (const uint8_t *)text + at, size - at);
        column += (size_t)u8_width((const uint8_t *)text + at, n, "UTF-8");
        if (column >= width)
            break;
    }
    while (at && text[at - 1] == ' ')
        at--;
    if (asprintf(&ret, "%.*s…", (int)at, text) < 0)
        return text;
    free(text);
    return ret;
}

static void add_column(table *t, const char *heading, int flags)
{
    struct libscols_column *column = scols_table_new_column(t, heading, 0, flags);
    if (flags & SCOLS_FL_WRAP) {
        scols_column_set_safechars(column, "\n");
        scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
    }
}

static bool is_number(const ProtobufCFieldDescriptor *f)
{
    return f->label != PROTOBUF_C_LABEL_REPEATED && !json_is_time(f) && strcmp(f->name, "rule") != 0 && /* in words */
           (f->type == PROTOBUF_C_TYPE_INT32 || f->type == PROTOBUF_C_TYPE_INT64 || f->type == PROTOBUF_C_TYPE_UINT32);
}

/* What a column does where a line is too long. */
enum give {
    STAYS,
    WRAPS, /* over several lines */
    CUT,   /* `show` has it whole */
};

static enum give give_of(const ProtobufCFieldDescriptor *f)
{
    static const char *const stay[] = {"ref",      "code",       "id",     "date", "due_on",
                                       "end_date", "start_date", "person", "who",  "last_day"};
    static const char *const beginnings[] = {"objective", "action", "actions", "what"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (!is_number(f) && !strcmp(f->name, beginnings[i]))
            return CUT;
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        if (!strcmp(f->name, stay[i]))
            return STAYS;
    return (is_number(f) && !is_percent(f)) || f->type == PROTOBUF_C_TYPE_BOOL ? STAYS : WRAPS;
}

/* Where it goes over several lines a symbol stays with its word. */
static char *cell_text(const ProtobufCFieldDescriptor *f, json_t *value, size_t room)
{
    char *text = view_value(f, value), *ret = NULL;
    const struct label *l = f->type == PROTOBUF_C_TYPE_ENUM ? label_find(json_string_value(value)) : NULL;
    if (!l || !l->symbol || !room || view_columns(text) <= room ||
        asprintf(&ret, "%s\u00a0%s", l->symbol, gettext(l->word)) < 0)
        return text;
    free(text);
    return ret;
}

/* room: the width its lines may have; 0: any. */
static void set_cell(struct libscols_line *line, size_t i, const ProtobufCFieldDescriptor *f, json_t *value,
                     size_t room, enum give give)
{
    char *text = cell_text(f, value, room);
    scols_line_refer_data(line, i, give == CUT ? cut(text, room) : view_wrap(text, room)); /* which takes it */
    const struct label *l = f->type == PROTOBUF_C_TYPE_ENUM ? label_find(json_string_value(value)) : NULL;
    if (l && l->color)
        scols_cell_set_color(scols_line_get_cell(line, i), l->color);
}

enum { MAX_COLUMNS = 24 };

static size_t pick(const ProtobufCMessageDescriptor *type, const char *names,
                   const ProtobufCFieldDescriptor *ret[MAX_COLUMNS])
{
    size_t n = 0;
    char *copy = strdup(names), *rest;
    for (char *name = strtok_r(copy, " ", &rest); name && n < MAX_COLUMNS; name = strtok_r(NULL, " ", &rest))
        if ((ret[n] = protobuf_c_message_descriptor_get_field_by_name(type, name)))
            n++;
    free(copy);
    return n;
}

size_t view_width(FILE *out)
{
    struct winsize size;
    return ioctl(fileno(out), TIOCGWINSZ, &size) < 0 ? 0 : size.ws_col;
}

static size_t more(size_t a, size_t b)
{
    return a > b ? a - b : 1;
}

static void view_form(const ProtobufCMessageDescriptor *type, json_t *object, const char *columns)
{
    const ProtobufCFieldDescriptor *fields[MAX_COLUMNS];
    size_t n = pick(type, columns, fields), widest = 0;
    table *t = table_begin();
    add_column(t, "", 0);
    add_column(t, "", SCOLS_FL_WRAP);
    for (size_t i = 0; i < n; i++) {
        json_t *value = json_object_get(object, fields[i]->name);
        if (is_empty(value) && !is_percent(fields[i]) && !is_kept_years(fields[i]))
            fields[i] = NULL;
        else if (view_columns(view_heading(fields[i]->name)) > widest)
            widest = view_columns(view_heading(fields[i]->name));
    }
    for (size_t i = 0; i < n; i++) {
        if (!fields[i])
            continue;
        struct libscols_line *line = scols_table_new_line(t, NULL);
        scols_line_set_data(line, 0, view_heading(fields[i]->name));
        set_cell(line, 1, fields[i], json_object_get(object, fields[i]->name),
                 view_width(stdout) ? more(view_width(stdout), widest + 2) : 0, WRAPS);
    }
    table_end(t);
}

struct column {
    const ProtobufCFieldDescriptor *field;
    enum give give;
    size_t width, least, room; /* what it takes, may take, and is given; room 0: any */
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t longest_word(const char *text)
{
    size_t longest = 0;
    for (size_t at = 0, size; text[at]; at += size + (text[at + size] == ' ')) {
        size = strcspn(text + at, " ");
        size_t columns = (size_t)u8_width((const uint8_t *)text + at, size, "UTF-8");
        longest = larger(longest, columns);
    }
    return longest;
}

/* False: nothing stands in it. */
static bool measure(struct column *c, const ProtobufCFieldDescriptor *f, json_t *rows)
{
    enum { LEAST = 8, WORD = 13 };
    const char *heading = view_heading(f->name);
    bool any = is_percent(f);
    size_t i;
    json_t *row;
    *c = (struct column){f, give_of(f), 0, LEAST, 0};
    json_array_foreach(rows, i, row)
    {
        json_t *value = json_object_get(row, f->name);
        char *text = cell_text(f, value, LEAST);
        size_t width = text ? view_columns(text) : 0, word = text && c->give == WRAPS ? longest_word(text) : 0;
        any = any || !(is_empty(value) || json_is_false(value));
        c->width = larger(c->width, width);
        c->least = larger(c->least, word);
        free(text);
    }
    c->least = larger(c->give == STAYS ? c->width : c->least > WORD ? WORD : c->least, longest_word(heading));
    c->width = larger(c->width, view_columns(heading));
    c->least = c->least < c->width ? c->least : c->width;
    return any;
}

static struct column *narrowest(struct column columns[], size_t n)
{
    struct column *ret = NULL;
    for (struct column *c = columns; c < columns + n; c++)
        if (c->give != STAYS && c->room < c->width && (!ret || c->room < ret->room))
            ret = c;
    return ret;
}

/* Where a terminal's line is short every column begins with the least, and what is left goes to the narrowest, until it
 * needs no more. False: the line is too short for that. */
static bool fits(struct column columns[], size_t n)
{
    size_t width = view_width(stdout), all = 2 * (n - 1), least = all;
    struct column *c;
    for (c = columns; c < columns + n; c++) {
        all += c->width;
        least += c->least;
    }
    for (c = columns; c < columns + n; c++)
        c->room = !width ? 0 : all <= width ? c->width : c->least; /* nothing is cut for a pipe */
    for (; all > width && least < width && (c = narrowest(columns, n)); least++)
        c->room++;
    return !width || all <= width || least <= width;
}

/* Headings are a line as any other: they too may take several. */
static void put_headings(table *t, const struct column columns[], size_t n)
{
    struct libscols_line *line = scols_table_new_line(t, NULL);
    for (size_t i = 0; i < n; i++) {
        char *heading = view_wrap(strdup(view_heading(columns[i].field->name)), columns[i].room);
        scols_line_set_data(line, i, heading);
        free(heading);
    }
}

static void view_lines(struct column columns[], size_t n, json_t *rows)
{
    json_t *row;
    size_t i;
    table *t = table_begin();
    scols_table_set_termforce(t, SCOLS_TERMFORCE_NEVER); /* it is laid out already */
    for (size_t c = 0; c < n; c++)
        add_column(t, "", SCOLS_FL_WRAP | (is_number(columns[c].field) ? SCOLS_FL_RIGHT : 0));
    put_headings(t, columns, n);
    json_array_foreach(rows, i, row)
    {
        struct libscols_line *line = scols_table_new_line(t, NULL);
        for (size_t c = 0; c < n; c++)
            set_cell(line, c, columns[c].field, json_object_get(row, columns[c].field->name), columns[c].room,
                     columns[c].give);
    }
    table_end(t);
}

static void view_list(const ProtobufCMessageDescriptor *type, json_t *rows, const char *names)
{
    const ProtobufCFieldDescriptor *fields[MAX_COLUMNS];
    struct column columns[MAX_COLUMNS];
    size_t picked = pick(type, names, fields), n = 0, i;
    json_t *row;
    for (i = 0; i < picked; i++)
        n += measure(&columns[n], fields[i], rows);
    if (n && fits(columns, n)) {
        view_lines(columns, n, rows);
        return;
    }
    json_array_foreach(rows, i, row) /* too narrow: one below the other */
    {
        if (i)
            puts("");
        view_form(type, row, names);
    }
}

static bool has_any(const ProtobufCMessageDescriptor *type, json_t *object, const char *columns)
{
    const ProtobufCFieldDescriptor *fields[MAX_COLUMNS];
    bool ret = false;
    for (size_t i = pick(type, columns, fields); i-- > 0;)
        ret = ret || !is_empty(json_object_get(object, fields[i]->name));
    return ret;
}

static void view_section(const ProtobufCMessageDescriptor *type, json_t *reply, const char *name, const char *columns,
                         bool titled)
{
    if (!strcmp(name, ".")) {
        if (titled && has_any(type, reply, columns))
            puts("");
        view_form(type, reply, columns);
        return;
    }
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(type, name);
    json_t *value = json_object_get(reply, name);
    if (titled && is_empty(value))
        return;
    if (titled)
        printf("\n%s\n", view_heading(name));
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        view_list(f->descriptor, value, columns);
    else
        view_form(f->descriptor, value, columns);
    if (!titled && f->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = json_array_size(value);
        fflush(stdout);
        fprintf(stderr, ngettext("%zu row\n", "%zu rows\n", count), count);
    }
}

static void view_tables(const ProtobufCMessageDescriptor *type, json_t *reply, const char *columns)
{
    char *copy = strdup(columns), *rest;
    bool titled = false;
    for (char *section = strtok_r(copy, ";", &rest); section; section = strtok_r(NULL, ";", &rest), titled = true) {
        char *name = section + strspn(section, " "), *colon = strchr(name, ':');
        *colon = '\0';
        view_section(type, reply, name, colon + 1, titled);
    }
    free(copy);
}

void view_reply(enum format format, const ProtobufCMessageDescriptor *type, json_t *reply, const char *columns)
{
    if (format == FORMAT_JSON || (format == FORMAT_TABLE && !columns))
        view_json(reply);
    else if (format == FORMAT_TABLE)
        view_tables(type, reply, columns);
    else
        view_sheet(format, type, reply);
}
