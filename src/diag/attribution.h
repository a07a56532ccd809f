/* attribution.h - which part of the model speaks for a token: direct logit attribution at one position.
 *
 * The residual is a sum: embedding + every attention output + every MLP output. With the final norm's divisor
 * frozen at what the pass used, the logit before the soft cap is linear in that sum, so each part has its
 * share:
 *     u = logit_scale * gamma * W_U[t] / scale        (minus its mean where the norm takes the mean off)
 *     share(part) = u . part;     bias = logit_scale * (beta . W_U[t] + b_U[t])
 * A head's share goes through W_O; where attention's output is normed before it joins the stream (post-norm),
 * that norm's divisor is frozen as well. For a difference of two tokens W_U[t] - W_U[other] stands for
 * W_U[t]. Direct effects only: what a part does through later blocks is theirs. Sums in double; they close on
 * the model's own float32 logit up to `residue`. Source: nostalgebraist 2020; Elhage et al. 2021;
 * TransformerLens, logit_attrs. */
#ifndef LL_ATTRIBUTION_H
#define LL_ATTRIBUTION_H
#include "intervene.h"

struct ll_attribution_job {
    struct ll_engine *engine;
    struct ll_intervene *iv; /* ready; its model is run */
    const int *ids;
    int n_ids;
    int pos;       /* position read, 0..n_ids - 1; -1: the last */
    int id, other; /* token; and the one it is compared with, -1: none */
};
struct ll_attribution {
    int n_layers, n_heads;
    double embed, bias;           /* embedding (with learned positions); beta and b_U */
    double *attn, *mlp;           /* [n_layers] shares; owned, as all below */
    double *attn_bias, *mlp_bias; /* [n_layers] the part of attn and mlp that is their output's bias */
    double *head;                 /* [n_layers, n_heads] */
    double *written;     /* [n_layers] what interventions wrote to the stream itself; else rounding */
    double logit;        /* the model's own, before the soft cap (a difference of two with other) */
    double capped;       /* after it; equal where there is none */
    double residue;      /* logit minus all shares (written included only with interventions) */
    double head_residue; /* largest |attn - heads - attn_bias| of a block */
    double scale;        /* the final norm's divisor */
};
/* LL_OK; LL_EUSAGE (ids outside the vocabulary, what the pass refuses) or LL_EFAIL. After a failure there
 * is nothing to free. */
int ll_attribution_run(struct ll_attribution *a, const struct ll_attribution_job *job, struct ll_err *err);
void ll_attribution_free(struct ll_attribution *a);
#endif
