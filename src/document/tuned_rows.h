/* tuned_rows.h - rows of the two tables that compare a tuned lens with the plain one (tuned_cols.h;
 * docs/experiment.md 11.3). */
#ifndef LL_TUNED_ROWS_H
#define LL_TUNED_ROWS_H
#include "pass_stats.h"
#include "pos_frac.h"
#include "tuned_cols.h"

struct ll_tuned_point {
    double kl_bits, entropy_bits;
    int answer_rank;
}; /* NAN, -1: not known */
struct ll_tuned_point ll_tuned_point_of_head(const struct ll_head_out *o,
                                             int has_answer); /* of a sweep; rank: tracked id 0 */

/* Fill a cleared row from the statistics of lens row `layer` (0..n_layers) of a pass; for rows whose tuned
 * reading is set. */
void ll_fill_tuned_variant(struct ll_row *row, const struct ll_pass_info *info, int layer,
                           const struct ll_row_stats *s);
/* Fill a cleared row of the audit along the prompt. */
void ll_fill_pos_audit(struct ll_row *row, const struct ll_pass_info *info, struct ll_pos_frac at, int layer,
                       struct ll_tuned_point baseline, struct ll_tuned_point tuned);
#endif
