#include "server/call.h"

#include <string.h>

static char *keep(struct call *c, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = arena_alloc(&c->arena, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void call_refuse(struct call *c, Mejora__Outcome outcome, const char *error, const char *arg)
{
    c->outcome = outcome;
    c->error = error;
    c->n_args = 0;
    zmq_msg_close(&c->body);
    zmq_msg_init(&c->body);
    c->args = arg ? arena_alloc(&c->arena, sizeof *c->args) : NULL;
    if (c->args && (*c->args = keep(c, arg)))
        c->n_args = 1;
}

bool call_answer_alike(struct call *c, const struct call *same)
{
    c->outcome = same->outcome;
    c->error = same->error ? keep(c, same->error) : NULL;
    c->args = arena_alloc(&c->arena, (same->n_args + 1) * sizeof *c->args);
    bool ok = c->args && !same->error == !c->error;
    for (c->n_args = 0; ok && c->n_args < same->n_args; c->n_args += ok)
        ok = (c->args[c->n_args] = keep(c, same->args[c->n_args]));
    return ok && !zmq_msg_copy(&c->body, (zmq_msg_t *)(uintptr_t)&same->body);
}

bool call_is_refused(const struct call *c)
{
    return c->only_note && c->outcome != MEJORA__OUTCOME__OUTCOME_OK;
}
