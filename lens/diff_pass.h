/* diff_pass.h - two models' unembeddings walked together: how far apart the next-token distributions of row
 * pairs are.
 *
 * Row i of A and row i of B (the same prompt, position and lens row) meet in the same tile of the vocabulary;
 * three running sums a pair are kept, never the distributions. Their log-sum-exps are known from each model's
 * own head pass (head_pass.h), so that p and q are probabilities from the first tile on. Formulas:
 * divergence.h.
 *
 * Pairs go in blocks of fixed size, the vocabulary in slabs of fixed width; each pair belongs to one thread,
 * which adds its tiles in rising order. So no bit depends on threads, on the batch or on row mates. */
#ifndef LL_DIFF_PASS_H
#define LL_DIFF_PASS_H
#include "divergence.h"
#include "head_pass.h"

struct ll_diff_side {
    const struct ll_model *model;   /* both sides: the same d_vocab; widths may differ */
    const struct ll_head_row *rows; /* [n] residuals with their lens rows */
    const struct ll_head_out *out;  /* [n] lse of each, from ll_head_pass */
};
struct ll_diff_pass {
    struct ll_diff_side a, b;
    int n; /* pairs */
    struct ll_engine *engine;
    enum ll_lens_kind lens;
    struct ll_divergence *out;                                    /* [n] */
    void (*progress)(void *arg, long long done, long long total); /* pairs x vocabulary; may be NULL */
    void *progress_arg;
};
/* Returns LL_OK, LL_EUSAGE (vocabularies of different size) or LL_EFAIL (memory). */
int ll_diff_pass(const struct ll_diff_pass *job, struct ll_err *err);

/* cos(a, b) and |b - a| / |a| of two residual rows; sums in double by the engine's fixed order. Both are NaN
 * where a norm is 0; equal rows give exactly 1 and 0. */
void ll_resid_compare(const struct ll_vec *vec, const float *a, const float *b, int d, double *cosine,
                      double *rel_err);
#endif
