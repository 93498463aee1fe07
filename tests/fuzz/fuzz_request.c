/* Any bytes as the body of any operation, through what the server itself does with them: decoded within the arena's budget,
 * checked, and turned into SQL values. Whatever the check lets pass can be packed again to the same size and become values.
 *
 * The first byte chooses the row of ops.def, the second which SQL type a field has where several are possible.
 * With REPLAY defined the program reads the corpus instead, as an ordinary test. */
#include "server/check.h"
#include "server/prepare.h"
#include "tests/fuzz/codecs.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { BUDGET = 4 << 20 };

static bool taken[OPS]; /* whether any input was a good one for the row */

/* As contract_check would make it. An operation that C prepares has its parameters from another message. */
static struct plan plan_of(const struct op *op, unsigned choice)
{
    struct plan p = {.op = op, .request = {.type = prepared_request(op)}};
    if (p.request.type == op->request)
        for (unsigned i = 0; i < op->request->n_fields; i++) {
            const ProtobufCFieldDescriptor *f = &op->request->fields[i];
            p.request.columns[p.request.n++] =
                (struct column){.field = f, .codec = some_codec(f, choice >> i % 8), .element = 25};
        }
    return p;
}

static void values_make(const struct plan *p, struct call *c, bool must)
{
    for (int i = 0; i < p->request.n && p->request.type == c->op->request; i++) {
        struct slice value = {0};
        bool made = column_put(&p->request.columns[i], c->request, &c->arena, &value);
        if ((must && !made) || value.size < 0)
            abort();
    }
}

/* Within so many bytes. True: it is a good request. */
static bool read_within(size_t budget, const struct plan *p, const uint8_t *bytes, size_t size)
{
    const char *field = NULL;
    struct call c = {.op = p->op};
    arena_init(&c.arena, budget);
    c.request = protobuf_c_message_unpack(c.op->request, &c.arena.protobuf, size, bytes);
    const char *error = c.request ? request_check(p, &c, size, &field) : "malformed";
    if (error && c.request && !field)
        abort();
    if (!error)
        values_make(p, &c, budget == BUDGET);
    arena_free(&c.arena);
    return !error;
}

/* Every piece of memory is once the first that is not there. */
static void starve(const struct plan *p, const uint8_t *bytes, size_t size)
{
    for (size_t budget = 1; budget < BUDGET && !read_within(budget, p, bytes, size); budget += budget / 8 + 1)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    struct plan p = plan_of(&ops[bytes[0] % OPS], bytes[1]);
    bool good = read_within(BUDGET, &p, bytes + 2, size - 2);
    if (good)
        starve(&p, bytes + 2, size - 2);
    taken[bytes[0] % OPS] |= good;
    return 0;
}

#ifdef REPLAY
#include "tests/fuzz/replay.h"
#endif
