/* self_test.c - see self_test.h */
#include "self_test.h"

#include "ops.h"
#include "session.h"
#include "sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double golden_tolerance = 1e-6, rms_tolerance = 1e-4, scale_tolerance = 1e-3;

/* ---- golden vectors -------------------------------------------------------------------------- */

static const float x4[4] = {1, -2, 3, -4}, gain4[4] = {0.5f, 1, 1.5f, 2}, gain4_gemma[4] = {1.5f, 2, 2.5f, 3},
                   ones4[4] = {1, 1, 1, 1};
static const struct golden {
    const char *name;
    enum ll_norm_kind kind;
    const float *gain;
    float scale, eps;
    double want[4];
} goldens[] = {
    {"RMSNorm", LL_NORM_RMS, gain4, 1, 1e-5f, {0.18257406, -0.73029626, 1.64316658, -2.92118503}},
    {"RMSNorm with gain 1 + w",
     LL_NORM_RMS,
     gain4_gemma,
     1,
     1e-5f,
     {0.54772219, -1.46059251, 2.73861096, -4.38177754}},
    {"LayerNorm", LL_NORM_LAYER, gain4, 1, 1e-5f, {0.27854282, -0.55708563, 1.94979971, -2.59973294}},
    {"epsilon inside the root",
     LL_NORM_RMS,
     ones4,
     1e-3f,
     1e-5f,
     {0.23904572, -0.47809144, 0.71713716, -0.95618289}},
};

static void check_goldens(struct ll_criteria *c, const struct ll_vec *vec)
{
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        const struct golden *g = &goldens[i];
        struct ll_norm norm = {.w = g->gain, .d = 4, .eps = g->eps, .kind = g->kind};
        float x[4], y[4];
        double worst = 0;
        for (int k = 0; k < 4; k++)
            x[k] = x4[k] * g->scale;
        ll_norm_row(vec, &norm, x, y);
        for (int k = 0; k < 4; k++)
            worst = fabs((double)y[k] - g->want[k]) > worst ? fabs((double)y[k] - g->want[k]) : worst;
        ll_criteria_add(c, worst <= golden_tolerance ? LL_CRIT_PASS : LL_CRIT_FAIL, g->name,
                        "golden vector, largest difference %.1e of %.0e", worst, golden_tolerance);
    }
}

/* ---- a model --------------------------------------------------------------------------------- */

static int on_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    (void)r, (void)err;
    *(int *)arg = 1;
    return LL_OK;
}

/* The sweep itself holds row n against the model's output, bit for bit. */
static void check_last_row(struct ll_criteria *c, const struct ll_session *s, const char *name)
{
    int ids[8], seen = 0, V = s->model->d_vocab;
    struct ll_err why = {0};
    for (int i = 0; i < 8; i++)
        ids[i] = (int)((long long)(i + 1) * 7919 % V);
    struct ll_sweep_prompt prompt = {.ids = ids, .n_ids = 8, .want = LL_SWEEP_ALL};
    struct ll_sweep sweep = {.model = s->model,
                             .engine = s->engine,
                             .k = 1,
                             .prompts = &prompt,
                             .n_prompts = 1,
                             .result = on_result,
                             .result_arg = &seen};
    int rc = ll_sweep_run(&sweep, &why);
    ll_criteria_add(c, !rc && seen ? LL_CRIT_PASS : LL_CRIT_FAIL, name, "%s",
                    rc ? why.msg : "the last lens row is the model's output, bit for bit");
}

static int check_norm(struct ll_criteria *c, const struct ll_session *s, const char *name, struct ll_err *err)
{
    const struct ll_model *m = s->model;
    size_t n = (size_t)m->d_model;
    float *x = malloc(3 * n * sizeof *x), *one = x + n, *eight = x + 2 * n, *gain = malloc(n * sizeof *gain);
    double worst = 0, top = 0;
    if (!x || !gain) {
        free(x);
        free(gain);
        return ll_fail_mem(err, "self-test", 4 * n * sizeof *x);
    }
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)((int)(i * 37 % 101) - 50);
        gain[i] = 1;
    }
    struct ll_norm plain = m->ln_final;
    plain.w = gain;
    plain.b = NULL;
    ll_norm_row(ll_engine_vec(s->engine), &plain, x, one);
    double rms = sqrt(ll_engine_vec(s->engine)->sum_sq(one, n) / (double)n);
    ll_criteria_add(c, fabs(rms - 1) <= rms_tolerance ? LL_CRIT_PASS : LL_CRIT_FAIL, name,
                    "final norm without gain: rms %.6f", rms);
    ll_norm_row(ll_engine_vec(s->engine), &m->ln_final, x, one);
    for (size_t i = 0; i < n; i++)
        x[i] *= 8;
    ll_norm_row(ll_engine_vec(s->engine), &m->ln_final, x, eight);
    for (size_t i = 0; i < n; i++) {
        top = fabs((double)one[i]) > top ? fabs((double)one[i]) : top;
        worst =
            fabs((double)one[i] - (double)eight[i]) > worst ? fabs((double)one[i] - (double)eight[i]) : worst;
    }
    ll_criteria_add(c, worst <= scale_tolerance * top ? LL_CRIT_PASS : LL_CRIT_FAIL, name,
                    "eight times the residual reads the same: largest difference %.1e of the largest value",
                    top > 0 ? worst / top : 0);
    free(x);
    free(gain);
    return LL_OK;
}

int ll_self_test(struct ll_engine *engine, char **models, int n_models, struct ll_criteria *c,
                 struct ll_err *err)
{
    int rc = LL_OK;
    check_goldens(c, ll_engine_vec(engine));
    for (int i = 0; i < n_models && !rc; i++) {
        struct ll_session s = {0};
        if ((rc = ll_session_open(&s, models[i], engine, 0, err)))
            break;
        check_last_row(c, &s, s.model->ckpt->clean);
        rc = check_norm(c, &s, s.model->ckpt->clean, err);
        ll_session_close(&s);
    }
    return rc;
}
