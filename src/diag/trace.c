/* trace.c - see trace.h */
#include "trace.h"

#include "variant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the full pass --------------------------------------------------------------------------- */

/* What the full pass keeps: the block's input and output [n_pos, d_model]. */
struct keep {
    struct ll_trace *t;
    float *in, *out;
};

static void copy_rows(float *to, const struct ll_hook_visit *v)
{
    for (int r = 0; r < v->n_rows; r++)
        memcpy(to + (size_t)(v->row0 + r) * (size_t)v->width, v->data + r * v->stride,
               sizeof *to * (size_t)v->width);
}

static int on_stream(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct keep *k = arg;
    const float *last = v->data + (v->n_rows - 1) * v->stride;
    if (v->hook == LL_HOOK_RESID_PRE && v->layer == k->t->layer)
        copy_rows(k->in, v);
    if (v->hook == LL_HOOK_RESID_POST && v->layer == k->t->layer)
        copy_rows(k->out, v);
    if (v->hook == LL_HOOK_LN_FINAL_SCALE)
        k->t->final_scale_last = (double)*last;
    if (v->hook == LL_HOOK_LN_FINAL_NORMALIZED) {
        ll_tensor_stats_init(&k->t->final_last);
        ll_tensor_stats_add(&k->t->final_last, last, (size_t)v->width);
    }
    return v->hook == LL_HOOK_EMBED || v->hook == LL_HOOK_RESID_POST
        ? ll_massive_add(&k->t->massive, v->data, err)
        : LL_OK;
}

static int full_pass(struct ll_trace *t, const struct ll_trace_job *job, struct keep *k, struct ll_err *err)
{
    struct ll_listener all[3], writes = ll_intervene_listener(job->iv);
    int n = 0, start[2] = {0, job->n_ids};
    struct ll_batch batch = {1, start, job->ids};
    struct ll_pass pass = {0};
    if (writes.hooks)
        all[n++] = writes;
    all[n++] = ll_watch_listener(&t->watch, job->square);
    all[n++] =
        (struct ll_listener){LL_HOOK_BIT(LL_HOOK_EMBED) | LL_HOOK_BIT(LL_HOOK_RESID_PRE)
                                 | LL_HOOK_BIT(LL_HOOK_RESID_POST) | LL_HOOK_BIT(LL_HOOK_LN_FINAL_SCALE)
                                 | LL_HOOK_BIT(LL_HOOK_LN_FINAL_NORMALIZED),
                             on_stream, k};
    int rc = ll_pass_init(&pass, &(struct ll_pass_plan){t->model, job->n_ids, job->n_ids, all, n},
                          job->engine, err);
    if (!rc) {
        pass.allow_nonfinite = 1;
        pass.progress = job->progress;
        pass.progress_arg = job->progress_arg;
        rc = ll_forward(&pass, &batch, 0, t->model->n_layers, err);
    }
    ll_pass_free(&pass);
    return rc;
}

/* The same pass once more, which ends where the finite numbers do: its reason. */
static int find_blame(struct ll_trace *t, const struct ll_trace_job *job, struct ll_err *err)
{
    struct ll_listener writes = ll_intervene_listener(job->iv);
    int start[2] = {0, job->n_ids};
    struct ll_batch batch = {1, start, job->ids};
    struct ll_pass pass = {0};
    struct ll_err why = {0};
    int rc =
        ll_pass_init(&pass,
                     &(struct ll_pass_plan){t->model, job->n_ids, job->n_ids, &writes, writes.hooks != 0},
                     job->engine, err);
    if (!rc && ll_forward(&pass, &batch, 0, t->model->n_layers, &why) && pass.met_nonfinite == 1)
        snprintf(t->blame, sizeof t->blame, "%.*s", (int)sizeof t->blame - 1, why.msg);
    ll_pass_free(&pass);
    return rc;
}

static int met_nonfinite(const struct ll_watch *w)
{
    for (int i = 0; i < w->n_first; i++)
        if (w->first[i].bound == LL_BOUND_FINITE)
            return 1;
    return 0;
}

/* ---- the block alone ------------------------------------------------------------------------- */

static const enum ll_hook swap_points[LL_TRACE_SWAPS] = {LL_HOOK_POST, LL_HOOK_MLP_OUT, LL_HOOK_RESID_POST};

struct alone {
    float *x[LL_TRACE_SWAPS];
    size_t n[LL_TRACE_SWAPS];
};

static int on_alone(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct alone *a = arg;
    for (int i = 0; i < LL_TRACE_SWAPS; i++)
        if (swap_points[i] == v->hook) {
            a->n[i] = (size_t)v->n_rows * (size_t)v->width;
            if (!(a->x[i] = malloc(sizeof(float) * a->n[i])))
                return ll_fail_mem(err, "a block alone", sizeof(float) * a->n[i]);
            copy_rows(a->x[i], v);
        }
    return LL_OK;
}

