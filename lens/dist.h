/* dist.h - how spread, how far apart, how much alike: functions of plain vectors, with known answers
 * (docs/experiment.md 4).
 *
 * z, a, b: logits [n]; lse: natural log of the sum of their exponentials; p = e^(z - lse). Sums are
 * double, in rising order of the index; exp and log are the engine's. -inf is probability 0 and counts
 * nothing; NaN and +inf give NaN. Divergences are clamped at 0 and exactly 0 for equal vectors.
 *
 * The sources add 1e-30 inside every logarithm. Here it is left out: it moves an entropy by less than n 1e-30
 * / ln 2, and a divergence by more than that only where b gives less than about 1e-15 to something that a
 * gives weight; there the sources' figure is cut off at 69 nats a term, ours is the divergence itself
 * (infinite where b is 0 and a is not). */
#ifndef LL_DIST_H
#define LL_DIST_H
#include "engine.h"
#include "topk.h"

#define LL_BITS_PER_NAT 1.4426950408889634074 /* 1 / ln 2 */

double ll_dist_kl_bits(const float *a, double lse_a, const float *b, double lse_b, int n); /* KL(a || b) */
/* Cosine of a - bias and b - bias; bias NULL: none. Denominators + 1e-12; NAN when not finite. */
double ll_dist_cosine_without(const float *a, const float *b, const float *bias, int n);
double ll_topk_jaccard(const struct ll_hit *a, int n_a, const struct ll_hit *b, int n_b,
                       int k); /* ids of the first k; both empty: 1 */
double ll_spearman(const double *x, const double *y,
                   int n); /* Pearson correlation of average ranks; NAN for n < 2 or a constant list */

/* ---- the sums behind them, for a caller that keeps the exponentials (reading.c) -------------- */

/* p[v] = w[v] / sum = e^(z[v] - lse); all borrowed. */
struct ll_weights {
    const float *z;
    double lse;
    const double *w;
    double sum;
};
/* sum w (beta z - b - shift) where w > 0; b NULL: 0. */
double ll_dist_weighted(const double *w, const float *z, double beta, const float *b, double shift, int n);
double ll_dist_weights_l1(const struct ll_weights *a, const struct ll_weights *b, int n); /* 0..2 */
/* Jensen-Shannon, 0..1. */
double ll_dist_weights_js_bits(const struct ll_vec *vec, const struct ll_weights *a,
                               const struct ll_weights *b, int n);
/* nats to bits, at least 0; NaN stays. */
double ll_dist_bits(double nats);
#endif
