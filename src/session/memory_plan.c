/* memory_plan.c - see memory_plan.h */
#include "memory_plan.h"

#include "stats.h"
#include "human.h"

#include <math.h>
#include <string.h>

/* The plan of the smallest possible batches: one prompt each, the largest is the one reported. */
static int plan_of(struct ll_sweep_plan *plan, const struct ll_sweep *sweep, struct ll_err *err)
{
    struct ll_sweep alone = *sweep;
    alone.memory_budget = 1;
    return ll_sweep_plan(&alone, plan, err);
}

static void put_log(struct ll_buf *log, const struct ll_sweep *sweep, const struct ll_sweep_plan *p,
                    long long available, const struct ll_device_estimate all[LL_N_DEVICES], int chosen)
{
    char a[24], b[24], c[24];
    ll_buf_addf(log, "%s: largest prompt needs %s", sweep->model->ckpt->clean,
                ll_human_bytes((double)(p->pass_bytes + p->stack_bytes + p->head_bytes), a));
    ll_buf_addf(log, " (activations %s, residuals %s, ", ll_human_bytes((double)p->pass_bytes, a),
                ll_human_bytes((double)p->stack_bytes, b));
    ll_buf_addf(log, "head %s), available %s\n", ll_human_bytes((double)p->head_bytes, a),
                available >= 0 ? ll_human_bytes((double)available, b) : "unknown");
    ll_buf_addf(log, "%s: the original's estimate:", sweep->model->ckpt->clean);
    for (int d = 0; d < LL_N_DEVICES; d++)
        ll_buf_addf(log, " %s %s in %s (%s free)%s", ll_device_name(all[d].device),
                    ll_human_bytes((double)all[d].peak_bytes, a), all[d].dtype,
                    all[d].free_bytes < 0 ? "none" : ll_human_bytes((double)all[d].free_bytes, c),
                    d + 1 < LL_N_DEVICES ? "," : "");
    ll_buf_addf(log, "; it would have %s%s\n", chosen < 0 ? "skipped this model" : "run on ",
                chosen < 0 ? "" : ll_device_name((enum ll_device)chosen));
}

int ll_memory_plan_make(struct ll_memory_plan *plan, const struct ll_sweep *sweep, const char *model_id,
                        const char *capacity, struct ll_buf *log, struct ll_err *err)
{
    struct ll_capacity c = {{-1, -1, ll_available_bytes()}};
    struct ll_sweep_plan batch;
    char need[24];
    memset(plan, 0, sizeof *plan);
    int rc = capacity ? ll_capacity_parse(&c, capacity, err) : LL_OK;
    if (rc || (rc = plan_of(&batch, sweep, err)))
        return rc;
    long long bytes = batch.pass_bytes + batch.stack_bytes + batch.head_bytes,
              available = c.free_bytes[LL_CPU];
    int chosen = ll_estimate_devices(model_id, (double)sweep->model->n_params, &c, -1, plan->original);
    double by_name = ll_params_of_name(model_id);
    plan->params_by_name = by_name > 0 ? by_name : NAN;
    put_log(log, sweep, &batch, available, plan->original, chosen);
    if (capacity && available >= 0)
        plan->budget = available / 4 > 0 ? available / 4 : 1;
    if (available >= 0 && bytes > available)
        return ll_fail(err, LL_EFIT,
                       "%s: does not fit: activations, residuals and head of its longest prompt need %s, "
                       "more than is available",
                       sweep->model->ckpt->clean, ll_human_bytes((double)bytes, need));
    return LL_OK;
}
