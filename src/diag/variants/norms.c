/* norms.c - mistakes in norms: epsilon, gain, bias, kind, or none at all. */
#include "edit.h"

#include <string.h>

typedef int (*norm_fn)(struct ll_edit *e, struct ll_norm *n);

static int each_norm(struct ll_edit *e, int with_qk, norm_fn fn)
{
    int changed = 0, rc;
    for (int l = e->from; l < e->to; l++) {
        struct ll_layer *L = &e->m->layers[l];
        struct ll_norm *all[] = {&L->ln1, &L->ln1_post, &L->ln2, &L->ln2_post, &L->q_norm, &L->k_norm};
        for (int i = 0; i < (with_qk ? 6 : 4); i++)
            if (all[i]->w) {
                if ((rc = fn(e, all[i])) < 0)
                    return rc;
                changed += rc;
            }
    }
    if (!e->whole)
        return changed;
    return (rc = fn(e, &e->m->ln_final)) < 0 ? rc : changed + rc;
}

static int scale_eps(struct ll_edit *e, struct ll_norm *n)
{
    float was = n->eps;
    n->eps = (float)((double)was * e->value);
    return n->eps != was;
}
static int put_eps(struct ll_edit *e, struct ll_norm *n)
{
    float was = n->eps;
    n->eps = (float)e->value;
    return n->eps != was;
}
static int shift_gain(struct ll_edit *e, struct ll_norm *n)
{
    /* own gains ([heads, d_head]) would be longer than d */
    int len = e->m->family->qk_norm == LL_QK_HEAD_OWN_GAIN && n->d == e->m->d_head ? 0 : n->d;
    float *w = len ? ll_edit_copy(e, n->w, len) : NULL;
    if (!w)
        return len ? LL_EFAIL : 0;
    for (int i = 0; i < len; i++)
        w[i] += (float)e->value;
    n->w = w;
    return 1;
}
static int drop_norm_bias(struct ll_edit *e, struct ll_norm *n)
{
    int there = n->b != NULL;
    (void)e;
    n->b = NULL;
    return there;
}
static int is_centred(const struct ll_norm *n)
{
    return n->kind == LL_NORM_LAYER || n->kind == LL_NORM_LAYER_NO_BIAS;
}
static int keep_mean(struct ll_edit *e, struct ll_norm *n)
{
    (void)e;
    if (!is_centred(n))
        return 0;
    n->kind = LL_NORM_RMS;
    return 1;
}
static int drop_mean(struct ll_edit *e, struct ll_norm *n)
{
    (void)e;
    if (is_centred(n))
        return 0;
    n->kind = LL_NORM_LAYER_NO_BIAS;
    return 1;
}

int ll_edit_eps_scaled(struct ll_edit *e) { return each_norm(e, 1, scale_eps); }
int ll_edit_eps_value(struct ll_edit *e) { return each_norm(e, 1, put_eps); }
int ll_edit_norm_offset(struct ll_edit *e) { return each_norm(e, 1, shift_gain); }
int ll_edit_norm_bias_off(struct ll_edit *e) { return each_norm(e, 0, drop_norm_bias); }
int ll_edit_norm_rms(struct ll_edit *e) { return each_norm(e, 0, keep_mean); }
int ll_edit_norm_layer(struct ll_edit *e) { return each_norm(e, 0, drop_mean); }

static int drop_norm(struct ll_norm *n)
{
    int there = n->w != NULL;
    memset(n, 0, sizeof *n);
    return there;
}

EACH_LAYER(ll_edit_qk_norm_off, n += drop_norm(&L->q_norm); drop_norm(&L->k_norm);)
EACH_LAYER(ll_edit_post_norm_off, n += drop_norm(&L->ln1_post); n += drop_norm(&L->ln2_post);)
