/* Any bytes as what PostgreSQL sends for a reply, or keeps of an earlier one, read by the descriptors of any operation. Whatever
 * is taken can be packed, and what was packed can be read.
 *
 * The first byte chooses the row of ops.def, the second which SQL type a field has where several are possible.
 * With REPLAY defined the program reads the corpus instead, as an ordinary test. */
#include "common/op.h"
#include "tests/fuzz/codecs.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { BUDGET = 1 << 20, DEPTH = 4 };

static bool taken[OPS]; /* whether any input was a good one for the row */

/* Messages nest, but never within themselves: DEPTH is more than there is. */
static struct shape *shape_of(const ProtobufCMessageDescriptor *type, unsigned choice, struct arena *mem, int depth)
{
    struct shape *s = depth ? arena_alloc(mem, sizeof *s) : NULL;
    if (!s || type->n_fields > MAX_COLUMNS)
        abort();
    *s = (struct shape){.type = type, .n = (int)type->n_fields};
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        bool message = f->type == PROTOBUF_C_TYPE_MESSAGE;
        s->columns[i] = (struct column){.field = f, .codec = message ? NULL : some_codec(f, choice >> i % 8)};
        s->columns[i].message = message ? shape_of(f->descriptor, choice, mem, depth - 1) : NULL;
    }
    return s;
}

static void pack_again(const ProtobufCMessage *reply)
{
    size_t size = protobuf_c_message_get_packed_size(reply);
    uint8_t *packed = malloc(size + 1);
    if (!packed || protobuf_c_message_pack(reply, packed) != size)
        abort();
    ProtobufCMessage *again = protobuf_c_message_unpack(reply->descriptor, NULL, size, packed);
    if (!again)
        abort();
    protobuf_c_message_free_unpacked(again, NULL);
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena mem, shapes;
    if (size < 2)
        return 0;
    const struct op *op = &ops[bytes[0] % OPS];
    arena_init(&mem, BUDGET);
    arena_init(&shapes, BUDGET);
    struct shape *shape = shape_of(op->reply, bytes[1], &shapes, DEPTH);
    ProtobufCMessage *reply = arena_alloc(&mem, op->reply->sizeof_message);
    if (!reply)
        abort();
    protobuf_c_message_init(op->reply, reply);
    bool good = shape_read(shape, (struct slice){bytes + 2, (int)(size - 2)}, reply, &mem);
    if (good)
        pack_again(reply);
    taken[op - ops] |= good;
    arena_free(&shapes);
    arena_free(&mem);
    return 0;
}

#ifdef REPLAY
#include "tests/fuzz/replay.h"
#endif
