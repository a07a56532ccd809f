/* attention.c - the attention half of a block (pass.h). Sources: as forward.c; learned positions, partial
 * rotation and layers without rotation change only what happens to q and k before the scores. */
#include "ops.h"
#include "pass.h"
#include "rope.h"

#include <string.h>

struct rows_job {
    struct ll_pass *p;
    const struct ll_chunk *c;
    float *a; /* first head of row 0 of the chunk */
    long lda;
    int n_heads;
    const struct ll_norm *norm;
    int own_gains; /* each head has its own gain */
    const struct ll_rope *rope;
};

/* The cos and sin rows of a sequence: longrope has two tables, chosen by the sequence's own length. */
static const struct ll_rope_rows *table_of(const struct ll_pass *p, const struct ll_rope *rope, int n_pos)
{
    return &p->rope_rows[(rope == &p->model->rope             ? 0
                              : rope == &p->model->rope_local ? 2
                                                              : 4)
                         + ll_rope_is_long(rope, n_pos)];
}

/* Rotate the heads of each row by the row's position in its sequence. */
static void rotate_some(void *arg, int row0, int row1)
{
    struct rows_job *j = arg;
    const struct ll_model *m = j->p->model;
    const int *start = j->c->batch->start;
    int seq = j->c->seq0, half = j->rope->d_rot / 2;
    float own_cos[LL_MAX_D_HEAD / 2], own_sin[LL_MAX_D_HEAD / 2];
    for (int r = row0; r < row1; r++) {
        while (start[seq + 1] <= j->c->row0 + r)
            seq++;
        int n_pos = start[seq + 1] - start[seq], pos = j->c->row0 + r - start[seq];
        const struct ll_rope_rows *t = table_of(j->p, j->rope, n_pos);
        size_t at = (size_t)pos * (size_t)half;
        const float *cosines = t->cos + at, *sines = t->sin + at;
        if (ll_rope_grows(j->rope, n_pos)) {
            ll_rope_row(j->rope, n_pos, pos, own_cos, own_sin);
            cosines = own_cos;
            sines = own_sin;
        }
        ll_rope_apply(j->rope, j->a + r * j->lda, j->n_heads, m->d_head, cosines, sines);
    }
}

/* Norm of each head of each row (Qwen 3), or of all heads together (OLMo 2: n_heads 1). */
static void norm_heads_some(void *arg, int row0, int row1)
{
    struct rows_job *j = arg;
    const struct ll_vec *vec = ll_engine_vec(j->p->engine);
    struct ll_norm norm = *j->norm;
    for (int r = row0; r < row1; r++)
        for (int h = 0; h < j->n_heads; h++) {
            float *x = j->a + r * j->lda + (long)h * norm.d;
            norm.w = j->norm->w + (j->own_gains ? (long)h * norm.d : 0);
            ll_norm_row(vec, &norm, x, x);
        }
}

static void norm_heads(struct ll_pass *p, int n_rows, float *a, long lda, int n_heads,
                       const struct ll_norm *norm)
{
    int wide = norm->d != p->model->d_head;
    struct rows_job j = {.p = p,
                         .a = a,
                         .lda = lda,
                         .n_heads = wide ? 1 : n_heads,
                         .norm = norm,
                         .own_gains = p->model->family->qk_norm == LL_QK_HEAD_OWN_GAIN};
    ll_engine_rows(p->engine, n_rows, norm_heads_some, &j);
}

static void norm_qk(struct ll_pass *p, const struct ll_chunk *c, const struct ll_layer *L, float *q, float *k,
                    long ld)
{
    norm_heads(p, c->n, q, ld, p->model->n_heads, &L->q_norm);
    norm_heads(p, c->n, k, ld, p->model->n_kv_heads, &L->k_norm);
}

