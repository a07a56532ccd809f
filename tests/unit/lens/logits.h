/* logits.h - the functions of dist.h of whole rows of logits: the exponentials, and the sums over them. */
#ifndef LL_TEST_LOGITS_H
#define LL_TEST_LOGITS_H
#include "dist.h"

#include <math.h>
#include <stdlib.h>

static inline double logits_lse(const float *z, int n)
{
    double max = -INFINITY, sum = 0;
    for (int v = 0; v < n; v++)
        max = (double)z[v] > max ? (double)z[v] : max;
    for (int v = 0; v < n; v++)
        sum += ll_exp((double)z[v] - max);
    return max + ll_log(sum);
}

/* All probabilities; w.w is the caller's to free. */
static inline struct ll_weights logits_weights(const float *z, double lse, int n)
{
    double *p = malloc(sizeof *p * (size_t)n);
    for (int v = 0; p && v < n; v++)
        p[v] = ll_exp((double)z[v] - lse);
    return (struct ll_weights){z, lse, p, 1};
}

static inline double logits_entropy_bits(const float *z, int n, double lse)
{
    struct ll_weights w = logits_weights(z, lse, n);
    double bits = ll_dist_bits(-ll_dist_weighted(w.w, z, 1, NULL, lse, n));
    free((void *)(uintptr_t)w.w);
    return bits;
}

static inline double logits_js_bits(const struct ll_vec *vec, const float *a, double lse_a, const float *b,
                                    double lse_b, int n)
{
    struct ll_weights wa = logits_weights(a, lse_a, n), wb = logits_weights(b, lse_b, n);
    double bits = ll_dist_weights_js_bits(vec, &wa, &wb, n);
    free((void *)(uintptr_t)wa.w);
    free((void *)(uintptr_t)wb.w);
    return bits;
}

static inline double logits_l1(const float *a, double lse_a, const float *b, double lse_b, int n)
{
    struct ll_weights wa = logits_weights(a, lse_a, n), wb = logits_weights(b, lse_b, n);
    double sum = ll_dist_weights_l1(&wa, &wb, n);
    free((void *)(uintptr_t)wa.w);
    free((void *)(uintptr_t)wb.w);
    return sum;
}

/* 1 + ids with a strictly greater logit. */
static inline int logits_rank(const float *z, int n, int id)
{
    int rank = 1;
    for (int v = 0; v < n; v++)
        rank += z[v] > z[id];
    return rank;
}
#endif
