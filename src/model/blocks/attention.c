/* attention.c - the attention half of a block: grouped-query attention, with or without rotation, norms of q
 * and k, a window, a soft cap. Sources: as forward.c; learned positions, partial rotation and layers without
 * rotation change only what happens to q and k before the scores. */
#include "pass.h"

#include <string.h>

/* q, k, v of a chunk, [n, heads, d_head] each, side by side in p->qkv. */
struct qkv {
    struct ll_heads q, k;
    struct ll_rows v, all;
};

static struct qkv qkv_of(const struct ll_pass *p, const struct ll_chunk *c)
{
    const struct ll_model *m = p->model;
    int dq = m->n_heads * m->d_head, dkv = m->n_kv_heads * m->d_head, ld = dq + 2 * dkv;
    return (struct qkv){.q = {{p->qkv, c->n, dq, ld}, m->n_heads, &c->L->q_norm, c->L->b_Q},
                        .k = {{p->qkv + dq, c->n, dkv, ld}, m->n_kv_heads, &c->L->k_norm, c->L->b_K},
                        .v = {p->qkv + dq + dkv, c->n, dkv, ld},
                        .all = {p->qkv, c->n, ld, ld}};
}

/* ---- projection ------------------------------------------------------------------------------ */

struct ungroup_job {
    const struct ll_model *m;
    struct ll_rows from, to;
};

/* Rows of the one fused product [group][q heads, k, v] -> q, k, v side by side. */
static void ungroup_some(void *arg, int row0, int row1)
{
    const struct ungroup_job *j = arg;
    size_t dh = (size_t)j->m->d_head, n_kv = (size_t)j->m->n_kv_heads, per = (size_t)j->m->n_heads / n_kv,
           dq = (size_t)j->m->n_heads * dh;
    for (int r = row0; r < row1; r++) {
        const float *from = j->from.x + r * j->from.ld;
        float *q = j->to.x + r * j->to.ld, *k = q + dq, *v = k + n_kv * dh;
        for (size_t g = 0; g < n_kv; g++, from += (per + 2) * dh) {
            memcpy(q + g * per * dh, from, sizeof *q * per * dh);
            memcpy(k + g * dh, from + per * dh, sizeof *k * dh);
            memcpy(v + g * dh, from + (per + 1) * dh, sizeof *v * dh);
        }
    }
}

static void project(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, const struct qkv *to)
{
    const struct ll_layer *L = c->L;
    if (L->W_QKV.n) {
        struct ll_rows fused = {p->fused, c->n, to->all.width, to->all.ld};
        struct ungroup_job j = {p->model, fused, to->all};
        p->ops->linear(p, c, &(struct ll_product){&L->W_QKV, L->b_QKV, x, fused, LL_R_W_QKV});
        ll_engine_rows(p->engine, c->n, ungroup_some, &j);
        return;
    }
    p->ops->linear(p, c, &(struct ll_product){&L->W_Q, L->b_Q, x, to->q.rows, LL_R_W_Q});
    p->ops->linear(p, c, &(struct ll_product){&L->W_K, L->b_K, x, to->k.rows, LL_R_W_K});
    p->ops->linear(p, c, &(struct ll_product){&L->W_V, L->b_V, x, to->v, LL_R_W_V});
}

/* ---- scores, pattern, z ---------------------------------------------------------------------- */

/* The chunk's sequences as the engine takes them. */
static void describe(struct ll_pass *p, const struct ll_chunk *c, const struct qkv *in, struct ll_rows z)
{
    const int *start = c->batch->start;
    for (int s = c->seq0; s < c->seq1; s++) {
        long at = start[s] - c->row0;
        p->attn[s - c->seq0] = (struct ll_attn){.n_pos = start[s + 1] - start[s],
                                                .n_heads = p->model->n_heads,
                                                .n_kv_heads = p->model->n_kv_heads,
                                                .d_head = p->model->d_head,
                                                .window = c->L->window,
                                                .scale = c->L->attn_scale,
                                                .cap = c->L->attn_cap,
                                                .q = in->q.rows.x + at * in->q.rows.ld,
                                                .k = in->k.rows.x + at * in->k.rows.ld,
                                                .v = in->v.x + at * in->v.ld,
                                                .ldq = in->q.rows.ld,
                                                .ldkv = in->v.ld,
                                                .ldz = z.ld,
                                                .z = z.x + at * z.ld};
    }
}

/* One sequence with listeners at the scores or the pattern: compute, show, go on from what they left. */
static int attend_shown(struct ll_pass *p, const struct ll_chunk *c, int seq, struct ll_err *err)
{
    struct ll_attn a = p->attn[seq - c->seq0], step = a;
    struct ll_hook_visit v = {.layer = c->layer,
                              .row0 = c->batch->start[seq],
                              .n_rows = a.n_pos,
                              .width = a.n_pos,
                              .stride = a.n_pos,
                              .seq = seq,
                              .batch = c->batch};
    step.z = NULL;
    step.scores_out = p->scores;
    p->ops->attend(p, c, &step, 1);
    v.hook = LL_HOOK_ATTN_SCORES;
    v.data = p->scores;
    LL_TRY(ll_pass_visit(p, &v, err));

    step = a;
    step.z = NULL;
    step.scores_in = p->scores;
    step.pattern_out = p->pattern;
    p->ops->attend(p, c, &step, 1);
    v.hook = LL_HOOK_PATTERN;
    v.data = p->pattern;
    LL_TRY(ll_pass_visit(p, &v, err));

    step = a;
    step.pattern_in = p->pattern;
    p->ops->attend(p, c, &step, 1);
    return LL_OK;
}

static int attend(struct ll_pass *p, const struct ll_chunk *c, const struct qkv *in, struct ll_rows z,
                  struct ll_err *err)
{
    describe(p, c, in, z);
    if (!p->scores || p->ops->hides_scores) {
        p->ops->attend(p, c, p->attn, c->seq1 - c->seq0);
        return LL_OK;
    }
    for (int s = c->seq0; s < c->seq1; s++)
        LL_TRY(attend_shown(p, c, s, err));
    return LL_OK;
}

/* ---- the half block -------------------------------------------------------------------------- */

int ll_block_attention(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, struct ll_rows out,
                       struct ll_err *err)
{
    const struct ll_layer *L = c->L;
    const struct qkv at = qkv_of(p, c);
    struct ll_rows z = ll_rows(p->z, c->n, at.q.rows.width);

    project(p, c, x, &at);
    LL_TRY(ll_pass_hook(p, c, LL_HOOK_Q, at.q.rows, err));
    LL_TRY(ll_pass_hook(p, c, LL_HOOK_K, at.k.rows, err));
    LL_TRY(ll_pass_hook(p, c, LL_HOOK_V, at.v, err));

    if (L->q_norm.w) {
        p->ops->norm_heads(p, c, &at.q);
        p->ops->norm_heads(p, c, &at.k);
    }
    p->ops->rotate(p, c, &at.q);
    p->ops->rotate(p, c, &at.k);
    LL_TRY(ll_pass_hook(p, c, LL_HOOK_ROT_Q, at.q.rows, err));
    LL_TRY(ll_pass_hook(p, c, LL_HOOK_ROT_K, at.k.rows, err));

    LL_TRY(attend(p, c, &at, z, err));
    LL_TRY(ll_pass_hook(p, c, LL_HOOK_Z, z, err));
    p->ops->linear(p, c, &(struct ll_product){&L->W_O, L->b_O, z, out, LL_R_W_O});
    return LL_OK;
}
