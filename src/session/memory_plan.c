/* memory_plan.c - see memory_plan.h */
#include "memory_plan.h"

#include "original_memory.h"
#include "json_write.h"
#include "stats.h"
#include "human.h"

#include <string.h>

/* The plan of the smallest possible batches: one prompt each, the largest is the one reported. */
static int plan_of(struct ll_sweep_plan *plan, const struct ll_sweep *sweep, struct ll_err *err)
{
    struct ll_sweep alone = *sweep;
    alone.memory_budget = 1;
    return ll_sweep_plan(&alone, plan, err);
}

static void put_policy(struct ll_json *j, const struct ll_device_estimate all[LL_N_DEVICES],
                       const char *model_id)
{
    double by_name = ll_params_of_name(model_id);
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "device", "cpu"); /* what computes here, whatever the original would have chosen */
    ll_json_cstr(j, "dtype_compute", "float32");
    ll_json_obj(j, "original_estimate");
    ll_json_num(j, "params", all[0].params);
    if (by_name > 0)
        ll_json_num(j, "params_by_name", by_name);
    else
        ll_json_null(j, "params_by_name");
    ll_json_arr(j, "devices");
    for (int d = 0; d < LL_N_DEVICES; d++) {
        ll_json_obj_flat(j, NULL);
        ll_json_cstr(j, "device", ll_device_name(all[d].device));
        ll_json_cstr(j, "dtype", all[d].dtype);
        ll_json_int(j, "estimate_bytes", all[d].peak_bytes);
        ll_json_num(j, "overhead", all[d].overhead);
        ll_json_int(j, "reserve_bytes", all[d].reserve_bytes);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_end(j);
    ll_json_end(j);
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
    struct ll_device_estimate devices[LL_N_DEVICES];
    struct ll_sweep_plan batch;
    struct ll_json j;
    char need[24];
    memset(plan, 0, sizeof *plan);
    int rc = capacity ? ll_capacity_parse(&c, capacity, err) : LL_OK;
    if (rc || (rc = plan_of(&batch, sweep, err)))
        return rc;
    long long bytes = batch.pass_bytes + batch.stack_bytes + batch.head_bytes,
              available = c.free_bytes[LL_CPU];
    int chosen = ll_estimate_devices(model_id, (double)sweep->model->n_params, &c, -1, devices);
    ll_json_init_at(&j, &plan->json, 2);
    put_policy(&j, devices, model_id);
    put_log(log, sweep, &batch, available, devices, chosen);
    if (capacity && available >= 0)
        plan->budget = available / 4 > 0 ? available / 4 : 1;
    if (available >= 0 && bytes > available)
        return ll_fail(err, LL_EFIT,
                       "%s: does not fit: activations, residuals and head of its longest prompt need %s, "
                       "more than is available",
                       sweep->model->ckpt->clean, ll_human_bytes((double)bytes, need));
    return ll_buf_ok(&plan->json, err);
}

void ll_memory_plan_free(struct ll_memory_plan *plan)
{
    ll_buf_free(&plan->json);
    memset(plan, 0, sizeof *plan);
}
