/* mlp.c - the MLP half of a block (pass.h): gated or not, and mixtures of experts. Sources: as forward.c;
 * Fedus et al. 2022 and Jiang et al. 2024 (Mixtral) for the mixtures. */
#include "ops.h"
#include "pass.h"

#include <string.h>

struct act_job {
    struct ll_pass *p;
    const struct ll_layer *L;
    int d_mlp, gated;
};

/* gate <- act(gate) * up, or up <- act(up) where there is no gate */
static void activate_some(void *arg, int row0, int row1)
{
    struct act_job *j = arg;
    const struct ll_vec *vec = ll_engine_vec(j->p->engine);
    void (*const act[])(float *, const float *,
                        size_t) = {[LL_ACT_SILU] = vec->silu,         [LL_ACT_GELU_TANH] = vec->gelu_tanh,
                                   [LL_ACT_GELU_ERF] = vec->gelu_erf, [LL_ACT_QUICK_GELU] = vec->quick_gelu,
                                   [LL_ACT_RELU] = vec->relu,         [LL_ACT_RELU2] = vec->relu2};
    size_t at = (size_t)row0 * (size_t)j->d_mlp, n = (size_t)(row1 - row0) * (size_t)j->d_mlp;
    float *x = (j->gated ? j->p->gate : j->p->up) + at,
          *acted = j->gated && j->L->odd & LL_ODD_ACT_ORDER ? j->p->up + at : x;
    act[j->L->act](acted, acted, n);
    if (j->gated)
        vec->mul(x, x, j->p->up + at, n);
}

/* x [n, d_model] -> out [n, d_model] through one MLP. c NULL: nobody is shown what happens inside. */
static int run_mlp(struct ll_pass *p, const struct ll_chunk *c, const struct ll_layer *L,
                   const struct ll_mlp *mlp, int layer, const float *x, int n, float *out, struct ll_err *err)
{
    int d = p->model->d_model, f = mlp->W_in.n, gated = mlp->W_gate.n != 0, rc;
    struct act_job j = {p, L, f, gated};
    float *post = gated ? p->gate : p->up;

    if (gated)
        ll_pass_linear(p, &mlp->W_gate, x, d, n, mlp->b_gate, p->gate, f);
    ll_pass_linear(p, &mlp->W_in, x, d, n, mlp->b_in, p->up, f);
    if (gated)
        ll_pass_store(p, LL_STORE_MLP, layer, p->gate, f, n, f);
    ll_pass_store(p, LL_STORE_MLP, layer, p->up, f, n, f);
    if (c
        && ((rc = ll_pass_hook(p, LL_HOOK_PRE, layer, c->row0, n, post, f, f, err))
            || (gated && (rc = ll_pass_hook(p, LL_HOOK_PRE_LINEAR, layer, c->row0, n, p->up, f, f, err)))))
        return rc;
    ll_engine_rows(p->engine, n, activate_some, &j);
    ll_pass_store(p, LL_STORE_MLP, layer, post, f, n, f);
    if (c && (rc = ll_pass_hook(p, LL_HOOK_POST, layer, c->row0, n, post, f, f, err)))
        return rc;
    ll_pass_linear(p, &mlp->W_out, post, f, n, mlp->b_out, out, d);
    ll_pass_store(p, LL_STORE_BRANCH, layer, out, d, n, d);
    return LL_OK;
}

/* ---- mixtures -------------------------------------------------------------------------------- */

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

struct experts_job {
    struct ll_pass *p;
    const struct ll_experts *moe;
    const float *x;
};

static void route_some(void *arg, int row0, int row1)
{
    struct experts_job *j = arg;
    for (int r = row0; r < row1; r++)
        choose(ll_engine_vec(j->p->engine), j->moe, j->p->router + (size_t)r * (size_t)j->moe->n,
               j->p->chosen + (size_t)r * (size_t)j->moe->top_k,
               j->p->weight + (size_t)r * (size_t)j->moe->top_k);
}

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
    struct experts_job *j = arg;
    size_t d = (size_t)j->p->model->d_model;
    for (int i = i0; i < i1; i++)
        memcpy(j->p->gathered + (size_t)i * d, j->x + (size_t)j->p->taken[i] * d, sizeof(float) * d);
}

/* out[row] += share * result; every row at most once an expert */
static void add_back_some(void *arg, int i0, int i1)
{
    struct experts_job *j = arg;
    const struct ll_vec *vec = ll_engine_vec(j->p->engine);
    size_t d = (size_t)j->p->model->d_model;
    for (int i = i0; i < i1; i++) {
        float *y = j->p->expert_out + (size_t)i * d, *out = j->p->out + (size_t)j->p->taken[i] * d;
        vec->scale(y, y, d, j->p->share[i]);
        vec->add(out, out, y, d);
    }
}

/* The shared expert's output joins with weight sigmoid(W_shared_router x). */
static int add_shared(struct ll_pass *p, const struct ll_layer *L, int layer, const float *x, int n,
                      struct ll_err *err)
{
    const struct ll_experts *moe = &L->experts;
    struct experts_job j = {p, moe, x};
    int rc = run_mlp(p, NULL, L, &moe->shared, layer, x, n, p->expert_out, err);
    ll_pass_linear(p, &moe->W_shared_router, x, p->model->d_model, n, NULL, p->share, 1);
    for (int r = 0; r < n; r++) {
        p->share[r] = (float)(1 / (1 + ll_exp(-(double)p->share[r])));
        p->taken[r] = r;
    }
    ll_engine_rows(p->engine, n, add_back_some, &j);
    return rc;
}

/* Each expert takes the rows that chose it, together; results are added in rising number of the expert from
 * zero on, the shared expert's last: the order of the reference, whatever the batch. */
static int run_experts(struct ll_pass *p, const struct ll_layer *L, int layer, const float *x, int n,
                       struct ll_err *err)
{
    const struct ll_experts *moe = &L->experts;
    struct experts_job j = {p, moe, x};
    int d = p->model->d_model, rc = LL_OK;
    ll_pass_linear(p, &moe->W_router, x, d, n, NULL, p->router, moe->n);
    ll_pass_store(p, LL_STORE_MLP, layer, p->router, moe->n, n, moe->n);
    ll_engine_rows(p->engine, n, route_some, &j);
    memset(p->out, 0, sizeof *p->out * (size_t)n * (size_t)d);
    for (int e = 0; e < moe->n && !rc; e++) {
        int taken = take_rows(p, moe, e, n);
        if (!taken)
            continue;
        ll_engine_rows(p->engine, taken, gather_some, &j);
        rc = run_mlp(p, NULL, L, &moe->mlps[e], layer, p->gathered, taken, p->expert_out, err);
        ll_engine_rows(p->engine, taken, add_back_some, &j);
    }
    return rc || !moe->shared.W_in.n ? rc : add_shared(p, L, layer, x, n, err);
}

int ll_block_mlp(struct ll_pass *p, const struct ll_chunk *c, const struct ll_layer *L, int layer,
                 const float *x, struct ll_err *err)
{
    return L->experts.n ? run_experts(p, L, layer, x, c->n, err)
                        : run_mlp(p, c, L, &L->mlp, layer, x, c->n, p->out, err);
}
