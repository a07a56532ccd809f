/* tuned_gains.h - what a tuned lens gains against the plain one, gathered over all passes (the original's
 * summary held its last pass only: docs/experiment.md 11.4, 16.2). */
#ifndef LL_TUNED_GAINS_H
#define LL_TUNED_GAINS_H
#include "tuned_rows.h"

struct ll_gain_list {
    double *v;
    size_t n, cap;
}; /* owned */
struct ll_tuned_gains {
    struct ll_gain_list tuned, temp;        /* of KL, rows 0..n_layers-1 of all passes */
    struct ll_gain_list at[LL_N_POS_FRACS]; /* by fraction; all passes */
    double kl_final;                        /* largest KL of the tuned row n_layers over the passes: 0 */
    int failed;                             /* out of memory: said by ll_tuned_gains_ok */
};
void ll_tuned_gains_pass(struct ll_tuned_gains *g, const struct ll_pass_stats *stats);
/* Rows 0..n_layers-1 only. */
void ll_tuned_gains_position(struct ll_tuned_gains *g, double frac, struct ll_tuned_point baseline,
                             struct ll_tuned_point tuned);
int ll_tuned_gains_ok(const struct ll_tuned_gains *g, struct ll_err *err);
void ll_tuned_gains_free(struct ll_tuned_gains *g);

/* Their percentiles; NAN where nothing was gathered. */
struct ll_tuned_audit {
    double tuned[3], temp[3];    /* p25, p50, p75 */
    double grid[LL_N_POS_FRACS]; /* fractions looked at */
    int n_grid;
    double in_dist, out_of_dist, gap; /* medians up to LL_POS_IN, from LL_POS_OUT on; their difference */
    double kl_final;
    long long n_rows;
};
/* Sorts what was gathered. LL_OK or LL_EFAIL (memory). */
int ll_tuned_audit_of(struct ll_tuned_audit *out, struct ll_tuned_gains *g, struct ll_err *err);
#endif
