/* view - shows a reply: as JSON whole, as CSV or TSV every field of its list, as tables the columns a command names.
 *
 * What other people typed cannot move the cursor or turn the writing round: it is escaped on its way to a table or
 * terminal. */
#pragma once

#include "common/op.h"

#include <jansson.h>
#include <stdio.h>

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_TSV };

bool format_find(const char *name, enum format *ret);

/* `columns` is what tables show: "actions: ref objective; total: done", sections by field of the reply, "." the reply
 * itself. */
void view_reply(enum format format, const ProtobufCMessageDescriptor *type, json_t *reply, const char *columns);
void view_json(json_t *value);

/* A stream's line: a row of CSV or TSV (row NULL: the header), a JSON object in one line otherwise. */
void view_line(enum format format, const ProtobufCMessageDescriptor *type, json_t *row);

/* With newlines where lines of a width should end: between words, within one that no line holds. Takes the text; the caller
 * frees what it gives. width 0: any. */
char *view_wrap(char *text, size_t width);
size_t view_width(FILE *out);          /* of the terminal's line; 0: no terminal */
size_t view_columns(const char *text); /* what a text takes of it */

/* One field's value for a person; the caller frees it. */
char *view_value(const ProtobufCFieldDescriptor *f, json_t *value);

const char *view_heading(const char *field);
const char *view_label(const char *label); /* itself when there is no word for it */
char *view_safe(const char *text);         /* with control and invisible characters as \uXXXX; the caller frees it */
char *view_time(const char *iso);          /* in the person's time zone, to the minute; the caller frees it */
