/* kept - requests on disk, so that they can be asked again: in PROFILE.d, because the server remembers request ids per key.
 *
 * Each is a file for its owner only, named by when it was asked and its id, and is on disk when kept_store returns. What
 * is returned is freed with mejora__kept__free_unpacked or mejora__kept_list__free_unpacked. */
#pragma once

#include "client/cli/cli.h"
#include "kept.pb-c.h"

enum kept_place { KEPT_PENDING, KEPT_QUEUE, KEPT_CONFLICT };

/* An operation whose answer only the process that asked can use is not kept: it made the keys the request names. */
bool kept_wanted(const struct op *op);

/* A request with an id of its own, not stored yet. NULL: out of memory. */
Mejora__Kept *kept_new(const struct cli *cli, const struct op *op, const char *ref, const ProtobufCMessage *request);
Mejora__Kept *kept_with(Mejora__Kept *k, json_t *more); /* takes k and gives it with more fields; NULL: they are none */
bool kept_store(const struct cli *cli, enum kept_place place, const Mejora__Kept *k); /* false: errno */
bool kept_append(const struct cli *cli, enum kept_place place, Mejora__Kept *k);      /* the same, behind all others */
void kept_drop(const struct cli *cli, enum kept_place place, const char *name);

Mejora__KeptList *kept_list(const struct cli *cli, enum kept_place place); /* the oldest first */
Mejora__Kept *kept_find(const Mejora__KeptList *list, const char *id);     /* or how it begins; said why not */
int kept_lock(const struct cli *cli, enum kept_place place);               /* close it; -1: somebody else has it */

/* Commands: a list, or what to say when there is none; one named by the argument ID, to be dropped when act is NULL. */
int kept_show_all(struct cli *cli, enum kept_place place, const char *columns, const char *none);
int kept_named(struct cli *cli, enum kept_place place, void (*act)(struct cli *cli, Mejora__Kept *k));
void kept_show(enum format format, Mejora__Kept *k, const char *columns);

int64_t kept_now(void); /* microseconds since 1970 */

/* Sends it with its own id. NULL: no answer, or one that has no words; *ret says. */
json_t *kept_send(struct cli *cli, const Mejora__Kept *k, struct answer *ret);
bool kept_may_send(const struct cli *cli, const Mejora__Kept *k); /* said why not */

/* What an answer says about a request whose earlier fate is not known: one that the server gives before it looks for that
 * says nothing. */
bool kept_is_settled(const struct answer *a);
bool kept_is_open(const struct answer *a);      /* sent, and done or not */
bool kept_is_unreached(const struct answer *a); /* nobody there who could do it now */

void kept_hint(const struct op *op, const struct answer *a); /* how to go on when it is open */

/* queue.c: puts it into the queue and sends that if others wait before it; cli->queued is the exit code. False: errno */
bool queue_add(struct cli *cli, Mejora__Kept *k, bool sent);
bool queue_waits(const struct cli *cli);

/* retry.c: shows the answer as the command would have; the exit code. */
int kept_report(struct cli *cli, const Mejora__Kept *k, const struct answer *a, json_t *reply);
