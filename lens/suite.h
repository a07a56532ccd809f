/* suite.h - what several passes say together: the facts of the micro-suite, the wording without its filler,
 * the negative control (docs/experiment.md 12). Pure functions of the passes' milestones and rows. */
#ifndef LL_SUITE_H
#define LL_SUITE_H
#include "milestones.h"

/* One fact. delta_hat = (L_semantic - copy layer) / n, the copy layer being the strict one, else the earliest
 * soft one. */
struct ll_fact {
    int L_copy_strict, L_copy_soft_k1, L_semantic, L_confirmed, L_margin_ok; /* -1: none */
    double delta_hat;    /* NAN: one of the two layers is missing */
    long long row_index; /* 0-based data row of L_semantic in the pure table; -1 */
};
/* first_row: data row of the pass's row 0. A confirmed layer counts for the main pass only
 * (docs/experiment.md 12.1). */
void ll_fact_from(struct ll_fact *f, const struct ll_pass_milestones *m, long long first_row, int is_main);

/* Medians of what is known, rounded to an integer (half to even), -1: nothing known. */
struct ll_suite {
    int n, n_missing; /* facts; facts without L_semantic */
    int L_copy_strict, L_copy_soft_k1, L_semantic, L_confirmed, L_margin_ok;
    double L_semantic_median; /* unrounded; NAN: none */
    int iqr[2];               /* of L_semantic: 25 and 75 percent, rounded alike; -1 */
    double delta_hat;         /* median, 4 decimals; NAN */
};
void ll_suite_of(struct ll_suite *out, const struct ll_fact *facts, int n, double *scratch /* [n] */);

/* docs/experiment.md 3.4: margin = p(the control's answer) - p(the main answer's id), row by row. */
struct ll_control {
    int first_margin, first_strong; /* margin > 0; and the answer on top with a lead of at least 0.5 logits */
    double max_margin, max_gap;     /* NAN: never known */
};
void ll_control_of(struct ll_control *out, const struct ll_pass_stats *s, double strong_gap);
#endif
