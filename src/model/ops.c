/* ops.c - see ops.h. Zhang & Sennrich 2019 (RMSNorm); Ba, Kiros & Hinton 2016 (LayerNorm); soft cap: Gemma 2
 * report. */
#include "ops.h"

#include <math.h>

/* w NULL: gain 1. Returns rms. */
static float rmsnorm(const struct ll_vec *vec, float *y, const float *x, const float *w, int d, float eps)
{
    double mean = vec->sum_sq(x, (size_t)d) / d;
    double rms = sqrt(mean + (double)eps); /* sqrt and / are exact to the bit everywhere (IEEE 754) */
    vec->scale(y, x, (size_t)d, (float)(1.0 / rms));
    if (w)
        vec->mul(y, y, w, (size_t)d);
    return (float)rms;
}

/* sum (x - mean)^2 in the order of ll_vec's sums */
static double sum_sq_around(const float *x, size_t n, double mean)
{
    double c[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t j = 0; j < 16; j++)
            c[j] += ((double)x[i + j] - mean) * ((double)x[i + j] - mean);
    for (size_t j = 0; i + j < n; j++)
        c[j] += ((double)x[i + j] - mean) * ((double)x[i + j] - mean);
    for (size_t half = 8; half; half /= 2)
        for (size_t j = 0; j < half; j++)
            c[j] += c[j + half];
    return c[0];
}

/* w NULL: gain 1; b NULL: none. Returns std. */
static float layernorm(const struct ll_vec *vec, float *y, const float *x, const float *w, const float *b,
                       int d, float eps)
{
    double mean = vec->sum(x, (size_t)d) / d;
    double std = sqrt(sum_sq_around(x, (size_t)d, mean) / d + (double)eps), inverse = 1.0 / std;
    for (int i = 0; i < d; i++)
        y[i] = (float)(((double)x[i] - mean) * inverse);
    if (w)
        vec->mul(y, y, w, (size_t)d);
    if (b)
        vec->add(y, y, b, (size_t)d);
    return (float)std;
}

float ll_norm_row(const struct ll_vec *vec, const struct ll_norm *norm, const float *x, float *y)
{
    int centred = norm->kind == LL_NORM_LAYER || norm->kind == LL_NORM_LAYER_NO_BIAS;
    return centred ? layernorm(vec, y, x, norm->w, norm->b, norm->d, norm->eps)
                   : rmsnorm(vec, y, x, norm->w, norm->d, norm->eps);
}

struct norm_job {
    const struct ll_vec *vec;
    const struct ll_norm *norm;
    struct ll_rows x, y;
    float *scale;
};

static void norm_some(void *arg, int row0, int row1)
{
    struct norm_job *j = arg;
    for (int r = row0; r < row1; r++) {
        float scale = ll_norm_row(j->vec, j->norm, j->x.x + r * j->x.ld, j->y.x + r * j->y.ld);
        if (j->scale)
            j->scale[r] = scale;
    }
}

void ll_norm_rows(struct ll_engine *eng, const struct ll_norm *norm, struct ll_rows x, struct ll_rows y,
                  float *scale)
{
    struct norm_job j = {ll_engine_vec(eng), norm, x, y, scale};
    ll_engine_rows(eng, x.n, norm_some, &j);
}

void ll_activate(const struct ll_vec *vec, enum ll_act act, float *x, size_t n)
{
    void (*const by_kind[])(float *, const float *, size_t) = {
        [LL_ACT_SILU] = vec->silu,         [LL_ACT_GELU_TANH] = vec->gelu_tanh,
        [LL_ACT_GELU_ERF] = vec->gelu_erf, [LL_ACT_QUICK_GELU] = vec->quick_gelu,
        [LL_ACT_RELU] = vec->relu,         [LL_ACT_RELU2] = vec->relu2};
    by_kind[act](x, x, n);
}

void ll_head_tail_bare(const struct ll_model *m, const struct ll_vec *vec, float *logits, int v0, int n)
{
    if (m->b_U)
        vec->add(logits, logits, m->b_U + v0, (size_t)n);
}

int ll_head_transforms(const struct ll_model *m) { return m->logit_scale != 1.0f || m->logit_cap > 0; }

void ll_head_tail(const struct ll_model *m, const struct ll_vec *vec, float *logits, int v0, int n)
{
    ll_head_tail_bare(m, vec, logits, v0, n);
    if (m->logit_scale != 1.0f)
        vec->scale(logits, logits, (size_t)n, m->logit_scale);
    if (m->logit_cap > 0)
        vec->softcap(logits, logits, (size_t)n, m->logit_cap);
}
