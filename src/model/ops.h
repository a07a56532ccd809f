/* ops.h - the norms, and the head's tail: what happens to rows between products. */
#ifndef LL_OPS_H
#define LL_OPS_H
#include "model.h"

/* y = x / rms * w for one row of d values, rms = sqrt(mean(x^2) + eps): the statistic in double by the engine's fixed
 * order, 1/rms rounded to float once, then (x * 1/rms) * w in float. y may be x. w NULL: gain 1. Returns rms. */
float ll_rmsnorm(const struct ll_vec *vec, float *y, const float *x, const float *w, int d, float eps);
/* rows x [n, d] (stride ldx) -> y (stride ldy), rms of each row into scale (may be NULL); all threads. */
void ll_norm_rows(struct ll_engine *eng, const struct ll_norm *norm, const float *x, long ldx, int n, float *y, long ldy, float *scale);
/* Head tail on n raw products W_U . normed: family scale and soft cap, in place. The model's own logits and every lens
 * row go through this one function. */
void ll_head_tail(const struct ll_model *m, const struct ll_vec *vec, float *logits, size_t n);
#endif
