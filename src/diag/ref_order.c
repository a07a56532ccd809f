/* ref_order.c - llama.cpp keeps W_Q and W_K of Llama-like models so that neighbouring values rotate together;
 * its q and k nodes then hold each head in that order (ref_place.h). */
#include "compare.h"
#include "ref_place.h"

#include <string.h>

static const struct {
    int bit, hook;
} kinds[] = {{1, LL_HOOK_Q}, {2, LL_HOOK_K}, {4, LL_HOOK_ROT_Q}, {8, LL_HOOK_ROT_K}};

/* Are the values `ref` of this point nearer to the pass `over` the ids when each head's order is undone? */
static int nearer_unpaired(struct ll_acts_pass over, struct ll_actv *ref, int hook, int layer, int *unpair,
                           struct ll_err *err)
{
    int d_head = over.model->d_head;
    unsigned char only[4096] = {0};
    struct ll_acts got = {0};
    struct ll_cmp as_is, undone;
    struct ll_acts_want want = {.hooks = LL_HOOK_BIT(hook), .layers = only};
    if (layer >= (int)sizeof only)
        return LL_OK;
    only[layer] = 1;
    over.to = layer + 1;
    over.want = &want;
    int rc = ll_acts_run(&got, &over, err);
    if (!rc && !(rc = ll_compare(&as_is, ll_acts_at(&got, hook, layer), ref, 0, NULL, err))) {
        ll_ref_unpair(ref, d_head);
        rc = ll_compare(&undone, ll_acts_at(&got, hook, layer), ref, 0, NULL, err);
        *unpair = undone.rmse < as_is.rmse;
        ll_ref_pair(ref, d_head);
    }
    ll_acts_free(&got);
    return rc;
}

int ll_ref_settle_order(struct ll_ref_place *p, struct ll_acts *acts, struct ll_engine *eng, const int *ids,
                        int *found, struct ll_err *err)
{
    const struct ll_acts_pass over = {.model = p->m, .engine = eng, .ids = ids, .n_ids = p->n_pos};
    int unpair = 0, rc = LL_OK;
    *found = 0;
    for (int l = 0; l < p->m->n_layers && !rc; l++)
        for (int k = 0; k < 4 && !rc; k++) {
            struct ll_actv *a = ll_acts_at(acts, kinds[k].hook, l);
            if (!(p->paired[l] & kinds[k].bit) || !a->x || a->bad_at >= 0)
                continue;
            if (!*found && !(rc = nearer_unpaired(over, a, kinds[k].hook, l, &unpair, err)))
                *found = 1 + unpair;
            if (unpair)
                ll_ref_unpair(a, p->m->d_head);
        }
    return rc;
}
