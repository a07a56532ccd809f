/* grow.c - see grow.h */
#include "grow.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

void *ll_grow(void *list, size_t *cap, size_t size, size_t first, const char *what, struct ll_err *err)
{
    size_t more = *cap ? 2 * *cap : first;
    void *grown = more <= SIZE_MAX / size ? realloc(list, more * size) : NULL;
    if (!grown)
        return ll_fail_mem(err, what, more * size), NULL;
    *cap = more;
    return grown;
}

void *ll_grow_int(void *list, int *cap, size_t size, int first, const char *what, struct ll_err *err)
{
    size_t wide = (size_t)*cap;
    if (*cap > INT_MAX / 2)
        return ll_fail_mem(err, what, 2 * wide * size), NULL;
    void *grown = ll_grow(list, &wide, size, (size_t)first, what, err);
    *cap = (int)wide;
    return grown;
}