static int run_alone(const struct ll_trace_job *job, const struct ll_model *m, const float *in,
                     struct alone *a, struct ll_err *err)
{
    int start[2] = {0, job->n_ids};
    struct ll_batch batch = {1, start, job->ids};
    struct ll_pass pass = {0};
    struct ll_listener l = {LL_HOOK_BIT(LL_HOOK_POST) | LL_HOOK_BIT(LL_HOOK_MLP_OUT)
                                | LL_HOOK_BIT(LL_HOOK_RESID_POST),
                            on_alone, a};
    int rc = ll_pass_init(&pass, &(struct ll_pass_plan){m, job->n_ids, job->n_ids, &l, 1}, job->engine, err);
    if (!rc) {
        pass.allow_nonfinite = 1;
        memcpy(pass.resid, in, sizeof *in * (size_t)job->n_ids * (size_t)m->d_model);
        rc = ll_forward(&pass, &batch, job->layer, job->layer + 1, err);
    }
    ll_pass_free(&pass);
    return rc;
}

static void free_alone(struct alone *a)
{
    for (int i = 0; i < LL_TRACE_SWAPS; i++)
        free(a->x[i]);
}

static void compare_orders(struct ll_trace_swap *s, enum ll_hook at, const float *right, const float *wrong,
                           size_t n)
{
    double rr = 0, ww = 0, rw = 0, dd = 0;
    for (size_t i = 0; i < n; i++) {
        double r = (double)right[i], w = (double)wrong[i];
        rr += r * r;
        ww += w * w;
        rw += r * w;
        dd += (w - r) * (w - r);
    }
    *s = (struct ll_trace_swap){at,
                                1,
                                sqrt(rr / (double)n),
                                sqrt(ww / (double)n),
                                rr > 0 ? sqrt(dd / rr) : NAN,
                                rr > 0 && ww > 0 ? rw / sqrt(rr * ww) : NAN};
}

static int block_alone(struct ll_trace *t, const struct ll_trace_job *job, const struct keep *k,
                       struct ll_err *err)
{
    struct alone right = {0}, wrong = {0};
    struct ll_model *variant = NULL;
    char list[48];
    int rc = run_alone(job, t->model, k->in, &right, err);
    if (!rc && !job->iv->n)
        t->isolated = !memcmp(right.x[2], k->out, sizeof *k->out * right.n[2]);
    snprintf(list, sizeof list, "act-order=swapped@%d", job->layer);
    if (!rc && job->swapped && !(rc = ll_variant_make(&variant, t->model, list, err))
        && !(rc = run_alone(job, variant, k->in, &wrong, err)))
        for (int i = 0; i < LL_TRACE_SWAPS; i++)
            if (right.x[i] && wrong.x[i])
                compare_orders(&t->swap[i], swap_points[i], right.x[i], wrong.x[i], right.n[i]);
    ll_variant_free(variant);
    free_alone(&right);
    free_alone(&wrong);
    return rc;
}

/* ---- weights --------------------------------------------------------------------------------- */

static int add_mat(struct ll_trace *t, const char *name, enum ll_hook at, const struct ll_mat *w,
                   struct ll_err *err)
{
    if (!w->n || t->n_weights == LL_TRACE_MAX_WEIGHTS)
        return LL_OK;
    struct ll_trace_weight *row = &t->weight[t->n_weights++];
    *row = (struct ll_trace_weight){
        .name = name, .at = at, .type = ll_wtype_name(w->type), .n = w->n, .k = w->k};
    ll_tensor_stats_init(&row->s);
    return ll_mat_stats(w, &row->s, err);
}

static void add_gain(struct ll_trace *t, const char *name, enum ll_hook at, const struct ll_norm *norm, int n)
{
    if (!norm->w || t->n_weights == LL_TRACE_MAX_WEIGHTS)
        return;
    struct ll_trace_weight *row = &t->weight[t->n_weights++];
    *row = (struct ll_trace_weight){.name = name, .at = at, .type = "F32", .n = 1, .k = n};
    ll_tensor_stats_init(&row->s);
    ll_tensor_stats_add(&row->s, norm->w, (size_t)n);
}

