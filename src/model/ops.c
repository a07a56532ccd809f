/* ops.c - see ops.h. Zhang & Sennrich 2019 (RMSNorm); soft cap: Gemma 2 report. */
#include "ops.h"

#include <math.h>

float ll_rmsnorm(const struct ll_vec *vec, float *y, const float *x, const float *w, int d, float eps)
{
    double mean = vec->sum_sq(x, (size_t)d) / d;
    double rms = sqrt(mean + (double)eps); /* sqrt and / are exact to the bit everywhere (IEEE 754) */
    vec->scale(y, x, (size_t)d, (float)(1.0 / rms));
    if (w)
        vec->mul(y, y, w, (size_t)d);
    return (float)rms;
}

struct norm_job {
    const struct ll_vec *vec;
    const struct ll_norm *norm;
    const float *x;
    float *y, *scale;
    long ldx, ldy;
};

static void norm_some(void *arg, int row0, int row1)
{
    struct norm_job *j = arg;
    for (int r = row0; r < row1; r++) {
        float rms = ll_rmsnorm(j->vec, j->y + r * j->ldy, j->x + r * j->ldx, j->norm->w, j->norm->d, j->norm->eps);
        if (j->scale)
            j->scale[r] = rms;
    }
}

void ll_norm_rows(struct ll_engine *eng, const struct ll_norm *norm, const float *x, long ldx, int n, float *y, long ldy, float *scale)
{
    struct norm_job j = {ll_engine_vec(eng), norm, x, y, scale, ldx, ldy};
    ll_engine_rows(eng, n, norm_some, &j);
}

void ll_head_tail(const struct ll_model *m, const struct ll_vec *vec, float *logits, size_t n)
{
    if (m->logit_cap > 0)
        vec->softcap(logits, logits, n, m->logit_cap);
}
