/* lines.h - memory that begins at a cache line and fills whole ones. */
#ifndef LL_LINES_H
#define LL_LINES_H
#include <stddef.h>

/* At least `bytes` bytes at a multiple of 64; released by free(). NULL: no memory. */
void *ll_lines_alloc(size_t bytes);
#endif
