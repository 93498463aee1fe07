/* kept - requests on disk, so that they can be asked again: in PROFILE.d, because the server remembers request ids per key.
 *
 * Each is a file for its owner only, named by when it was asked and its id, and is on disk when kept_store returns. What
 * is returned is freed with mejora__kept__free_unpacked or mejora__kept_list__free_unpacked. */
#pragma once

#include "client/cli/cli.h"
#include "kept.pb-c.h"

enum kept_place { KEPT_PENDING };

/* An operation whose answer only the process that asked can use is not kept: it made the keys the request names. */
bool kept_wanted(const struct op *op);

/* A request with an id of its own, not stored yet. NULL: out of memory. */
Mejora__Kept *kept_new(const struct cli *cli, const struct op *op, const char *ref, const ProtobufCMessage *request);
bool kept_store(const struct cli *cli, enum kept_place place, const Mejora__Kept *k); /* false: errno */
void kept_drop(const struct cli *cli, enum kept_place place, const Mejora__Kept *k);

Mejora__KeptList *kept_list(const struct cli *cli, enum kept_place place); /* the oldest first */
Mejora__Kept *kept_find(const Mejora__KeptList *list, const char *id);     /* or how it begins; said why not */
void kept_show(const struct cli *cli, const Mejora__KeptList *list, const char *columns);

/* Sends it with its own id. NULL: no answer, or one that has no words; *ret says. */
json_t *kept_send(struct cli *cli, const Mejora__Kept *k, struct answer *ret);
bool kept_may_send(const struct cli *cli, const Mejora__Kept *k); /* said why not */

/* retry.c: shows the answer as the command would have; the exit code. */
int kept_report(struct cli *cli, const Mejora__Kept *k, const struct answer *a, json_t *reply);
