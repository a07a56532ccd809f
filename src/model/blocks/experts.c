/* experts.c - the MLP half of a block as a mixture of experts: a router chooses the top_k experts of each
 * row, and the row's output is the sum of theirs, weighted. Fedus et al. 2022; Jiang et al. 2024 (Mixtral);
 * the shared expert as in Qwen 2 MoE. */
#include "pass.h"

#include <string.h>

struct experts_job {
    struct ll_pass *p;
    const struct ll_experts *moe;
    struct ll_rows x, out;
};

/* ---- routing --------------------------------------------------------------------------------- */

enum { TAKEN = -1 }; /* no exponential: marks an expert that is chosen already */

/* Softmax of n router logits in place (maximum subtracted, sum in rising order in double), then the top_k
 * largest: ties go to the lower number. Weights are the probabilities, or these divided by their sum. */
static void choose(const struct ll_vec *vec, const struct ll_experts *moe, float *logits, int *chosen,
                   float *weight)
{
    float max = vec->max(logits, (size_t)moe->n);
    double sum = 0, picked = 0;
    for (int e = 0; e < moe->n; e++)
        logits[e] -= max;
    vec->exp(logits, logits, (size_t)moe->n);
    for (int e = 0; e < moe->n; e++)
        sum += (double)logits[e];
    for (int k = 0; k < moe->top_k; k++) {
        int best = -1; /* NaN logits choose something, each expert once at most */
        for (int e = 0; e < moe->n; e++)
            if (logits[e] != TAKEN && (best < 0 || logits[e] > logits[best]))
                best = e;
        chosen[k] = best;
        weight[k] = (float)((double)logits[best] / sum);
        picked += (double)weight[k];
        logits[best] = TAKEN;
    }
    for (int k = 0; k < moe->top_k && moe->renormalised; k++)
        weight[k] = (float)((double)weight[k] / picked);
}

static void route_some(void *arg, int row0, int row1)
{
    const struct experts_job *j = arg;
    size_t n = (size_t)j->moe->n, top_k = (size_t)j->moe->top_k;
    for (size_t r = (size_t)row0; r < (size_t)row1; r++)
        choose(ll_engine_vec(j->p->engine), j->moe, j->p->router + r * n, j->p->chosen + r * top_k,
               j->p->weight + r * top_k);
}

/* ---- one expert's rows ----------------------------------------------------------------------- */

/* Rows whose tokens chose this expert: their numbers and weights into p->taken and p->share. */
static int take_rows(struct ll_pass *p, const struct ll_experts *moe, int expert, int n)
{
    int taken = 0;
    for (int r = 0; r < n; r++)
        for (int k = 0; k < moe->top_k; k++)
            if (p->chosen[(size_t)r * (size_t)moe->top_k + (size_t)k] == expert) {
                p->share[taken] = p->weight[(size_t)r * (size_t)moe->top_k + (size_t)k];
                p->taken[taken++] = r;
            }
    return taken;
}

static void gather_some(void *arg, int i0, int i1)
{
    const struct experts_job *j = arg;
    size_t d = (size_t)j->x.width;
    for (int i = i0; i < i1; i++)
        memcpy(j->p->gathered + (size_t)i * d, j->x.x + j->p->taken[i] * j->x.ld, sizeof(float) * d);
}

/* out[row] += share * result; every row at most once an expert */
static void add_back_some(void *arg, int i0, int i1)
{
    const struct experts_job *j = arg;
    const struct ll_vec *vec = ll_engine_vec(j->p->engine);
    size_t d = (size_t)j->out.width;
    for (int i = i0; i < i1; i++) {
        float *y = j->p->expert_out + (size_t)i * d, *out = j->out.x + j->p->taken[i] * j->out.ld;
        vec->scale(y, y, d, j->p->share[i]);
        vec->add(out, out, y, d);
    }
}

static void run_expert(struct experts_job *j, const struct ll_chunk *c, int expert)
{
    struct ll_pass *p = j->p;
    int n = take_rows(p, j->moe, expert, c->n), d = p->model->d_model;
    if (!n)
        return;
    ll_engine_rows(p->engine, n, gather_some, j);
    ll_mlp_quiet(p, c, &j->moe->mlps[expert], ll_rows(p->gathered, n, d), ll_rows(p->expert_out, n, d));
    ll_engine_rows(p->engine, n, add_back_some, j);
}

/* The shared expert takes every row; its output joins with weight sigmoid(W_shared_router x). */
static void run_shared(struct experts_job *j, const struct ll_chunk *c)
{
    struct ll_pass *p = j->p;
    ll_mlp_quiet(p, c, &j->moe->shared, j->x, ll_rows(p->expert_out, c->n, p->model->d_model));
    p->ops->linear(p, c,
                   &(struct ll_product){.w = &j->moe->W_shared_router,
                                        .x = j->x,
                                        .y = ll_rows(p->share, c->n, 1),
                                        .role = LL_R_SHARED_ROUTER});
    for (int r = 0; r < c->n; r++) {
        p->share[r] = (float)(1 / (1 + ll_exp(-(double)p->share[r])));
        p->taken[r] = r;
    }
    ll_engine_rows(p->engine, c->n, add_back_some, j);
}

/* ---- the half block -------------------------------------------------------------------------- */

/* Each expert takes the rows that chose it, together; results are added in rising number of the expert from
 * zero on, the shared expert's last: the order of the reference, whatever the batch. */
int ll_block_experts(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, struct ll_rows out,
                     struct ll_err *err)
{
    const struct ll_experts *moe = &c->L->experts;
    struct experts_job j = {p, moe, x, out};
    (void)err;
    p->ops->linear(p, c,
                   &(struct ll_product){.w = &moe->W_router,
                                        .x = x,
                                        .y = ll_rows(p->router, c->n, moe->n),
                                        .role = LL_R_ROUTER});
    ll_engine_rows(p->engine, c->n, route_some, &j);
    memset(out.x, 0, sizeof *out.x * (size_t)c->n * (size_t)out.width);
    for (int e = 0; e < moe->n; e++)
        run_expert(&j, c, e);
    if (moe->shared.W_in.n)
        run_shared(&j, c);
    return LL_OK;
}
