/* tuned.h - a tuned lens: per lens row an affine translator of the residual towards the final one, before
 * norm and head.
 *
 *     h' = h + (W_l h + b_l),   l = 0..n_layers-1;   row n_layers is the model's own and stays as it is
 *
 * Translator l reads what enters block l: lens row l. The residual form means that W = 0, b = 0 is the plain
 * lens. W h follows rule B of the engine, b and h are added with one rounding each, so the bits are those of
 * every machine. Source: Belrose et al. 2023, arXiv 2303.08112 (tuned lens); the tuned-lens package (residual
 * form, numbering of rows). Knows models and numbers; ckpt/tuned_file.h knows the files,
 * src/session/tuned_open.h joins both. */
#ifndef LL_TUNED_H
#define LL_TUNED_H
#include "model.h"

struct ll_tuned;

struct ll_translator {
    struct ll_mat W; /* [d_model, d_model], borrowed; n 0: this row has no translator */
    const float *b;  /* [d_model], copied; NULL: none */
};

/* layers: [n], n = n_layers of the model. release(owner) is called by ll_tuned_free when the matrices are no
 * longer needed (NULL: the caller keeps them alive); after a failure the owner stays the caller's. Returns
 * LL_OK, LL_EUSAGE (number or shape of translators does not fit the model, values not finite in b) or
 * LL_EFAIL (memory). */
int ll_tuned_make(struct ll_tuned **t, const struct ll_model *model, const struct ll_translator *layers,
                  int n, void *owner, void (*release)(void *owner), struct ll_err *err);
void ll_tuned_free(struct ll_tuned *t); /* NULL is fine */

/* 1: this lens row has a translator. Row n_layers (and anything outside 0..n_layers-1): 0. */
int ll_tuned_has(const struct ll_tuned *t, int layer);
/* resid [n_rows, d_model] of lens row `layer` -> out [n_rows, d_model]; out may not overlap resid. A row
 * without translator is copied. Reserves the engine for n_rows x d_model. Bits do not depend on threads or
 * n_rows. LL_OK or LL_EFAIL (memory). */
int ll_tuned_apply(const struct ll_tuned *t, struct ll_engine *eng, int layer, const float *resid, int n_rows,
                   float *out, struct ll_err *err);
/* What the row's logits are divided by: 1, because the published layout has no temperatures. */
double ll_tuned_temperature(const struct ll_tuned *t, int layer);
#endif
