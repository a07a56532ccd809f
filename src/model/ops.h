/* ops.h - norms, activations and the head's tail: what happens to rows between products. */
#ifndef LL_OPS_H
#define LL_OPS_H
#include "model.h"

/* n rows of `width` floats, `ld` floats from the start of one to that of the next. */
struct ll_rows {
    float *x; /* borrowed */
    int n, width;
    long ld;
};
/* Rows that lie without gaps. */
static inline struct ll_rows ll_rows(float *x, int n, int width)
{
    return (struct ll_rows){x, n, width, width};
}

/* One row of norm->d values by the norm's own kind; y may be x. Returns its scale (rms or std).
 * RMS norm: y = x / rms * w, rms = sqrt(mean(x^2) + eps): the statistic in double by the engine's fixed
 * order, 1/rms rounded to float once, then (x * 1/rms) * w in float.
 * Layer norm (Ba et al. 2016): y = (x - mean) / std * w + b, std = sqrt(var + eps), var the population
 * variance (divided by d) of x - mean: mean and var in double, 16 chains by index mod 16, folded +8, +4, +2,
 * +1; (x - mean) / std in double, rounded to float once, then * w and + b in float.
 * w NULL: gain 1; b NULL: none. */
float ll_norm_row(const struct ll_vec *vec, const struct ll_norm *norm, const float *x, float *y);
/* y = norm(x) row by row, the scale of each row into scale [n] (NULL: not wanted); y may be x; all
 * threads. */
void ll_norm_rows(struct ll_engine *eng, const struct ll_norm *norm, struct ll_rows x, struct ll_rows y,
                  float *scale);
/* x <- act(x), n values. */
void ll_activate(const struct ll_vec *vec, enum ll_act act, float *x, size_t n);
/* Head tail on the raw products W_U . normed of one row for words v0..v0+n: + b_U, times the logit
 * multiplier, soft cap, in place and in this order, where the model has them. Its own logits and every lens
 * row go through this one function. */
void ll_head_tail(const struct ll_model *m, const struct ll_vec *vec, float *logits, int v0, int n);
/* The bare tail: + b_U alone. ll_head_transforms: 1 when the model has a multiplier or a soft cap, so that
 * the two differ. */
void ll_head_tail_bare(const struct ll_model *m, const struct ll_vec *vec, float *logits, int v0, int n);
int ll_head_transforms(const struct ll_model *m);
#endif
