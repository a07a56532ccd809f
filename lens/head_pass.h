/* head_pass.h - many residual rows through the unembedding together, statistics instead of logits.
 *
 * Rows come in groups: a group is one position of one prompt, with the model's own normalised row (made by
 * the pass) and the lens rows of that position. W_U is walked in vocabulary tiles (engine.h, ll_walk); per
 * row a running maximum, log-sum-exp, entropy, top-k, ranks of given ids and the divergence from the group's
 * final distribution are kept. No [layers, positions, vocabulary] array ever exists. Where a group holds lens
 * row n_layers, its logits are compared with the model's own, tile by tile, by memcmp (not at another site,
 * nor where a bare head leaves something out).
 *
 * Per row, with l its logits and f the model's own logits of the group, p = softmax(l):
 *     entropy = -sum p log2 p
 *     KL(row || final) = sum p (log2 p - log2 p_f)
 *     rank(id) = 1 + #{v: l[v] > l[id]}
 * Bits do not depend on threads, on the grouping into calls or on row mates: tiles and tasks have fixed width
 * and merge in rising order.
 *
 * The Jensen-Shannon divergence needs both log-sum-exps before its first term. So the logits of a block of
 * rows (LL_HEAD_BLOCK_BYTES) are kept while W_U is walked for it, and a second look at them, tile by tile in
 * rising order, adds what divergence.h says. So W_U is walked once for each block. */
#ifndef LL_HEAD_PASS_H
#define LL_HEAD_PASS_H
#include "lens.h"
#include "topk.h"

enum {
    LL_MAX_TRACKED = 16,
    LL_HEAD_BLOCK_BYTES = 64 << 20 /* logits kept of a block; but a position's rows always go together */
};

struct ll_head_group {
    const float *model_row; /* [d_model] ln_final.normalized of this position, borrowed */
    int first_row, n_rows;  /* its lens rows in rows[] */
    const int *tracked;     /* ids whose rank and logit are wanted, borrowed */
    int n_tracked;          /* 0..LL_MAX_TRACKED */
    int k;                  /* size of its top lists, up to the job's; 0: the job's */
};

struct ll_head_row {
    const float *resid; /* [d_model] the residual, borrowed */
    int layer;          /* lens row 0..n_layers */
};

/* One row's results. top is sorted, best first. */
struct ll_head_out {
    double lse;                                              /* natural log of sum exp(logits) */
    double entropy_bits, kl_to_final_bits, js_to_final_bits; /* the model's own row: 0, 0 */
    int n_top;
    struct ll_hit *top; /* [k], borrowed from the caller's array */
    float tracked_logit[LL_MAX_TRACKED];
    int tracked_rank[LL_MAX_TRACKED];
};
/* p of a logit of this row. */
double ll_head_p(const struct ll_head_out *o, float logit);

struct ll_head_job {
    const struct ll_model *model;
    struct ll_engine *engine;
    enum ll_lens_kind lens;
    int ln_bias_drop; /* inner rows without the LayerNorm's bias (lens.h) */
    /* lens rows without the head's multiplier and soft cap (--head bare, docs/experiment.md 2.3); the model's
     * own rows always have them, so row n_layers is compared only where there are none */
    int bare_head;
    enum ll_lens_site site; /* where rows 1..n_layers were read: elsewhere than at resid_post row n_layers is
                               not compared */
    int k;                  /* size of the top lists, 1..d_vocab */
    long long block_bytes;  /* 0: LL_HEAD_BLOCK_BYTES; changes no bit */
    const struct ll_head_group *groups;
    int n_groups;
    const struct ll_head_row *rows; /* [sum of n_rows] */
    struct ll_head_out *out;        /* [sum of n_rows]; out[i].top must point to k hits */
    struct ll_head_out *model_out;  /* [n_groups] the model's own distribution; NULL: not wanted */
    void (*progress)(void *arg, long long done, long long total); /* rows x vocabulary; may be NULL */
    void *progress_arg;
};
/* Returns LL_OK; LL_EUSAGE (k, ids out of range; logits not finite: which row); LL_EFAIL (memory); LL_ECHECK
 * when a lens row n_layers differs from the model's own logits. */
int ll_head_pass(const struct ll_head_job *job, struct ll_err *err);
/* Working memory of a head pass over n_pos positions with all lens rows, engine scratch excluded. */
long long ll_head_pass_bytes(const struct ll_model *m, long long n_pos, int k, int n_threads);

/* Full logits [n, d_vocab] of normalised rows [n, d_model], the same bits as in the walk; bare as bare_head
 * above. The engine is reserved for n x d_model. ll_head_logits: one row, not bare. */
void ll_head_logits_rows(const struct ll_model *m, struct ll_engine *eng, const float *normed, int n,
                         int bare, float *logits);
/* Full logits [d_vocab] of one normalised row (the same bits as in the walk), and the statistics of a whole
 * vector at temperature t (logits divided by t): entropy in bits, top-k (top must hold k). */
void ll_head_logits(const struct ll_model *m, struct ll_engine *eng, const float *normed, float *logits);
void ll_logits_stats(const float *logits, int n, double t, int k, struct ll_hit *top, int *n_top,
                     double *entropy_bits, double *lse);
#endif
