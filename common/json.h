/* json - a protobuf message as JSON and JSON as a message, by descriptors alone.
 *
 * JSON speaks the protocol's names: enums are their labels ("overdue"), bytes are hex, times (int64 fields called at,
 * now,
 * *_at or *_until) are ISO 8601 in UTC, absent fields are absent, repeated fields are always there. The caller owns
 * what is returned. Nothing is shared between threads. */
#pragma once

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

enum { JSON_TIME = 32 };

json_t *json_from_message(const ProtobufCMessage *m); /* NULL: out of memory, or text that is not UTF-8 */

/* What was wrong, for words: the field (a path such as rows.cells) and a value of its kind that would be accepted. */
struct json_fault {
    char field[128];
    char accepted[256];
};

/* Free with protobuf_c_message_free_unpacked(m, NULL). NULL: *fault says why. */
ProtobufCMessage *json_to_message(json_t *object, const ProtobufCMessageDescriptor *type, struct json_fault *fault);

/* "75", "overdue", "yes" or (for messages) JSON text as the JSON value that such a field takes. NULL: *fault says why.
 */
json_t *json_from_text(const char *text, const ProtobufCFieldDescriptor *f, struct json_fault *fault);

bool json_is_time(const ProtobufCFieldDescriptor *f);
const char *json_time(int64_t usecs, char ret[JSON_TIME]); /* 2026-11-21T02:26:34.123456Z */
bool json_time_read(const char *text, int64_t *ret_usecs); /* that, with or without the fraction */
