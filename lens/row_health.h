/* row_health.h - can a pass's milestones be trusted: numeric health, the residual's growth, agreement of
 * lenses, gates under a small change of scale, and what a further lens gains (docs/experiment.md 9.4, 9.6
 * to 9.8, 11.3). Pure functions of the rows. */
#ifndef LL_ROW_HEALTH_H
#define LL_ROW_HEALTH_H
#include "milestones.h"

/* docs/experiment.md 9.6, over the norm lens' logits. */
struct ll_numeric_health {
    int any_nan, any_inf, n_flagged; /* rows with either */
    double max_abs_logit_p99, min_p_p01;
};
void ll_numeric_health_of(struct ll_numeric_health *out, const struct ll_pass_stats *s,
                          double *scratch /* [n_rows] */);

/* docs/experiment.md 9.7: least-squares line of ln(length of the raw residual) on the row; spikes are rows
 * with resid_norm_ratio > 3 or delta_resid_cos < 0.8 at or before L_semantic (all rows where there is none).
 */
enum ll_shape {
    LL_SHAPE_SPIKE,
    LL_SHAPE_PLATEAU,
    LL_SHAPE_MONOTONIC,
    LL_SHAPE_NON_MONOTONIC,
    LL_SHAPE_UNKNOWN
};
const char *ll_shape_name(enum ll_shape s); /* "spike", "plateau", "monotonic", "non_monotonic", NULL */
struct ll_trajectory {
    enum ll_shape shape;
    double slope, r2;
    int n_spikes, n_rows;
};
void ll_trajectory_of(struct ll_trajectory *out, const struct ll_pass_stats *s, int L_semantic);

/* docs/experiment.md 9.8: targets with a layer, in the order written; is_semantic: a low agreement there
 * counts. */
enum { LL_MAX_TARGETS = 6 };
struct ll_target {
    const char *name;
    int layer, is_semantic;
};
int ll_consistency_targets(const struct ll_pass_milestones *m, struct ll_target out[LL_MAX_TARGETS]);
struct ll_agreement {
    double jaccard10, jaccard50, spearman50;
};
/* Norm against LL_OF_RAW or LL_OF_TUNED at a row; NAN: not read; 1 where the tuned lens leaves row n as it
 * is. */
struct ll_agreement ll_agreement_at(const struct ll_pass_stats *s, int layer, enum ll_lens_of lens);
/* Medians over targets, and whether jaccard@10 or spearman lies below 0.30 at a semantic one. */
struct ll_agreement ll_agreement_p50(const struct ll_pass_stats *s, enum ll_lens_of lens,
                                     const struct ll_target *t, int n, int *is_low);

/* docs/experiment.md 9.4: share of ll_gate_scales at which the gates still hold; a run2 target needs both
 * rows. */
struct ll_gate {
    const char *name;
    int layer;
    double uniform_margin, top2_gap, both;
};
enum { LL_N_GATES = 3 };
/* L_semantic_norm, L_semantic_strong, L_semantic_strong_run2, those that have a layer. Returns how many;
 * *least (NAN: none) the smallest share of both. */
int ll_gates_of(struct ll_gate out[LL_N_GATES], const struct ll_pass_stats *s,
                const struct ll_pass_milestones *m, const struct ll_milestone_rules *r, double *least);

/* docs/experiment.md 11.3: one lens in figures. kl_at: rows round(n/4), round(n/2), round(3n/4), half to
 * even. */
int ll_quarter_row(int n_layers, int quarter /* 1..3 */);
struct ll_sidecar {
    int rank[LL_N_RANK_AT];
    double kl_at[3];
    int first_kl_1;
};
void ll_sidecar_of(struct ll_sidecar *out, const struct ll_pass_stats *s, enum ll_lens_of lens);
/* Median over rows of KL(norm) - KL(tuned), bits; NAN: no tuned rows. */
double ll_sidecar_gain_p50(const struct ll_pass_stats *s, enum ll_lens_of lens,
                           double *scratch /* [n_rows] */);
#endif
