/* str.h - small questions about strings. */
#ifndef LL_STR_H
#define LL_STR_H

/* 1 when s ends with these bytes and is longer than they are: ".json" alone is not the name of a JSON
 * file. */
int ll_ends_with(const char *s, const char *end);
/* For qsort over char *: by bytes. */
int ll_compare_strings(const void *a, const void *b);
#endif