static int add_experts(struct ll_trace *t, const struct ll_experts *moe, struct ll_err *err)
{
    static const struct {
        const char *name;
        size_t at;
    } parts[] = {{"experts' W_gate", offsetof(struct ll_mlp, W_gate)},
                 {"experts' W_in", offsetof(struct ll_mlp, W_in)},
                 {"experts' W_out", offsetof(struct ll_mlp, W_out)}};
    int rc = add_mat(t, "W_router", LL_HOOK_MLP_OUT, &moe->W_router, err);
    for (int i = 0; i < 3; i++) {
        int first = t->n_weights;
        for (int e = 0; e < moe->n && !rc; e++) {
            const struct ll_mat *w = (const struct ll_mat *)((const char *)&moe->mlps[e] + parts[i].at);
            if (!e || t->n_weights == first)
                rc = add_mat(t, parts[i].name, LL_HOOK_MLP_OUT, w, err);
            else if (!(rc = ll_mat_stats(w, &t->weight[first].s, err)))
                t->weight[first].n += w->n;
        }
    }
    return rc ? rc : add_mat(t, "shared W_out", LL_HOOK_MLP_OUT, &moe->shared.W_out, err);
}

static int measure_weights(struct ll_trace *t, struct ll_err *err)
{
    const struct ll_model *m = t->model;
    const struct ll_layer *L = &m->layers[t->layer];
    int rc;
    add_gain(t, "ln1 gain", LL_HOOK_LN1_NORMALIZED, &L->ln1, m->d_model);
    if ((rc = add_mat(t, "W_QKV", LL_HOOK_Q, &L->W_QKV, err))
        || (rc = add_mat(t, "W_Q", LL_HOOK_Q, &L->W_Q, err))
        || (rc = add_mat(t, "W_K", LL_HOOK_K, &L->W_K, err))
        || (rc = add_mat(t, "W_V", LL_HOOK_V, &L->W_V, err)))
        return rc;
    add_gain(t, "q_norm gain", LL_HOOK_ROT_Q, &L->q_norm,
             L->q_norm.d * (m->family->qk_norm == LL_QK_HEAD_OWN_GAIN ? m->n_heads : 1));
    add_gain(t, "k_norm gain", LL_HOOK_ROT_K, &L->k_norm,
             L->k_norm.d * (m->family->qk_norm == LL_QK_HEAD_OWN_GAIN ? m->n_kv_heads : 1));
    if ((rc = add_mat(t, "W_O", LL_HOOK_ATTN_OUT, &L->W_O, err)))
        return rc;
    add_gain(t, "ln1_post gain", LL_HOOK_ATTN_OUT, &L->ln1_post, m->d_model);
    add_gain(t, "ln2 gain", LL_HOOK_LN2_NORMALIZED, &L->ln2, m->d_model);
    if ((rc = add_mat(t, "W_gate", LL_HOOK_PRE, &L->mlp.W_gate, err))
        || (rc = add_mat(t, "W_in", L->mlp.W_gate.n ? LL_HOOK_PRE_LINEAR : LL_HOOK_PRE, &L->mlp.W_in, err))
        || (rc = add_mat(t, "W_out", LL_HOOK_MLP_OUT, &L->mlp.W_out, err))
        || (L->experts.n && (rc = add_experts(t, &L->experts, err))))
        return rc;
    add_gain(t, "ln2_post gain", LL_HOOK_MLP_OUT, &L->ln2_post, m->d_model);
    add_gain(t, "final norm gain", LL_HOOK_LN_FINAL_NORMALIZED, &m->ln_final, m->d_model);
    return LL_OK;
}

/* ---- all ------------------------------------------------------------------------------------- */

int ll_trace_run(struct ll_trace *t, const struct ll_trace_job *job, struct ll_err *err)
{
    const struct ll_model *m = job->iv->model;
    size_t bytes = sizeof(float) * (size_t)job->n_ids * (size_t)m->d_model;
    memset(t, 0, sizeof *t);
    t->model = m;
    t->layer = job->layer;
    t->n_pos = job->n_ids;
    t->isolated = -1;
    if (job->layer < 0 || job->layer >= m->n_layers)
        return ll_fail(err, LL_EUSAGE, "--layer: expected 0..%d, found %d", m->n_layers - 1, job->layer);
    struct keep k = {t, malloc(bytes), malloc(bytes)};
    int rc = k.in && k.out ? LL_OK : ll_fail_mem(err, "a block's input and output", 2 * bytes);
    if (!rc && !(rc = ll_watch_init(&t->watch, m, job->n_ids, err))
        && !(rc = ll_massive_init(&t->massive, job->n_ids, m->d_model, job->massive_factor, err)))
        rc = full_pass(t, job, &k, err);
    if (!rc && met_nonfinite(&t->watch))
        rc = find_blame(t, job, err);
    if (!rc && (job->weights || job->swapped))
        rc = block_alone(t, job, &k, err);
    if (!rc && job->weights)
        rc = measure_weights(t, err);
    free(k.in);
    free(k.out);
    return rc;
}

void ll_trace_free(struct ll_trace *t)
{
    ll_watch_free(&t->watch);
    ll_massive_free(&t->massive);
    memset(t, 0, sizeof *t);
}
