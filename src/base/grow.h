/* grow.h - lists that grow by doubling. */
#ifndef LL_GROW_H
#define LL_GROW_H
#include "fail.h"

#include <stddef.h>

/* A full list with room for more: *cap elements of `size` bytes become twice as many, or `first` where there
 * were none. Returns the list at its new place with *cap raised; what is new in it is not cleared. NULL: no
 * memory for `what`, *err filled in with LL_EFAIL, list and *cap as they were. */
void *ll_grow(void *list, size_t *cap, size_t size, size_t first, const char *what, struct ll_err *err);
/* The same for a list that counts in int. */
void *ll_grow_int(void *list, int *cap, size_t size, int first, const char *what, struct ll_err *err);
#endif
