/* diff_stats.h - the rows of a comparison gathered into a summary of each lens row: mean, median, 95th
 * percentile, worst. Values are kept (a few numbers a row and position), so that order statistics are exact.
 */
#ifndef LL_DIFF_STATS_H
#define LL_DIFF_STATS_H
#include "diff.h"
#include "diff_record.h"

struct ll_diff_stats {
    int n_rows, first_layer; /* lens rows; number of the first */
    size_t n, cap;           /* positions so far */
    double *v;               /* [n_rows, LL_DIFF_MEASURES, cap]; owned */
    int *flips;              /* [n_rows]; owned */
    /* the position with the largest KL(A || B) in the last row; first in order on ties */
    int worst_prompt, worst_pos;
    struct ll_diff_row worst;
};
/* n_positions: how many will be added. Returns LL_OK or LL_EFAIL (memory); after a failure there is nothing
 * to free. */
int ll_diff_stats_init(struct ll_diff_stats *s, int n_rows, int first_layer, size_t n_positions,
                       struct ll_err *err);
void ll_diff_stats_add(struct ll_diff_stats *s, const struct ll_diff_result *r);
/* Summary of row 0..n_rows-1; `beyond` by the tolerances. Sorts the kept values: add no more afterwards. */
void ll_diff_stats_layer(struct ll_diff_stats *s, int row, const double tolerance[LL_DIFF_TOLERANCES],
                         struct ll_diff_layer *out);
void ll_diff_stats_free(struct ll_diff_stats *s);
#endif
