/* width.h - terminal columns of text, the same on every machine (no locale). */
#ifndef LL_WIDTH_H
#define LL_WIDTH_H
#include <stddef.h>
#include <stdint.h>

int ll_cp_width(uint32_t cp); /* 0 for combining marks, 2 for East Asian wide forms and emoji, else 1 */
int ll_text_width(const char *s, size_t n); /* n bytes of UTF-8; an ill-formed part counts 1 */
#endif
