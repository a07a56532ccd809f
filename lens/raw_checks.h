/* raw_checks.h - does the norm lens say more than the residual does? Raw against norm, row by row
 * (docs/experiment.md 8).
 *
 * Pure functions of the rows that were read raw as well (reading raw.is_set); rows that were not do not
 * count. Levels and weights: rules.h. */
#ifndef LL_RAW_CHECKS_H
#define LL_RAW_CHECKS_H
#include "milestones.h"

/* 1: the answer has rank 1 through the norm but not raw; 0: not so; -1: not read raw, or no answer. */
int ll_norm_only_semantic(const struct ll_row_stats *r);

enum ll_tier { LL_TIER_LOW, LL_TIER_MEDIUM, LL_TIER_HIGH };
const char *ll_tier_name(enum ll_tier t); /* "low", "medium", "high" */

/* docs/experiment.md 8.2: the rows of the sampled check, 0, n/4+1, n/2+1, 3n/4+1, distinct and at most n.
 * Returns how many. */
enum { LL_RAW_SAMPLES = 4 };
int ll_raw_sample_rows(int n_layers, int rows[LL_RAW_SAMPLES]);
struct ll_raw_sampled {
    int n;               /* sampled rows read raw */
    int first_norm_only; /* -1: none */
    double max_kl_bits;  /* KL(norm to raw); NAN for n 0 */
    enum ll_tier risk;   /* high: a norm-only row, or LL_RAW_KL_HIGH reached; medium: LL_RAW_KL_MEDIUM */
};
void ll_raw_sampled(struct ll_raw_sampled *out, const struct ll_pass_stats *s);

/* docs/experiment.md 8.4: rows within the radius of L_semantic, first_rank_le_5, first_kl_below_1.0, the
 * strict copy and the earliest soft copy. One radius for all passes of a model: 8 when the main pass's
 * sampled check is high or reaches 1 bit, else 4 (the original took 4 for its first pass whatever it found:
 * docs/experiment.md 16.2). */
enum { LL_RAW_CENTERS = 5 };
int ll_raw_window_radius(const struct ll_raw_sampled *main_pass);
int ll_raw_window_centers(const struct ll_pass_milestones *m,
                          int centers[LL_RAW_CENTERS]); /* distinct, rising; returns how many */
int ll_raw_window_layers(const struct ll_pass_milestones *m, int radius,
                         int *layers); /* [n_layers + 1], rising; returns how many */

/* docs/experiment.md 8.3 and 8.5. Percentiles are p25, p50, p75; NAN and -1 where no row was read raw.
 * score = PCT_KL pct_ge_1 + NORM_ONLY [n_norm_only > 0] + MAX_KL min(1, max_kl / KL_FULL); v2 adds
 * JS min(1, js_p50 / JS_FULL) and L1 min(1, l1_p50 / L1_FULL), cut to 0..1. Constants: LL_ARTIFACT_... */
struct ll_raw_full {
    int n;                              /* rows read raw */
    double pct_kl_ge_1, pct_kl_ge_half; /* fractions 0..1 of those rows */
    int n_norm_only, earliest_norm_only;
    double max_kl_bits;
    double js[3], l1[3];
    int first_js, first_l1; /* first row near by LL_RAW_JS_NEAR, LL_RAW_L1_NEAR */
    double jaccard50_p50;
    int first_jaccard; /* first row near by LL_RAW_JACCARD_NEAR */
    double kl_raw_norm_p50;
    double score, score_v2;
    enum ll_tier tier; /* of score */
};
void ll_raw_full(struct ll_raw_full *out, const struct ll_pass_stats *s, double *scratch /* [n_rows] */);
#endif