/* Rows of the one fused product [group][q heads, k, v] -> q, k, v side by side. */
static void ungroup_some(void *arg, int row0, int row1)
{
    struct rows_job *j = arg;
    const struct ll_model *m = j->p->model;
    size_t dh = (size_t)m->d_head, n_kv = (size_t)m->n_kv_heads, per = (size_t)m->n_heads / n_kv,
           dq = (size_t)m->n_heads * dh;
    for (int r = row0; r < row1; r++) {
        const float *from = j->p->fused + (size_t)r * (size_t)j->lda;
        float *q = j->a + r * j->lda, *k = q + dq, *v = k + n_kv * dh;
        for (size_t g = 0; g < n_kv; g++, from += (per + 2) * dh) {
            memcpy(q + g * per * dh, from, sizeof *q * per * dh);
            memcpy(k + g * dh, from + per * dh, sizeof *k * dh);
            memcpy(v + g * dh, from + (per + 1) * dh, sizeof *v * dh);
        }
    }
}

static void project_rows(struct ll_pass *p, const struct ll_chunk *c, const struct ll_layer *L,
                         const float *x, long ld)
{
    const struct ll_model *m = p->model;
    int dq = m->n_heads * m->d_head, dkv = m->n_kv_heads * m->d_head;
    if (L->W_QKV.n) {
        struct rows_job j = {.p = p, .a = p->qkv, .lda = ld};
        ll_pass_linear(p, &L->W_QKV, x, m->d_model, c->n, L->b_QKV, p->fused, ld);
        ll_engine_rows(p->engine, c->n, ungroup_some, &j);
        return;
    }
    int late = (L->odd & LL_ODD_BIAS_LATE) != 0;
    ll_pass_linear(p, &L->W_Q, x, m->d_model, c->n, late ? NULL : L->b_Q, p->qkv, ld);
    ll_pass_linear(p, &L->W_K, x, m->d_model, c->n, late ? NULL : L->b_K, p->qkv + dq, ld);
    ll_pass_linear(p, &L->W_V, x, m->d_model, c->n, L->b_V, p->qkv + dq + dkv, ld);
}

static void project(struct ll_pass *p, const struct ll_chunk *c, const struct ll_layer *L, int layer,
                    const float *x, long ld)
{
    project_rows(p, c, L, x, ld);
    ll_pass_store(p, LL_STORE_QKV, layer, p->qkv, ld, c->n, (int)ld);
}

/* Attention of one sequence with listeners at the scores or the pattern: compute, show, go on from what they
 * left. */
static int attend_with_hooks(struct ll_pass *p, struct ll_attn *a, int layer, int seq, int row0,
                             struct ll_err *err)
{
    int rc;
    float *z = a->z;
    struct ll_hook_visit v = {LL_HOOK_ATTN_SCORES, layer,   row0, a->n_pos, a->n_pos, a->n_pos, seq,
                              p->scores,           p->batch};
    a->z = NULL;
    a->scores_out = p->scores;
    ll_attention(p->engine, a);
    if ((rc = ll_pass_call(p, &v, err)))
        return rc;
    a->scores_out = NULL;
    a->scores_in = p->scores;
    a->pattern_out = p->pattern;
    ll_attention(p->engine, a);
    v.hook = LL_HOOK_PATTERN;
    v.data = p->pattern;
    if ((rc = ll_pass_call(p, &v, err)))
        return rc;
    a->pattern_out = NULL;
    a->scores_in = NULL;
    a->pattern_in = p->pattern;
    a->z = z;
    ll_attention(p->engine, a);
    return LL_OK;
}

