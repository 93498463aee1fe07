/* message - words for people: the language they are shown in, and the words of every code that the server names.
 *
 * Texts are gettext msgids in English. The caller frees what is returned. message_language is for the start of a
 * program, before there are threads; the rest may be called from any. */
#pragma once

#include <libintl.h>
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#define _(text)  gettext(text)
#define N_(text) text

/* "es", "en", or NULL for the environment's; Spanish where that says nothing. Catalogues are read from `directory`, or
 * (NULL) from ../share/locale beside the program. Returns the language chosen. */
const char *message_language(const char *language, const char *directory);

/* The words for a code of messages.def with its arguments in place. An unknown code: itself and its arguments. */
char *message_text(const char *code, char *const args[], size_t n);

/* Every code there is, with its words in English; ends with code NULL. */
extern const struct message {
    const char *code, *text;
} messages[];

/* Fills `reason` in every message of the reply, at any depth, that has a code and arguments. */
void message_fill(ProtobufCMessage *reply);
