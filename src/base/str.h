/* str.h - small questions about strings. */
#ifndef LL_STR_H
#define LL_STR_H

/* Has s these bytes at its end? An s that is no longer than end has not: a file's name is more than its
 * ending. */
int ll_ends_with(const char *s, const char *end);
/* For qsort over char *: by bytes. */
int ll_compare_strings(const void *a, const void *b);
#endif