int ll_block_attention(struct ll_pass *p, const struct ll_chunk *c, const struct ll_layer *L, int layer,
                       const float *x, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    int dh = m->d_head, dq = m->n_heads * dh, dkv = m->n_kv_heads * dh, rc;
    long ld = dq + 2 * dkv;
    float *q = p->qkv, *k = q + dq, *v = k + dkv; /* [n, heads, d_head] each, row stride ld */
    struct ll_engine *e = p->engine;

    project(p, c, L, layer, x, ld);
    if ((rc = ll_pass_hook(p, LL_HOOK_Q, layer, c->row0, c->n, q, dq, ld, err))
        || (rc = ll_pass_hook(p, LL_HOOK_K, layer, c->row0, c->n, k, dkv, ld, err))
        || (rc = ll_pass_hook(p, LL_HOOK_V, layer, c->row0, c->n, v, dkv, ld, err)))
        return rc;

    int norm_late = (L->odd & LL_ODD_QK_NORM_LATE) != 0;
    if (L->q_norm.w && !norm_late) {
        norm_qk(p, c, L, q, k, ld);
        ll_pass_store(p, LL_STORE_QKV, layer, q, ld, c->n, dq + dkv);
    }
    if (L->rope) {
        struct rows_job jq = {.p = p, .c = c, .a = q, .lda = ld, .n_heads = m->n_heads, .rope = L->rope};
        struct rows_job jk = {.p = p, .c = c, .a = k, .lda = ld, .n_heads = m->n_kv_heads, .rope = L->rope};
        ll_engine_rows(e, c->n, rotate_some, &jq);
        ll_engine_rows(e, c->n, rotate_some, &jk);
        ll_pass_store(p, LL_STORE_QKV, layer, q, ld, c->n, dq + dkv);
    }
    if (L->q_norm.w && norm_late)
        norm_qk(p, c, L, q, k, ld);
    if (L->odd & LL_ODD_BIAS_LATE && L->b_Q && L->b_K)
        for (int r = 0; r < c->n; r++) {
            ll_engine_vec(e)->add(q + r * ld, q + r * ld, L->b_Q, (size_t)dq);
            ll_engine_vec(e)->add(k + r * ld, k + r * ld, L->b_K, (size_t)dkv);
        }
    if ((rc = ll_pass_hook(p, LL_HOOK_ROT_Q, layer, c->row0, c->n, q, dq, ld, err))
        || (rc = ll_pass_hook(p, LL_HOOK_ROT_K, layer, c->row0, c->n, k, dkv, ld, err)))
        return rc;

    const int *start = c->batch->start;
    for (int s = c->seq0; s < c->seq1; s++) {
        size_t at = (size_t)(start[s] - c->row0);
        p->attn[s - c->seq0] = (struct ll_attn){.n_pos = start[s + 1] - start[s],
                                                .n_heads = m->n_heads,
                                                .n_kv_heads = m->n_kv_heads,
                                                .d_head = dh,
                                                .window = L->window,
                                                .scale = L->attn_scale,
                                                .cap = L->attn_cap,
                                                .modulo = (L->odd & LL_ODD_GROUPING) != 0,
                                                .q = q + at * (size_t)ld,
                                                .k = k + at * (size_t)ld,
                                                .v = v + at * (size_t)ld,
                                                .ldq = ld,
                                                .ldkv = ld,
                                                .ldz = dq,
                                                .z = p->z + at * (size_t)dq};
    }
    int own = p->numeric && p->numeric->attend;
    for (int s = c->seq0; own && s < c->seq1; s++)
        p->numeric->attend(p->numeric->arg, e, &p->attn[s - c->seq0]);
    if (!p->scores && !own)
        ll_attention_many(e, p->attn, c->seq1 - c->seq0);
    for (int s = c->seq0; p->scores && !own && s < c->seq1; s++)
        if ((rc = attend_with_hooks(p, &p->attn[s - c->seq0], layer, s, start[s], err)))
            return rc;
    ll_pass_store(p, LL_STORE_Z, layer, p->z, dq, c->n, dq);
    if ((rc = ll_pass_hook(p, LL_HOOK_Z, layer, c->row0, c->n, p->z, dq, dq, err)))
        return rc;
    ll_pass_linear(p, &L->W_O, p->z, dq, c->n, L->b_O, p->out, m->d_model);
    ll_pass_store(p, LL_STORE_BRANCH, layer, p->out, m->d_model, c->n, m->d_model);
    return LL_OK;
}
