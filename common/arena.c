#include "common/arena.h"

#include <stdlib.h>

enum { CHUNK = 4096, ALIGN = _Alignof(max_align_t) };

struct chunk {
    struct chunk *older;
    size_t size;
    max_align_t mem[];
};

static void *protobuf_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void protobuf_free(void *arena, void *ptr)
{
    (void)arena; /* reset frees everything at once */
    (void)ptr;
}

void arena_init(struct arena *a, size_t budget)
{
    *a = (struct arena){.budget = budget, .protobuf = {protobuf_alloc, protobuf_free, a}};
}

static void use(struct arena *a, struct chunk *c)
{
    a->chunks = c;
    a->next = c ? (char *)c->mem : NULL;
    a->left = c ? c->size : 0;
}

void arena_reset(struct arena *a)
{
    struct chunk *c = a->chunks;
    while (c && c->older) {
        struct chunk *older = c->older;
        free(c);
        c = older;
    }
    use(a, c);
    a->spent = 0;
}

void arena_free(struct arena *a)
{
    arena_reset(a);
    free(a->chunks);
    use(a, NULL);
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > a->budget - a->spent)
        return NULL;
    size = ((size ? size : 1) + ALIGN - 1) / ALIGN * ALIGN;
    if (size > a->left) {
        size_t room = size > CHUNK ? size : CHUNK;
        struct chunk *c = malloc(sizeof *c + room);
        if (!c)
            return NULL;
        c->older = a->chunks;
        c->size = room;
        use(a, c);
    }
    void *mem = a->next;
    a->next += size;
    a->left -= size;
    a->spent = size > a->budget - a->spent ? a->budget : a->spent + size;
    return mem;
}
