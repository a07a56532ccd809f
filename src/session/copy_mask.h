/* copy_mask.h - the vocabulary ids that copy detection leaves out: white space and punctuation only
 * (docs/experiment.md 5.1). */
#ifndef LL_COPY_MASK_H
#define LL_COPY_MASK_H
#include "token.h"

enum { LL_COPY_MASK_SAMPLE = 16 };
/* Append to ids those of 0..n-1 (n: rows of the unembedding) whose text is blank by ll_text_is_blank
 * (metrics.h). An id that the vocabulary does not have, such as the padding of Qwen3's 151669 entries to
 * 151936, has no text and counts, as in the original. Returns LL_OK or LL_EFAIL (memory). */
int ll_copy_mask(const struct ll_tokenizer *tok, int n, struct ll_ids *ids, struct ll_err *err);
#endif
