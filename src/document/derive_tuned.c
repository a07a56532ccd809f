/* derive_tuned.c - see doc_tuned.h */
#include "doc_tuned.h"

#include "rules.h"

void ll_doc_tuned_of(struct ll_doc_tuned *out, const struct ll_doc_given *g,
                     const struct ll_doc_tuned_given *lens)
{
    *out = (struct ll_doc_tuned){.gain_p50 = ll_sidecar_gain_p50(g->main, LL_OF_TUNED, g->scratch)};
    if (lens)
        out->lens = *lens;
    if (!out->lens.is_asked)
        out->lens.mode = LL_TUNED_OFF;
    out->status = out->lens.is_loaded                          ? "loaded"
        : out->lens.is_asked && out->lens.mode == LL_TUNED_OFF ? "disabled"
                                                               : "missing";
    if (!out->lens.is_loaded)
        return;
    ll_sidecar_of(&out->base, g->main, LL_OF_NORM);
    ll_sidecar_of(&out->alt, g->main, LL_OF_TUNED);
    for (int i = 0; i < LL_N_RANK_AT; i++)
        out->rank_delta[i] = ll_layer_delta(out->base.rank[i], out->alt.rank[i]);
    for (int i = 0; i < 3; i++)
        out->kl_gain[i] = out->base.kl_at[i] - out->alt.kl_at[i];
    out->first_kl_delta = ll_layer_delta(out->base.first_kl_1, out->alt.first_kl_1);
    out->hint = out->lens.audit.tuned[1] > LL_TUNED_HINT_BITS ? "tuned" : NULL;
}
