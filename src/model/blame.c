/* blame.c - see blame.h */
#include "blame.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The first row with a value that is not finite, -1: none. */
static int first_bad_row(const struct ll_pass *p, struct ll_rows rows)
{
    const struct ll_vec *vec = ll_engine_vec(p->engine);
    for (int r = 0; r < rows.n; r++)
        if (!isfinite(vec->sum_sq(rows.x + r * rows.ld, (size_t)rows.width))) /* squares stay within double */
            return r;
    return -1;
}

/* ---- where a matrix or a vector comes from --------------------------------------------------- */

/* The tensor in whose bytes p lies. */
static const struct ll_tensor *tensor_at(const struct ll_model *m, const uint8_t *p)
{
    for (int i = 0; i < m->ckpt->n_tensors; i++) {
        const struct ll_tensor *t = &m->ckpt->tensors[i];
        if (p >= t->data && p < t->data + t->size)
            return t;
    }
    return NULL;
}

static int found(const struct ll_model *m, const struct ll_tensor *t, long long at, struct ll_err *err)
{
    if (err)
        err->code = 0; /* nothing else is the reason */
    return ll_fail(err, LL_EUSAGE, "%s: tensor %s: value %lld is not finite (NaN or infinity)",
                   m->ckpt->clean, t ? t->name : "(unnamed)", at);
}

/* Index in the tensor of value `col` of row `row`, as it is stored. */
static long long stored_index(const struct ll_tensor *t, const struct ll_mat *w, int row, int col)
{
    const struct ll_dtype_info *d = ll_dtype_info(w->type);
    long long per = d->block, first = t ? (long long)((w->data - t->data) / d->block_bytes) * per : 0;
    if (w->packed)
        return (long long)(w->packed_row + row) * w->k + col;
    if (w->transposed)
        return first + (long long)col * (long long)(w->row_bytes / (size_t)d->block_bytes) + row;
    if (w->paired) {
        int at = row % w->paired, half = w->paired / 2;
        row += (at < half ? 2 * at : 2 * (at - half) + 1) - at;
    }
    return first + (long long)row * (long long)(w->row_bytes / (size_t)d->block_bytes) * per + col;
}

/* 1 with the reason when rows row0..row1-1 of w hold a value that is not finite. */
static int rows_bad(const struct ll_model *m, const struct ll_mat *w, int row0, int row1, struct ll_err *err)
{
    float *row = w->n ? malloc(sizeof *row * (size_t)w->k) : NULL;
    int bad = 0;
    for (int r = row0; row && r < row1 && !bad; r++) {
        ll_mat_row(w, r, row);
        for (int k = 0; k < w->k && !bad; k++)
            if (!isfinite(row[k])) {
                const struct ll_tensor *t = tensor_at(m, w->data);
                found(m, t, stored_index(t, w, r, k), err);
                bad = 1;
            }
    }
    free(row);
    return bad;
}

static int mat_bad(const struct ll_model *m, const struct ll_mat *w, struct ll_err *err)
{
    return rows_bad(m, w, 0, w->n, err);
}

/* The same of n floats made from a tensor when the model was opened (a bias, a gain). */
static int vec_bad(const struct ll_model *m, const float *v, int n, struct ll_err *err)
{
    for (int i = 0; v && i < n; i++)
        if (!isfinite(v[i])) {
            for (int s = 0; s < m->n_small; s++)
                if (v >= m->small[s].v && v < m->small[s].v + m->small[s].n)
                    return found(m, m->small[s].from, v - m->small[s].v + i, err), 1;
            return found(m, NULL, i, err), 1;
        }
    return 0;
}

static int norm_bad(const struct ll_model *m, const struct ll_norm *norm, int n, struct ll_err *err)
{
    return vec_bad(m, norm->w, n, err) || vec_bad(m, norm->b, n, err);
}

static int linear_bad(const struct ll_model *m, const struct ll_mat *w, const float *bias, struct ll_err *err)
{
    return mat_bad(m, w, err) || vec_bad(m, bias, w->n, err);
}

/* ---- operations ------------------------------------------------------------------------------ */

/* The numbers grew too large by themselves. */
static int blame_stream(struct ll_pass *p, const char *where, int layer, int row, struct ll_err *err)
{
    p->met_nonfinite = 2;
    if (layer < 0)
        return ll_fail(err, LL_EUSAGE, "the residual stream is not finite (first seen at %s, row %d)", where,
                       row);
    return ll_fail(err, LL_EUSAGE, "the residual stream is not finite (first seen at layer %d, %s, row %d)",
                   layer, where, row);
}

