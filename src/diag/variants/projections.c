/* projections.c - mistakes around the products: biases left out, matrices taken for each other or read in
 * another order of rows. */
#include "edit.h"

EACH_LAYER(ll_edit_bias_off, DROP(L->b_Q); DROP(L->b_K); DROP(L->b_V); DROP(L->b_QKV); DROP(L->b_O);
           DROP(L->mlp.b_gate); DROP(L->mlp.b_in); DROP(L->mlp.b_out);)
EACH_LAYER(ll_edit_bias_qkv_off, DROP(L->b_Q); DROP(L->b_K); DROP(L->b_V); DROP(L->b_QKV);)
EACH_LAYER(ll_edit_bias_o_off, DROP(L->b_O);)
EACH_LAYER(ll_edit_bias_mlp_off, DROP(L->mlp.b_gate); DROP(L->mlp.b_in); DROP(L->mlp.b_out);)
EACH_LAYER(
    ll_edit_kv_swapped, if (L->W_K.n && !L->W_K.paired) {
        struct ll_mat w = L->W_K;
        const float *b = L->b_K;
        L->W_K = L->W_V;
        L->b_K = L->b_V;
        L->W_V = w;
        L->b_V = b;
        n++;
    })

/* W_Q and W_K read as the other convention has them (a bias follows its rows). to 1: as pairs, 0: as
 * halves. */
static int permute(struct ll_edit *e, struct ll_mat *w, const float **bias, int to)
{
    int dh = e->m->d_head, half = dh / 2;
    if (!w->n || w->packed || w->transposed || (w->paired != 0) == to || dh % 2)
        return 0;
    w->paired = to ? dh : 0;
    if (!*bias)
        return 1;
    float *b = ll_edit_copy(e, *bias, w->n);
    if (!b)
        return LL_EFAIL;
    for (int h = 0; h < w->n; h += dh)
        for (int i = 0; i < dh; i++) {
            int pairs = i < half ? 2 * i : 2 * (i - half) + 1; /* where row i lies among pairs */
            b[h + (to ? i : pairs)] = (*bias)[h + (to ? pairs : i)];
        }
    *bias = b;
    return 1;
}

int ll_edit_qk_permute(struct ll_edit *e)
{
    int n = 0, rc;
    for (int l = e->from; l < e->to; l++) {
        struct ll_layer *L = &e->m->layers[l];
        if ((rc = permute(e, &L->W_Q, &L->b_Q, (int)e->value)) < 0)
            return rc;
        n += rc;
        if ((rc = permute(e, &L->W_K, &L->b_K, (int)e->value)) < 0)
            return rc;
        n += rc;
    }
    return n;
}
