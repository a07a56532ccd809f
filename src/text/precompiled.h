/* precompiled.h - the "Precompiled" normalizer: sentencepiece's table of replaced characters
 * (precompiled_charsmap).
 *
 * The table: a 32-bit size in bytes, a double-array trie of 32-bit units, then the replacements, each ended
 * by a NUL; all little-endian. Follows the crate spm_precompiled and tokenizers' normalizer: a grapheme of
 * fewer than six bytes is looked up first (the shortest prefix that is in the table replaces it whole), else
 * each of its characters. */
#ifndef LL_PRECOMPILED_H
#define LL_PRECOMPILED_H
#include "buf.h"
#include "fail.h"

/* Check the table: sizes fit, replacements are UTF-8. LL_EUSAGE if not. */
int ll_charsmap_check(const char *map, size_t n, struct ll_err *err);
/* Append s (valid UTF-8) with characters replaced. map: checked. */
int ll_charsmap_apply(const char *map, size_t map_n, const char *s, size_t n, struct ll_buf *out,
                      struct ll_err *err);
/* Append the bytes of a base64 text: 1, or 0 when the text is not base64. */
int ll_base64_decode(const char *s, size_t n, struct ll_buf *out);
void ll_base64_encode(const char *s, size_t n, struct ll_buf *out);
#endif