static int blame_embedding(struct ll_pass *p, int id, int position, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    const struct ll_tensor *t[] = {m->W_E, m->W_pos};
    const int n[] = {m->d_vocab, m->n_positions}, row[] = {id, position};
    p->met_nonfinite = 1;
    for (int i = 0; i < 2 && t[i]; i++) {
        const struct ll_mat w = {.type = t[i]->dtype,
                                 .data = t[i]->data,
                                 .row_bytes = t[i]->size / (size_t)n[i],
                                 .n = n[i],
                                 .k = m->d_model};
        if (rows_bad(m, &w, row[i], row[i] + 1, err))
            return LL_EUSAGE;
    }
    return blame_stream(p, "embed", -1, position, err);
}

/* Gain and bias of the norm before a half block. Where there is none in front of it, the stream's own. */
static int blame_input(struct ll_pass *p, const struct ll_norm *norm, int layer, const char *where, int row,
                       struct ll_err *err)
{
    return norm_bad(p->model, norm, p->model->d_model, err) ? LL_EUSAGE
                                                            : blame_stream(p, where, layer, row, err);
}

/* q, k, v of the chunk: the first of the three that is not finite, and what it was made of. 1: blamed, -1:
 * made of finite weights, 0: all finite. */
static int qkv_bad(const struct ll_pass *p, const struct ll_chunk *c, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    const struct ll_layer *L = c->L;
    const int dq = m->n_heads * m->d_head, dkv = m->n_kv_heads * m->d_head, width[] = {dq, dkv, dkv},
              at[] = {0, dq, dq + dkv};
    const struct ll_mat *w[] = {&L->W_Q, &L->W_K, &L->W_V};
    const float *bias[] = {L->b_Q, L->b_K, L->b_V};
    const struct ll_norm *norm[] = {&L->q_norm, &L->k_norm, NULL};
    int any = 0;
    for (int i = 0; i < 3; i++) {
        if (first_bad_row(p, (struct ll_rows){p->qkv + at[i], c->n, width[i], dq + 2 * dkv}) < 0)
            continue;
        any = 1;
        int own = norm[i] && m->family->qk_norm == LL_QK_HEAD_OWN_GAIN;
        if ((L->W_QKV.n ? linear_bad(m, &L->W_QKV, L->b_QKV, err) : linear_bad(m, w[i], bias[i], err))
            || (norm[i] && norm[i]->w && norm_bad(m, norm[i], own ? width[i] : norm[i]->d, err)))
            return 1;
    }
    return -any;
}

static int blame_attention(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, int row,
                           struct ll_err *err)
{
    const struct ll_model *m = p->model;
    int bad = first_bad_row(p, x);
    if (bad >= 0)
        return blame_input(p, &c->L->ln1, c->layer, "ln1.normalized", c->row0 + bad, err);
    if ((bad = qkv_bad(p, c, err)))
        return bad > 0 ? LL_EUSAGE : blame_stream(p, "q, k, v", c->layer, c->row0 + row, err);
    if ((bad = first_bad_row(p, ll_rows(p->z, c->n, m->n_heads * m->d_head))) >= 0)
        return blame_stream(p, "z", c->layer, c->row0 + bad, err);
    if (linear_bad(m, &c->L->W_O, c->L->b_O, err) || norm_bad(m, &c->L->ln1_post, m->d_model, err))
        return LL_EUSAGE;
    return blame_stream(p, "attn_out", c->layer, c->row0 + row, err);
}

static int mlp_weights_bad(const struct ll_model *m, const struct ll_mlp *mlp, struct ll_err *err)
{
    return linear_bad(m, &mlp->W_gate, mlp->b_gate, err) || linear_bad(m, &mlp->W_in, mlp->b_in, err)
        || linear_bad(m, &mlp->W_out, mlp->b_out, err);
}

/* An MLP alone: what is left of gate and up is `post`, their product. */
static int blame_dense(struct ll_pass *p, const struct ll_chunk *c, int row, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    const struct ll_mlp *mlp = &c->L->mlp;
    int bad = first_bad_row(p, ll_rows(mlp->W_gate.n ? p->gate : p->up, c->n, mlp->W_in.n));
    if (bad >= 0) {
        if (linear_bad(m, &mlp->W_gate, mlp->b_gate, err) || linear_bad(m, &mlp->W_in, mlp->b_in, err))
            return LL_EUSAGE;
        return blame_stream(p, "post", c->layer, c->row0 + bad, err);
    }
    if (linear_bad(m, &mlp->W_out, mlp->b_out, err) || norm_bad(m, &c->L->ln2_post, m->d_model, err))
        return LL_EUSAGE;
    return blame_stream(p, "mlp_out", c->layer, c->row0 + row, err);
}

