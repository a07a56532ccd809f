/* divergence.h - how far apart two next-token distributions are, for every caller by the same code: the terms
 * of src/engine/divergence_impl.h, which keep their digits down to a KL of 1e-11, added tile by tile of the
 * vocabulary in rising order. So no bit depends on how the rows were grouped or on how much of the vocabulary
 * was at hand at once. In bits, with p and q the two distributions and m = (p + q) / 2:
 *     KL(a || b) = sum p log2(p / q);  JS = (KL(p || m) + KL(q || m)) / 2, the same both ways round
 * Source: Kullback & Leibler 1951; Lin 1991. */
#ifndef LL_DIVERGENCE_H
#define LL_DIVERGENCE_H
#include "engine.h"

struct ll_divergence {
    double kl_ab_bits, kl_ba_bits, js_bits;
};
/* Add the sums of n logits of each to *sum, in natural log. a and b begin at a multiple of LL_WALK_TILE of
 * the vocabulary; only the last call of a row may have an n that is none. lse_a, lse_b: of the whole rows. */
void ll_divergence_add(const struct ll_tile_ops *ops, const float *a, double lse_a, const float *b,
                       double lse_b, int n, struct ll_divergence *sum);
/* All tiles are in: to bits. JS is at most 1 and exactly 0 for equal rows. */
void ll_divergence_finish(struct ll_divergence *sum);
/* JS alone, with the same bits: the next sum of a row that begins with 0, and its bits at the end. */
double ll_js_add(const struct ll_tile_ops *ops, double sum, const float *a, double lse_a, const float *b,
                 double lse_b, int n);
double ll_js_bits(double sum);
#endif
