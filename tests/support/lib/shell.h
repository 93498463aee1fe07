/* shell - the command line as a person would run it, against a server of the test's own. */
#pragma once

#include "tests/support/lib/world.h"

enum { SAID = 512 };

/* A profile at path: the one with which the endpoint is reached with these keys. */
void profile_make(const struct mejorad *m, const char *endpoint, const struct keys *k, const char *path);

/* argv ends with NULL. The answer is the status that waitpid gives; ret has the last line of its standard output. */
int mejora_run(const char *fault_order, char ret[SAID], const char *const argv[]);
