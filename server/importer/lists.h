/* lists - cells that hold more than one thing: values between separators, numbered tasks, marked-up text. */
#pragma once

#include "server/importer/notes.h"

/* The text without paired tags (<b>, <i>, **, …); the same pointer when it has none. Others stay: they are text.
 * *ret_bold is the first bold run, or NULL. */
const char *markup_strip(struct import *im, const char *text, const char **ret_bold);

/* A record's text without markup, with a note if there was any. */
const char *text_read(struct import *im, const struct record *record, enum field field, const char **ret_bold);

/* The parts of a text between separators, trimmed, empty ones left out. */
json_t *list_split(struct import *im, const struct record *record, enum field field, const char *text,
                   const char *separator);

/* "1. One 2. Two 3.Three" → tasks with their own and their printed numbers. */
json_t *tasks_read(struct import *im, const struct record *record, const char *text);

json_t *resources_read(struct import *im, const struct record *record);
bool resource_known(const char *folded);
