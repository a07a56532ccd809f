/* mlp.c - mistakes in the MLP, in experts, and in how a block joins its halves. */
#include "edit.h"

EACH_LAYER(ll_edit_act_other, PUT(L->act, (enum ll_act)(int)e->value);)
EACH_LAYER(
    ll_edit_mlp_swapped, if (L->mlp.W_gate.n) {
        struct ll_mat w = L->mlp.W_gate;
        const float *b = L->mlp.b_gate;
        L->mlp.W_gate = L->mlp.W_in;
        L->mlp.b_gate = L->mlp.b_in;
        L->mlp.W_in = w;
        L->mlp.b_in = b;
        n++;
    })
EACH_LAYER(
    ll_edit_renorm_flipped, if (L->experts.n && L->experts.top_k > 1) {
        L->experts.renormalised = !L->experts.renormalised;
        n++;
    })
EACH_LAYER(ll_edit_resid_scale_off, PUT(L->resid_scale, 1.0f);)
EACH_LAYER(
    ll_edit_block_parallel, if (!L->parallel && (L->ln1.w || L->ln2.w)) {
        L->parallel = 1;
        n++;
    })
EACH_LAYER(
    ll_edit_block_sequential, if (L->parallel && L->ln2.w) {
        L->parallel = 0;
        n++;
    })
