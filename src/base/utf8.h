/* utf8.h - strict UTF-8: what Unicode 15 table 3-7 allows, nothing else (no overlong forms, no
 * surrogates). */
#ifndef LL_UTF8_H
#define LL_UTF8_H
#include "buf.h"

#include <stddef.h>
#include <stdint.h>

/* Length 1..4 of the well-formed sequence at s (n bytes left, n >= 1), its code point in *cp; 0 when
 * ill-formed, then *bad (may be NULL) is the length of the maximal ill-formed part to replace by one
 * U+FFFD. */
int ll_utf8_next(const char *s, size_t n, uint32_t *cp, int *bad);
/* Offset of the first ill-formed byte, or n when all is well. */
size_t ll_utf8_check(const char *s, size_t n);
/* Append s with every maximal ill-formed part, and every NUL, replaced by U+FFFD. */
void ll_utf8_clean(struct ll_buf *out, const char *s, size_t n);
/* Append one code point (<= 0x10FFFF). */
void ll_utf8_put(struct ll_buf *out, uint32_t cp);
#endif
