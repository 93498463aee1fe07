/* entry - an entry of the audit log as the bytes that are hashed, and as the JSON object that exports carry.
 *
 * docs/audit-log.md has the columns; every value is text, exactly as it was hashed, and what is absent is absent. The caller
 * owns what is returned. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

json_t *entry_read(const uint8_t *bytes, size_t size); /* NULL: not an entry of a version that we know */
uint8_t *entry_write(json_t *entry, size_t *ret_size); /* NULL: a column too many, or one that is not text */
