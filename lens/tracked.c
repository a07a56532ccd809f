/* tracked.c - see tracked.h */
#include "tracked.h"

#include <stdlib.h>
#include <string.h>

void ll_tracked_free(struct ll_tracked_set *f)
{
    for (int i = 0; i < f->n; i++)
        free(f->v[i].ids);
    free(f->v);
    memset(f, 0, sizeof *f);
}

const char *ll_tracked_spelling(const struct ll_tracked *v)
{
    return !strcmp(v->variant, "with_space") ? "with the space"
        : !strcmp(v->variant, "no_space")    ? "without the space"
                                             : "as given";
}

int ll_tracked_slot(int tracked[LL_MAX_TRACKED], int *n, int id)
{
    for (int i = 0; i < *n; i++)
        if (tracked[i] == id)
            return i;
    if (*n == LL_MAX_TRACKED)
        return -1;
    tracked[*n] = id;
    return (*n)++;
}
