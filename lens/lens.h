/* lens.h - residual-stream rows as next-token distributions.
 *
 *     logits = cap(W_U . (gamma * x / rms(x))),  rms(x) = sqrt(mean(x^2) + eps)
 *     or, with a LayerNorm, gamma * (x - mean(x)) / sqrt(var(x) + eps) + beta in place of gamma * x / rms(x)
 *
 * The statistics are taken from x itself at every layer ("true RMS"): none is borrowed from the layer the
 * norm belongs to; what a lens kind chooses is gain gamma and bias beta. beta may be left out (ln_bias_drop)
 * at every row but the last. The head's own bias, multiplier and soft cap (ops.h, ll_head_tail) belong to
 * every row (but see bare_head, head_pass.h). Row 0 decodes the embedding, row l what leaves block l-1; row
 * n_layers always uses the final norm, so it must equal the model's own output bit for bit (head_pass.h
 * checks). Sources: nostalgebraist 2020 (logit lens); Zhang & Sennrich 2019 (RMSNorm). */
#ifndef LL_LENS_H
#define LL_LENS_H
#include "hook.h"
#include "model.h"

enum ll_lens_kind {
    LL_LENS_FINAL,    /* the final norm's gain at every row (default) */
    LL_LENS_NEXT_LN1, /* row l: ln1 of block l (the next block) */
    LL_LENS_POST_LN2, /* row 0: ln1 of block 0; row l: ln2 of block l-1 */
    LL_LENS_RAW,      /* no norm at rows 0..n-1; row n is the model's own (final norm) */
    LL_N_LENSES
};
#define LL_LENS_CHOICES "final|next-ln1|post-ln2|raw"
/* Where rows 1..n_layers are read; row 0 is the embedding. Only at LL_SITE_RESID_POST is row n the model's
 * output. */
enum ll_lens_site { LL_SITE_RESID_POST, LL_SITE_RESID_MID, LL_SITE_ATTN_OUT, LL_SITE_MLP_OUT, LL_N_SITES };
#define LL_SITE_CHOICES "resid_post|resid_mid|attn_out|mlp_out"
const char *ll_site_name(enum ll_lens_site site); /* that of its hook (hook.h) */
enum ll_hook ll_site_hook(enum ll_lens_site site);
int ll_site_by_name(const char *name); /* -1: unknown */
/* LL_OK, or LL_EUNSUP where the family's blocks have no such point. */
int ll_site_check(const struct ll_model *m, enum ll_lens_site site, struct ll_err *err);

/* 1: lens row n_layers must be the model's own output, bit for bit; not at another site, nor where a bare
 * head leaves a multiplier or a soft cap out. */
int ll_last_row_is_own(const struct ll_model *m, enum ll_lens_site site, int bare_head);

struct ll_lens_info {
    const char *name;
    const char *warning; /* NULL: none */
};
const struct ll_lens_info *ll_lens_info(enum ll_lens_kind kind);
int ll_lens_by_name(const char *name); /* -1: unknown */

/* The norm that decodes row `row` (0..n_layers), or NULL for a row that is decoded raw. Where a family has no
 * such norm the nearest one stands in: LL_LENS_POST_LN2 takes the norm of the MLP's output (OLMo 2), else the
 * block's ln1 (parallel blocks with one norm); LL_LENS_NEXT_LN1 without an ln1 decodes raw. */
const struct ll_norm *ll_lens_norm(const struct ll_model *m, enum ll_lens_kind kind, int row);
/* y[d_model] = what the unembedding reads for residual x at that row. ln_bias_drop: rows 0..n_layers-1 leave
 * beta out. */
void ll_lens_normalize(const struct ll_model *m, const struct ll_vec *vec, enum ll_lens_kind kind,
                       int ln_bias_drop, int row, const float *x, float *y);
#endif
