/* tensor_stats.h - what a block of numbers looks like: the summary every diagnostic prints
 * (docs/diagnostics.md 1.3).
 *
 * rms = sqrt(mean x^2), std about the mean (divided by N), L2 = sqrt(sum x^2); minimum, maximum and magnitude
 * are those of the finite values; NaN and infinities are counted, never skipped silently. Sums are double, in
 * rising order. */
#ifndef LL_TENSOR_STATS_H
#define LL_TENSOR_STATS_H
#include <stddef.h>
#include <stdint.h>

struct ll_tensor_stats {
    int64_t n;                                                /* values seen */
    int64_t n_nan, n_pos_inf, n_neg_inf, n_subnormal, n_zero; /* -0 counts as zero */
    int64_t first_bad; /* index of the first NaN or infinity, -1: none */
    double min, max;   /* signed, of the finite values; 0 when there are none */
    double max_abs;
    int64_t max_abs_at;
    double sum, sum_sq; /* of the finite values */
};
void ll_tensor_stats_init(struct ll_tensor_stats *s);
/* Go on with n more values; indices count from the values seen so far. */
void ll_tensor_stats_add(struct ll_tensor_stats *s, const float *x, size_t n);
/* b's values follow a's. */
void ll_tensor_stats_merge(struct ll_tensor_stats *a, const struct ll_tensor_stats *b);
double ll_tensor_mean(const struct ll_tensor_stats *s);
double ll_tensor_rms(const struct ll_tensor_stats *s);
double ll_tensor_std(const struct ll_tensor_stats *s);
double ll_tensor_l2(const struct ll_tensor_stats *s);
#endif
