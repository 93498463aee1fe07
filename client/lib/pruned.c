#include "client/lib/pruned.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct pruned *p)
{
    size_t room = p->room ? 2 * p->room : 64;
    void *runs = p->n < p->room ? p->runs : realloc(p->runs, room * sizeof *p->runs);
    if (!runs)
        return false;
    p->room = p->n < p->room ? p->room : room;
    p->runs = runs;
    return true;
}

bool pruned_add(struct pruned *p, uint64_t leaf)
{
    if (p->n && p->runs[p->n - 1][1] + 1 == leaf) {
        p->runs[p->n - 1][1] = leaf;
        return true;
    }
    if (!make_room(p))
        return false;
    p->runs[p->n][0] = p->runs[p->n][1] = leaf;
    p->n++;
    return true;
}

/* Takes the leaves from first to last out of run i. False: out of memory. */
static bool cut(struct pruned *p, size_t i, uint64_t first, uint64_t last)
{
    uint64_t from = p->runs[i][0], to = p->runs[i][1];
    size_t behind = p->n - i - 1;
    if (first < from)
        first = from;
    if (last > to)
        last = to;
    p->entries += last - first + 1;
    if (from < first && last < to) {
        if (!make_room(p))
            return false;
        memmove(p->runs + i + 2, p->runs + i + 1, behind * sizeof *p->runs);
        p->n++;
        p->runs[i][1] = first - 1;
        p->runs[i + 1][0] = last + 1;
        p->runs[i + 1][1] = to;
    } else if (from < first) {
        p->runs[i][1] = first - 1;
    } else if (last < to) {
        p->runs[i][0] = last + 1;
    } else {
        memmove(p->runs + i, p->runs + i + 1, behind * sizeof *p->runs);
        p->n--;
    }
    return true;
}

bool pruned_settle(struct pruned *p, const char *after, size_t size)
{
    json_t *root = json_loadb(after, size, 0, NULL), *leaves = json_object_get(root, "leaves"), *pair;
    size_t at;
    bool ok = json_is_array(leaves);
    json_array_foreach(leaves, at, pair)
    {
        json_int_t first = json_integer_value(json_array_get(pair, 0)),
                   last = json_integer_value(json_array_get(pair, 1));
        ok = ok && first >= 0 && last >= first;
        for (size_t i = p->n;
             ok && i-- > 0 && p->runs[i][1] >= (uint64_t)first;) /* backwards: a cut moves what follows */
            if (p->runs[i][0] <= (uint64_t)last)
                ok = cut(p, i, (uint64_t)first, (uint64_t)last);
    }
    json_decref(root);
    return ok;
}

void pruned_free(struct pruned *p)
{
    free(p->runs);
    *p = (struct pruned){.entries = p->entries};
}
