/* plan_view.c - see plan_view.h */
#include "plan_view.h"

#include "stats.h"
#include "human.h"

#include <stdlib.h>
#include <string.h>

/* Floating-point operations per second of this machine with this engine now, from products of a layer's own
 * size. */
static double measure_rate(struct ll_engine *eng, struct ll_err *err)
{
    enum { K = 1024, N = 2048, M = 128, TIMES = 5 };
    static float w[(size_t)N * K];
    float *x = calloc((size_t)M * K, sizeof *x), *y = malloc(sizeof *y * M * N);
    double best = 0;
    if (x && y && !ll_engine_reserve(eng, M, K, 1, 1, err)) {
        struct ll_mat mat = {
            .type = LL_F32, .data = (const uint8_t *)w, .row_bytes = sizeof(float) * K, .n = N, .k = K};
        for (int i = 0; i < TIMES; i++) {
            double t0 = ll_now_s();
            ll_linear(eng, &mat, x, K, M, NULL, y, N);
            double rate = 2.0 * M * N * K / (ll_now_s() - t0);
            best = rate > best ? rate : best;
        }
    }
    free(x);
    free(y);
    return best;
}

/* The original's policy, for the parameters counted in the tensor headers (by name it may differ: both are
 * shown). */
static int choose(struct ll_plan *plan, const struct ll_session *s, const char *model_id,
                  const struct ll_plan_opts *o, struct ll_err *err)
{
    struct ll_capacity c = {{-1, -1, plan->available}};
    int only = -1, rc = o->capacity ? ll_capacity_parse(&c, o->capacity, err) : LL_OK;
    for (int d = 0; d < LL_N_DEVICES; d++)
        if (o->device && !strcmp(o->device, ll_device_name((enum ll_device)d)))
            only = d;
    plan->params_by_name = ll_params_of_name(model_id);
    plan->chosen = ll_estimate_devices(model_id, (double)s->model->n_params, &c, only, plan->fit);
    return rc;
}

int ll_plan_make(struct ll_plan *plan, const struct ll_session *s, const char *model_id,
                 const struct ll_plan_opts *o, struct ll_err *err)
{
    struct ll_sweep_prompt *prompts = calloc((size_t)o->prompts, sizeof *prompts);
    int *ids = calloc((size_t)o->tokens, sizeof *ids), rc = LL_OK;
    memset(plan, 0, sizeof *plan);
    plan->available = ll_available_bytes();
    if (!prompts || !ids)
        rc = ll_fail_mem(err, "plan", (size_t)o->prompts * sizeof *prompts);
    for (int i = 0; !rc && i < o->prompts; i++)
        prompts[i] = (struct ll_sweep_prompt){.ids = ids, .n_ids = o->tokens, .want = LL_SWEEP_ALL};
    struct ll_sweep sweep = {.model = s->model,
                             .engine = s->engine,
                             .k = s->model->d_vocab < LL_TOP_VERBOSE ? s->model->d_vocab : LL_TOP_VERBOSE,
                             .prompts = prompts,
                             .n_prompts = o->prompts};
    if (!rc)
        rc = ll_sweep_plan(&sweep, &plan->p, err);
    if (!rc && (plan->rate = measure_rate(s->engine, err)) > 0)
        plan->seconds = (plan->p.flops_pass + plan->p.flops_head) / plan->rate;
    if (!rc)
        rc = choose(plan, s, model_id, o, err);
    free(prompts);
    free(ids);
    return rc;
}

static void put_policy(const struct ll_plan *p, struct ll_buf *out)
{
    char a[24], b[24];
    ll_buf_addf(out,
                "\nthe original's estimate (all weights copied to one device; decides nothing here)\n  "
                "parameters      %s counted in the tensors",
                ll_human_count(p->fit[0].params, a));
    ll_buf_addf(out, p->params_by_name > 0 ? ", %s by name\n" : ", unknown by name\n",
                ll_human_count(p->params_by_name, b));
    for (int d = 0; d < LL_N_DEVICES; d++) {
        const struct ll_device_estimate *f = &p->fit[d];
        ll_buf_addf(out, "  %-15s %s in %s", ll_device_name(f->device),
                    ll_human_bytes((double)f->peak_bytes, a), f->dtype);
        ll_buf_addf(out, f->free_bytes < 0 ? ", no such device\n" : ", %s free%s\n",
                    ll_human_bytes((double)f->free_bytes, b),
                    (int)f->device == p->chosen ? ": chosen"
                        : f->fits               ? ""
                                                : ": does not fit");
    }
    if (p->chosen < 0)
        ll_buf_adds(out, "  fits nowhere: the original would have skipped this model\n");
}

