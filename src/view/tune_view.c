/* tune_view.c - see tune_view.h */
#include "tune_view.h"

#include <math.h>

void ll_tune_view(struct ll_buf *out, const struct ll_tune *t, const struct ll_tune_job *job)
{
    const struct ll_model *m = job->model;
    int lower = 0;
    ll_buf_addf(out, "%s: %lld tokens fitted, %lld positions held out, ridge %g\n", m->ckpt->clean,
                t->n_fit_tokens, t->n_held_out, job->ridge);
    ll_buf_addf(out,
                "bits on the held-out text: KL to the model's output, and -log2 p of the next token\n\n");
    ll_buf_addf(out, "layer  KL lens  KL tuned   next lens  next tuned\n");
    for (int l = 0; l < m->n_layers; l++) {
        const struct ll_tuned_gain *g = &t->gain[l];
        ll_buf_addf(out, "%5d %8.3f  %8.3f    %8.3f    %8.3f\n", l, g->kl_lens_bits, g->kl_tuned_bits,
                    g->nll_lens_bits, g->nll_tuned_bits);
        lower += g->kl_tuned_bits < g->kl_lens_bits;
    }
    ll_buf_addf(out, "%5d %8.3f  %8.3f    %8.3f    %8.3f  the model\n\n", m->n_layers, 0.0, 0.0,
                t->own_nll_bits, t->own_nll_bits);
    ll_buf_addf(out, "KL is lower at %d of %d inner layers\n", lower, m->n_layers);
    for (int i = 0; i < LL_N_SKIPS; i++)
        if (!isnan(t->skips.ppl_increase[i]))
            ll_buf_addf(out, "without the last %d blocks perplexity is %+.1f %%%s\n", ll_skips[i],
                        100 * t->skips.ppl_increase[i],
                        !i && t->skips.regression == 1 ? "  (above 20 %: the lens is no stand-in for them)"
                                                       : "");
}
