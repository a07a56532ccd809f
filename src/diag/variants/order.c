/* order.c - mistakes that are no change of the model: an operation of a block done at another place, or on
 * another head. A pass over a variant computes by the table here (pass_ops.h), which does as the plain one
 * does but for the mistakes of the layer at hand. */
#include "edit.h"

static void note_mistake(struct ll_edit *e, int layer, enum ll_mistake mistake)
{
    e->variant->mistakes[layer] ^= mistake; /* twice is not at all */
}

EACH_LAYER(
    ll_edit_qk_norm_late, if (L->q_norm.w && L->rope) {
        note_mistake(e, l, LL_MISTAKE_QK_NORM_LATE);
        n++;
    })
EACH_LAYER(
    ll_edit_bias_late, if (L->b_Q && L->b_K && L->rope) {
        note_mistake(e, l, LL_MISTAKE_BIAS_LATE);
        n++;
    })
EACH_LAYER(
    ll_edit_grouping_modulo, if (e->m->n_kv_heads > 1 && e->m->n_kv_heads < e->m->n_heads) {
        note_mistake(e, l, LL_MISTAKE_GROUPING);
        n++;
    })
EACH_LAYER(
    ll_edit_act_order, if (L->mlp.W_gate.n || (L->experts.n && L->experts.mlps[0].W_gate.n)) {
        note_mistake(e, l, LL_MISTAKE_ACT_ORDER);
        n++;
    })

/* ---- the pass that makes them ---------------------------------------------------------------- */

static int makes(const struct ll_pass *p, const struct ll_chunk *c, enum ll_mistake mistake)
{
    const struct ll_variant *v = p->ops->own;
    return c->layer >= 0 && v->mistakes[c->layer] & mistake;
}

static void linear(struct ll_pass *p, const struct ll_chunk *c, const struct ll_product *op)
{
    struct ll_product bare = *op;
    if ((op->role == LL_R_W_Q || op->role == LL_R_W_K) && makes(p, c, LL_MISTAKE_BIAS_LATE))
        bare.bias = NULL;
    ll_pass_ops_plain.linear(p, c, &bare);
}

static void norm_heads(struct ll_pass *p, const struct ll_chunk *c, const struct ll_heads *h)
{
    if (!makes(p, c, LL_MISTAKE_QK_NORM_LATE))
        ll_pass_ops_plain.norm_heads(p, c, h);
}

/* "Late" is behind the rotation. */
static void rotate(struct ll_pass *p, const struct ll_chunk *c, const struct ll_heads *h)
{
    const struct ll_vec *vec = ll_engine_vec(p->engine);
    ll_pass_ops_plain.rotate(p, c, h);
    if (h->norm->w && makes(p, c, LL_MISTAKE_QK_NORM_LATE))
        ll_pass_ops_plain.norm_heads(p, c, h);
    for (int r = 0; r < h->rows.n && h->bias && makes(p, c, LL_MISTAKE_BIAS_LATE); r++) {
        float *row = h->rows.x + r * h->rows.ld;
        vec->add(row, row, h->bias, (size_t)h->rows.width);
    }
}

/* Query head h reads key/value head h mod n_kv_heads: each run of n_kv_heads query heads reads them in
 * turn. */
static void attend_modulo(struct ll_pass *p, const struct ll_attn *a)
{
    size_t square = (size_t)a->n_pos * (size_t)a->n_pos;
    for (int h = 0; h < a->n_heads; h += a->n_kv_heads) {
        struct ll_attn run = *a;
        run.n_heads = a->n_kv_heads;
        run.q += (size_t)h * (size_t)a->d_head;
        run.z = a->z ? a->z + (size_t)h * (size_t)a->d_head : NULL;
        run.scores_out = a->scores_out ? a->scores_out + (size_t)h * square : NULL;
        run.pattern_out = a->pattern_out ? a->pattern_out + (size_t)h * square : NULL;
        run.scores_in = a->scores_in ? a->scores_in + (size_t)h * square : NULL;
        run.pattern_in = a->pattern_in ? a->pattern_in + (size_t)h * square : NULL;
        ll_attention(p->engine, &run);
    }
}

static void attend(struct ll_pass *p, const struct ll_chunk *c, const struct ll_attn *a, int n)
{
    if (!makes(p, c, LL_MISTAKE_GROUPING))
        ll_pass_ops_plain.attend(p, c, a, n);
    else
        for (int i = 0; i < n; i++)
            attend_modulo(p, &a[i]);
}

/* gate <- gate * act(up) */
static void activate(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows gate, struct ll_rows up)
{
    const struct ll_vec *vec = ll_engine_vec(p->engine);
    size_t n = (size_t)up.n * (size_t)up.width;
    if (!gate.x || !makes(p, c, LL_MISTAKE_ACT_ORDER)) {
        ll_pass_ops_plain.activate(p, c, gate, up);
        return;
    }
    ll_activate(vec, c->L->act, up.x, n);
    vec->mul(gate.x, gate.x, up.x, n);
}

unsigned ll_variant_mistakes(const struct ll_model *model, int layer)
{
    if (!model->ops || model->ops->attend != attend)
        return 0;
    const struct ll_variant *v = model->ops->own;
    return v->mistakes[layer];
}

struct ll_pass_ops ll_variant_ops_of(struct ll_variant *v)
{
    struct ll_pass_ops ops = ll_pass_ops_plain;
    ops.own = v;
    ops.linear = linear;
    ops.norm_heads = norm_heads;
    ops.rotate = rotate;
    ops.attend = attend;
    ops.activate = activate;
    return ops;
}