void ll_plan_text(const struct ll_plan *p, const struct ll_plan_opts *o, struct ll_buf *out)
{
    char a[24], b[24], c[24];
    long long need = p->p.pass_bytes + p->p.stack_bytes + p->p.head_bytes;
    ll_buf_addf(out, "\nplan     %d prompts of %d tokens, every layer and position\n", o->prompts, o->tokens);
    ll_buf_addf(out, "  batches         %d, the largest of %d token rows\n", p->p.n_batches, p->p.batch_rows);
    ll_buf_addf(out, "  memory          %s: activations %s, ", ll_human_bytes((double)need, a),
                ll_human_bytes((double)p->p.pass_bytes, b));
    ll_buf_addf(out, "residuals %s, head %s\n", ll_human_bytes((double)p->p.stack_bytes, a),
                ll_human_bytes((double)p->p.head_bytes, b));
    ll_buf_addf(out, "  available now   %s%s\n",
                p->available > 0 ? ll_human_bytes((double)p->available, a) : "unknown",
                p->available > 0 && need > p->available ? ": does not fit" : "");
    ll_buf_addf(out, "  weights read    %s, mapped, not copied\n",
                ll_human_bytes((double)p->p.weight_bytes_read, a));
    ll_buf_addf(out, "  arithmetic      %sFLOP in the pass, %sFLOP in the head\n",
                ll_human_count(p->p.flops_pass, a), ll_human_count(p->p.flops_head, b));
    ll_buf_addf(out, "  time            about %s at %sFLOP/s (measured just now)\n",
                ll_human_time(p->seconds, b), ll_human_count(p->rate, c));
    put_policy(p, out);
}

void ll_plan_json(const struct ll_plan *p, const struct ll_plan_opts *o, struct ll_json *j)
{
    ll_json_obj(j, "plan");
    ll_json_int(j, "prompts", o->prompts);
    ll_json_int(j, "tokens", o->tokens);
    ll_json_int(j, "batches", p->p.n_batches);
    ll_json_int(j, "pass_bytes", p->p.pass_bytes);
    ll_json_int(j, "stack_bytes", p->p.stack_bytes);
    ll_json_int(j, "head_bytes", p->p.head_bytes);
    ll_json_int(j, "available_bytes", p->available);
    ll_json_int(j, "weight_bytes_read", p->p.weight_bytes_read);
    ll_json_num(j, "flops_pass", p->p.flops_pass);
    ll_json_num(j, "flops_head", p->p.flops_head);
    ll_json_num(j, "flops_per_s", p->rate);
    ll_json_num(j, "time_s", p->seconds);
    ll_json_obj(j, "original_estimate");
    ll_json_num(j, "params", p->fit[0].params);
    if (p->params_by_name > 0)
        ll_json_num(j, "params_by_name", p->params_by_name);
    else
        ll_json_null(j, "params_by_name");
    ll_json_cstr(j, "device", p->chosen < 0 ? NULL : ll_device_name((enum ll_device)p->chosen));
    ll_json_arr(j, "devices");
    for (int d = 0; d < LL_N_DEVICES; d++) {
        const struct ll_device_estimate *f = &p->fit[d];
        ll_json_obj(j, NULL);
        ll_json_cstr(j, "device", ll_device_name(f->device));
        ll_json_cstr(j, "dtype", f->dtype);
        ll_json_int(j, "peak_bytes", f->peak_bytes);
        if (f->free_bytes < 0)
            ll_json_null(j, "free_bytes");
        else
            ll_json_int(j, "free_bytes", f->free_bytes);
        ll_json_num(j, "overhead", f->overhead);
        ll_json_int(j, "reserve_bytes", f->reserve_bytes);
        ll_json_bool(j, "fits", f->fits);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_end(j);
    ll_json_end(j);
}
