/* copy_mask.h - the vocabulary ids that copy detection leaves out: white space and punctuation only
 * (docs/experiment.md 5.1). */
#ifndef LL_COPY_MASK_H
#define LL_COPY_MASK_H
#include "buf.h"
#include "token.h"

enum { LL_COPY_MASK_SAMPLE = 16 };
struct ll_copy_mask {
    struct ll_ids ids;   /* owned */
    struct ll_buf texts; /* of the first of them, one after the other: at[i] .. at[i + 1]; owned */
    size_t at[LL_COPY_MASK_SAMPLE + 1];
    int n_sample;
};
/* Those of ids 0..n-1 (n: rows of the unembedding) whose text is blank by ll_text_is_blank (metrics.h). An id
 * that the vocabulary does not have, such as the padding of Qwen3's 151669 entries to 151936, has no text and
 * counts, as in the original. LL_OK or LL_EFAIL (memory); free with ll_copy_mask_free, also after a failure.
 */
int ll_copy_mask_of(struct ll_copy_mask *m, const struct ll_tokenizer *tok, int n, struct ll_err *err);
void ll_copy_mask_free(struct ll_copy_mask *m); /* {0} is fine */
#endif
