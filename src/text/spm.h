/* spm.h - the sentencepiece way of merging by score, as llama.cpp does it for GGUF's model "llama".
 *
 * A piece is cut into characters; then, among adjacent pairs whose joined text is in the vocabulary, the one
 * of the highest score, leftmost on ties, is joined, until none is left. There is no list of merges. What
 * ends up outside the vocabulary (single characters only) becomes byte tokens. Priority queue over linked
 * symbols: n log n. */
#ifndef LL_SPM_H
#define LL_SPM_H
#include "token.h"
#include "vocab.h"

#include <stdint.h>

struct ll_spm {
    const struct ll_vocab *vocab; /* borrowed */
    float *score;                 /* owned: [vocab->n_ids], none is NaN */
    size_t longest;               /* bytes of the longest token */
    int byte_id[256];             /* ids of <0x00>..<0xFF>, else of the byte itself, or -1 */
};

/* Scratch of one encoding; grows, reused from piece to piece. {0} is empty. */
struct ll_spm_work {
    struct ll_spm_symbol *sym;
    struct ll_spm_pair *heap;
    size_t cap;
};

/* To be called when vocabulary and scores are filled in. */
void ll_spm_ready(struct ll_spm *spm);
void ll_spm_free(struct ll_spm *spm);
/* Append the ids of one piece (valid UTF-8). LL_EUSAGE when a byte token is needed that is not there. */
int ll_spm_encode(const struct ll_spm *spm, struct ll_spm_work *work, const char *s, size_t n,
                  struct ll_ids *ids, struct ll_err *err);
void ll_spm_work_free(struct ll_spm_work *work);
#endif
