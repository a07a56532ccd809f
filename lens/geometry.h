/* geometry.h - angles and lengths of the residual rows of one position (docs/experiment.md 6), beside their
 * distributions. */
#ifndef LL_GEOMETRY_H
#define LL_GEOMETRY_H
#include "analysis.h"
#include "decode.h"

/* normed [n_layers + 1, d_model]: what the unembedding reads at each row, its length in rows[].norm.norm;
 * tuned: the same of the tuned lens where rows[].tuned is set, its length in tuned.norm; NULL: none. Fills
 * resid_norm, resid_norm_ratio, delta_resid_cos, cos_to_answer and cos_to_prompt_max of every row, the latter
 * two in tuned_cells, too. Cosines are NAN where a vector is zero or not finite. Returns LL_OK or LL_EFAIL
 * (memory). */
int ll_geometry(const struct ll_analysis *job, const struct ll_decode *threads, const float *normed,
                const float *tuned, struct ll_row_stats *rows, struct ll_err *err);
#endif
