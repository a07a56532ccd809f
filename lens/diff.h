/* diff.h - the same prompts through two models of one vocabulary, lens row against lens row.
 *
 * What a quantised checkpoint does to its original, or a fine-tune to its base, layer by layer. Each batch
 * goes through A, then through B; their residual rows are compared where the widths agree, and their
 * next-token distributions meet in one walk over both unembeddings (diff_pass.h). Weights stay mapped; only
 * the residuals of a batch and a few numbers a row are held. Models of different depth have no rows in common
 * but the output, which is then the only row.
 *
 * Per row and position, a and b the residuals, p and q the distributions the lens reads from them:
 *     kl_a_to_b_bits = sum p log2(p/q)     what it costs to take B's word where A is right
 *     kl_b_to_a_bits = sum q log2(q/p)
 *     js_bits        = (KL(p||m) + KL(q||m)) / 2, m = (p+q)/2: 0..1
 *     entropy_a_bits, entropy_b_bits
 *     top1_flip      the most likely token differs (ties to the lower id)
 *     top5_jaccard   of the sets of the five most likely tokens
 *     resid_cos      cos(a, b);   resid_rel_err = |b - a| / |a|;   NaN where widths differ or a norm is 0
 * A model against itself gives 0, 0, 0, no flip, 1, 1, 0 exactly. No bit depends on threads or batches. */
#ifndef LL_DIFF_H
#define LL_DIFF_H
#include "diff_pass.h"
#include "sweep.h"

enum { LL_DIFF_TOP = 5 };

struct ll_diff_row {
    struct ll_divergence div;
    double entropy_bits[2]; /* of A, of B */
    int n_top;              /* LL_DIFF_TOP, or the vocabulary when that is smaller */
    int top_id[2][LL_DIFF_TOP];
    double top_p[2][LL_DIFF_TOP];
    int flip;
    double top5_jaccard, resid_cos, resid_rel_err;
};

struct ll_diff_result {
    int prompt;                     /* index into prompts */
    int n_rows;                     /* n_layers + 1; 1: the output only */
    int n_pos, pos0;                /* positions pos0 .. pos0 + n_pos - 1 */
    const struct ll_diff_row *rows; /* [n_rows, n_pos] */
};

struct ll_diff {
    const struct ll_model *a, *b;
    struct ll_engine *engine;
    enum ll_lens_kind lens;
    const struct ll_sweep_prompt *prompts;
    int n_prompts;           /* ids and want (all or last position) are read */
    long long memory_budget; /* bytes for a batch; 0: a quarter of what is free */
    int (*result)(void *arg, const struct ll_diff_result *r,
                  struct ll_err *err); /* in prompt order; a code ends the run */
    void *result_arg;
    void (*progress)(void *arg, double done); /* 0..1; may be NULL */
    void *progress_arg;
};
/* Lens rows the two have in common: n_layers + 1, or 1 (the output) when they differ in depth. */
int ll_diff_rows(const struct ll_model *a, const struct ll_model *b);
/* Returns LL_OK; LL_EUSAGE (vocabularies of different size, an empty prompt, an id outside); LL_ECHECK when a
 * last row is not its model's own output; what forward pass, head pass or `result` returned; LL_EFAIL
 * (memory). */
int ll_diff_run(const struct ll_diff *d, struct ll_err *err);
#endif
