/* tensor_stats.c - see tensor_stats.h */
#include "tensor_stats.h"

#include <math.h>
#include <string.h>

void ll_tensor_stats_init(struct ll_tensor_stats *s)
{
    memset(s, 0, sizeof *s);
    s->first_bad = s->max_abs_at = -1;
}

static int64_t n_finite(const struct ll_tensor_stats *s)
{
    return s->n - s->n_nan - s->n_pos_inf - s->n_neg_inf;
}

void ll_tensor_stats_add(struct ll_tensor_stats *s, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double v = (double)x[i];
        int64_t at = s->n + (int64_t)i;
        if (!isfinite(x[i])) {
            *(isnan(x[i]) ? &s->n_nan : x[i] > 0 ? &s->n_pos_inf : &s->n_neg_inf) += 1;
            s->first_bad = s->first_bad < 0 ? at : s->first_bad;
            continue;
        }
        s->n_zero += x[i] == 0;
        s->n_subnormal += fpclassify(x[i]) == FP_SUBNORMAL;
        if (s->max_abs_at < 0) {
            s->min = s->max = v;
            s->max_abs = fabs(v);
            s->max_abs_at = at;
        }
        s->min = v < s->min ? v : s->min;
        s->max = v > s->max ? v : s->max;
        if (fabs(v) > s->max_abs) {
            s->max_abs = fabs(v);
            s->max_abs_at = at;
        }
        s->sum += v;
        s->sum_sq += v * v;
    }
    s->n += (int64_t)n;
}

void ll_tensor_stats_merge(struct ll_tensor_stats *a, const struct ll_tensor_stats *b)
{
    if (b->first_bad >= 0 && a->first_bad < 0)
        a->first_bad = a->n + b->first_bad;
    if (b->max_abs_at >= 0) {
        int is_first = a->max_abs_at < 0;
        a->min = is_first || b->min < a->min ? b->min : a->min;
        a->max = is_first || b->max > a->max ? b->max : a->max;
        if (is_first || b->max_abs > a->max_abs) {
            a->max_abs = b->max_abs;
            a->max_abs_at = a->n + b->max_abs_at;
        }
    }
    a->n_nan += b->n_nan;
    a->n_pos_inf += b->n_pos_inf;
    a->n_neg_inf += b->n_neg_inf;
    a->n_subnormal += b->n_subnormal;
    a->n_zero += b->n_zero;
    a->sum += b->sum;
    a->sum_sq += b->sum_sq;
    a->n += b->n;
}

double ll_tensor_mean(const struct ll_tensor_stats *s)
{
    return n_finite(s) ? s->sum / (double)n_finite(s) : 0;
}
double ll_tensor_rms(const struct ll_tensor_stats *s)
{
    return n_finite(s) ? sqrt(s->sum_sq / (double)n_finite(s)) : 0;
}
double ll_tensor_l2(const struct ll_tensor_stats *s) { return sqrt(s->sum_sq); }

double ll_tensor_std(const struct ll_tensor_stats *s)
{
    double mean = ll_tensor_mean(s), var = n_finite(s) ? s->sum_sq / (double)n_finite(s) - mean * mean : 0;
    return var > 0 ? sqrt(var) : 0;
}
