/* store - a private file of JSON, replaced as a whole. From any thread; two writers of one path: one of them wins. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* Mode 0600, on disk when this returns; missing directories are made, mode 0700. False: errno, and what was there
 * stays. */
bool store_json(const char *path, json_t *object, size_t flags);
