/* plan.c - see plan.h */
#include "plan.h"

#include "record.h"
#include "stats.h"

#include <stdlib.h>
#include <string.h>

/* Floating-point operations per second of this machine with this engine now, from products of a layer's own
 * size. */
static double measure_rate(struct ll_engine *eng, struct ll_err *err)
{
    enum { K = 1024, N = 2048, M = 128, TIMES = 5 };
    float *w = calloc((size_t)N * K, sizeof *w), *x = calloc((size_t)M * K, sizeof *x),
          *y = malloc(sizeof *y * M * N);
    double best = 0;
    if (w && x && y && !ll_engine_reserve(eng, M, K, 1, 1, err)) {
        struct ll_mat mat = {
            .type = LL_F32, .data = (const uint8_t *)w, .row_bytes = sizeof(float) * K, .n = N, .k = K};
        for (int i = 0; i < TIMES; i++) {
            double t0 = ll_now_s();
            ll_linear(eng, &mat, x, K, M, NULL, y, N);
            double rate = 2.0 * M * N * K / (ll_now_s() - t0);
            best = rate > best ? rate : best;
        }
    }
    free(w);
    free(x);
    free(y);
    return best;
}

/* The original's policy, for the parameters counted in the tensor headers (by name it may differ: both are
 * shown). */
static int choose(struct ll_plan *plan, const struct ll_plan_job *job, struct ll_err *err)
{
    const struct ll_plan_opts *o = job->opts;
    struct ll_capacity c = {{-1, -1, plan->available}};
    int only = -1, rc = o->capacity ? ll_capacity_parse(&c, o->capacity, err) : LL_OK;
    for (int d = 0; d < LL_N_DEVICES; d++)
        if (o->device && !strcmp(o->device, ll_device_name((enum ll_device)d)))
            only = d;
    plan->params_by_name = ll_params_of_name(job->model_id);
    plan->chosen = ll_estimate_devices(job->model_id, (double)job->model->n_params, &c, only, plan->fit);
    return rc;
}

int ll_plan_make(struct ll_plan *plan, const struct ll_plan_job *job, struct ll_err *err)
{
    const struct ll_plan_opts *o = job->opts;
    struct ll_sweep_prompt *prompts = calloc((size_t)o->prompts, sizeof *prompts);
    int *ids = calloc((size_t)o->tokens, sizeof *ids), rc = LL_OK;
    memset(plan, 0, sizeof *plan);
    plan->available = ll_available_bytes();
    if (!prompts || !ids)
        rc = ll_fail_mem(err, "plan", (size_t)o->prompts * sizeof *prompts);
    for (int i = 0; !rc && i < o->prompts; i++)
        prompts[i] = (struct ll_sweep_prompt){.ids = ids, .n_ids = o->tokens, .want = LL_SWEEP_ALL};
    struct ll_sweep sweep = {.model = job->model,
                             .engine = job->engine,
                             .k = job->model->d_vocab < LL_TOP_VERBOSE ? job->model->d_vocab : LL_TOP_VERBOSE,
                             .prompts = prompts,
                             .n_prompts = o->prompts};
    if (!rc)
        rc = ll_sweep_plan(&sweep, &plan->p, err);
    if (!rc && (plan->rate = measure_rate(job->engine, err)) > 0)
        plan->seconds = (plan->p.flops_pass + plan->p.flops_head) / plan->rate;
    if (!rc)
        rc = choose(plan, job, err);
    free(prompts);
    free(ids);
    return rc;
}
