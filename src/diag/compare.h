/* compare.h - our activation against the reference's: every error figure a diagnostic prints, in double.
 *
 * Errors are ours - reference over the values that both have. mae: mean |e|; rmse: sqrt(mean e^2); rel: rmse
 * / rms(reference); mae_rel: mae / mean |reference|; cosine over all values; top3: share of the squared error
 * that the three worst columns (dimensions) carry. Masked scores are left out. Values that are not finite
 * count in n_bad and are left out. */
#ifndef LL_COMPARE_H
#define LL_COMPARE_H
#include "acts.h"
#include "tensor_stats.h"

struct ll_cmp {
    int64_t n, n_bad; /* values compared; values not finite on either side */
    double mae, rmse, max, rel, mae_rel, cosine, top3;
    int max_row,
        max_col; /* token (of POS_POS points: row of [heads, pos]) and dimension of the largest error */
    double max_ours, max_ref; /* the two values there */
    int top_dim[3];           /* columns of top3, -1: none */
    struct ll_tensor_stats ours, ref;
};
/* What to leave out: rows (tokens) and columns (dimensions); NULL: nothing. */
struct ll_cmp_mask {
    const unsigned char *rows;
    const unsigned char *cols;
}; /* [n_pos], [width]; 1: left out; borrowed */
/* ours holds all rows of the pass, ref those from ref->row0 on. Returns LL_OK, LL_EUSAGE (widths or rows do
 * not fit) or LL_EFAIL. */
int ll_compare(struct ll_cmp *c, const struct ll_actv *ours, const struct ll_actv *ref, int is_scores,
               const struct ll_cmp_mask *mask, struct ll_err *err);
#endif