/* Did a row of the chunk whose output is not finite choose this expert? */
static int chosen_by_bad(const struct ll_pass *p, const struct ll_chunk *c, int expert)
{
    int d = p->model->d_model, top_k = c->L->experts.top_k;
    for (int r = 0; r < c->n; r++)
        for (int k = 0; k < top_k; k++)
            if (p->chosen[(size_t)r * (size_t)top_k + (size_t)k] == expert
                && first_bad_row(p, ll_rows(p->out + (size_t)r * (size_t)d, 1, d)) == 0)
                return 1;
    return 0;
}

static int blame_experts(struct ll_pass *p, const struct ll_chunk *c, int row, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    const struct ll_experts *moe = &c->L->experts;
    if (first_bad_row(p, ll_rows(p->weight, c->n, moe->top_k)) >= 0)
        return mat_bad(m, &moe->W_router, err) ? LL_EUSAGE
                                               : blame_stream(p, "router", c->layer, c->row0 + row, err);
    for (int e = 0; e < moe->n; e++)
        if (chosen_by_bad(p, c, e) && mlp_weights_bad(m, &moe->mlps[e], err))
            return LL_EUSAGE;
    if (mlp_weights_bad(m, &moe->shared, err) || mat_bad(m, &moe->W_shared_router, err)
        || norm_bad(m, &c->L->ln2_post, m->d_model, err))
        return LL_EUSAGE;
    return blame_stream(p, "mlp_out", c->layer, c->row0 + row, err);
}

static int blame_mlp(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, int row,
                     struct ll_err *err)
{
    const struct ll_layer *L = c->L;
    int bad = first_bad_row(p, x);
    if (bad >= 0)
        return blame_input(p, L->ln2.w ? &L->ln2 : &L->ln1, c->layer, "ln2.normalized", c->row0 + bad, err);
    return (L->experts.n ? blame_experts : blame_dense)(p, c, row, err);
}

int ll_blame_head(const struct ll_model *m, int input_is_finite, struct ll_err *err)
{
    return input_is_finite ? linear_bad(m, &m->W_U, m->b_U, err) : norm_bad(m, &m->ln_final, m->d_model, err);
}

/* ---- what the pass asks ---------------------------------------------------------------------- */

int ll_check_embedding(struct ll_pass *p, const struct ll_chunk *all, struct ll_rows x, struct ll_err *err)
{
    int bad = p->allow_nonfinite ? -1 : first_bad_row(p, x), seq = 0;
    if (bad < 0)
        return LL_OK;
    while (all->batch->start[seq + 1] <= bad)
        seq++;
    return blame_embedding(p, all->batch->ids[bad], bad - all->batch->start[seq], err);
}

int ll_check_scale(struct ll_pass *p, const struct ll_chunk *c, enum ll_hook hook, struct ll_err *err)
{
    for (int r = 0; r < c->n && !p->allow_nonfinite; r++)
        if (!isfinite(p->scale[c->row0 + r])) /* where the stream is not finite, this is not either */
            return blame_stream(p, ll_hook_info(hook)->name, c->layer, c->row0 + r, err);
    return LL_OK;
}

int ll_check_addend(struct ll_pass *p, const struct ll_chunk *c, enum ll_hook hook, struct ll_rows x,
                    struct ll_rows out, struct ll_err *err)
{
    int bad = p->allow_nonfinite ? -1 : first_bad_row(p, out);
    if (bad < 0)
        return LL_OK;
    p->met_nonfinite = 1;
    return (hook == LL_HOOK_ATTN_OUT ? blame_attention : blame_mlp)(p, c, x, bad, err);
}

/* The head, or the norm before it. */
static int blame_end(struct ll_pass *p, int input_is_finite, const char *else_says, struct ll_err *err)
{
    p->met_nonfinite = ll_blame_head(p->model, input_is_finite, err) ? 1 : 2;
    return ll_fail(err, LL_EUSAGE, "%s", else_says); /* the first reason stays */
}

int ll_check_final(struct ll_pass *p, const struct ll_chunk *all, struct ll_rows final, struct ll_err *err)
{
    for (int r = 0; r < all->n && !p->allow_nonfinite; r++)
        if (!isfinite(p->scale[r]))
            return blame_stream(p, "the final norm", -1, r, err);
    if (p->allow_nonfinite || first_bad_row(p, final) < 0)
        return LL_OK;
    return blame_end(p, 0, "the final norm's result is not finite", err);
}

int ll_check_logits(struct ll_pass *p, struct ll_rows logits, struct ll_err *err)
{
    size_t n = (size_t)logits.n * (size_t)logits.width;
    for (size_t i = 0; i < n && !p->allow_nonfinite; i++)
        if (!(logits.x[i] <= FLT_MAX)) /* a word masked by a bias of -inf is in order */
            return blame_end(p, 1, "the logits are not finite", err);
    return LL_OK;
}
