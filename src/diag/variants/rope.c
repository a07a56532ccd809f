/* rope.c - mistakes in the rotation: pairs, base, scaling, or none at all. */
#include "edit.h"

#include <string.h>

typedef int (*rope_fn)(struct ll_edit *e, struct ll_rope *r);

/* All of the model's rotations, or that of one layer, which then gets its own. */
static int each_rope(struct ll_edit *e, rope_fn fn)
{
    struct ll_model *m = e->m;
    struct ll_layer *L = &m->layers[e->from];
    int rc = 0, changed = 0;
    for (int i = 0; i < m->n_ropes && e->whole; i++) {
        if (m->ropes[i].d_rot && (rc = fn(e, &m->ropes[i])) < 0)
            return rc;
        changed += m->ropes[i].d_rot ? rc : 0;
    }
    if (e->whole || !L->rope)
        return changed;
    if (L->rope != e->variant->own) {
        if (e->variant->own)
            return ll_fail(e->err, LL_EUSAGE, "a variant may change the rotation of one layer only");
        struct ll_rope *own = &m->ropes[m->n_ropes++];
        *own = *L->rope;
        L->rope = e->variant->own = own;
        if (ll_edit_own_freqs(e, own))
            return LL_EFAIL;
    }
    return fn(e, &m->ropes[L->rope - m->ropes]);
}

static int pair(struct ll_edit *e, struct ll_rope *r)
{
    int was = r->interleaved;
    r->interleaved = (int)e->value;
    return was != r->interleaved && r->d_rot > 2; /* one pair is the same either way */
}
static int rebase(struct ll_edit *e, struct ll_rope *r)
{
    if (r->theta == e->value)
        return 0;
    for (int i = 0; i < r->d_rot / 2; i++) {
        double ratio = ll_pow(e->value / r->theta, -2.0 * i / r->d_rot);
        r->inv_freq[i] = (float)((double)r->inv_freq[i] * ratio);
        if (r->long_freq)
            r->long_freq[i] = (float)((double)r->long_freq[i] * ratio);
    }
    r->theta = e->value;
    return r->d_rot > 2; /* the first frequency is 1 whatever the base */
}
static int unscale(struct ll_edit *e, struct ll_rope *r)
{
    (void)e;
    if (!strcmp(r->kind, "default"))
        return 0;
    for (int i = 0; i < r->d_rot / 2; i++)
        r->inv_freq[i] = (float)ll_pow(r->theta, -2.0 * i / r->d_rot);
    r->long_freq = NULL;
    r->grows_from = 0;
    r->attn_factor = 1;
    r->kind = "default";
    return 1;
}

int ll_edit_rope_pairs(struct ll_edit *e) { return each_rope(e, pair); }
int ll_edit_rope_base(struct ll_edit *e) { return each_rope(e, rebase); }
int ll_edit_rope_scaling_off(struct ll_edit *e) { return each_rope(e, unscale); }
int ll_edit_rope_off(struct ll_edit *e)
{
    int n = 0;
    for (int l = e->from; l < e->to; l++) {
        n += e->m->layers[l].rope != NULL;
        e->m->layers[l].rope = NULL;
    }
    return n;
}
int ll_edit_rope_local_off(struct ll_edit *e)
{
    int n = 0;
    for (int l = e->from; l < e->to; l++)
        if (e->m->layers[l].rope == &e->m->ropes[LL_ROPE_LOCAL]) {
            e->m->layers[l].rope = &e->m->ropes[LL_ROPE_MAIN];
            n++;
        }
    return n;
}
