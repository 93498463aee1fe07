#include "server/call.h"

#include <string.h>

void call_refuse(struct call *c, Mejora__Outcome outcome, const char *error, const char *arg)
{
    c->outcome = outcome;
    c->error = error;
    c->n_args = 0;
    zmq_msg_close(&c->body);
    zmq_msg_init(&c->body);
    if (!arg)
        return;
    size_t size = strlen(arg) + 1;
    c->args = arena_alloc(&c->arena, sizeof *c->args);
    char *copy = arena_alloc(&c->arena, size);
    if (c->args && copy) {
        *c->args = memcpy(copy, arg, size);
        c->n_args = 1;
    }
}
