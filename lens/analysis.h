/* analysis.h - everything the experiment says about the last position of one pass (spec 9.2, 13 to 17), from its residual
 * rows: readings through the norm lens, the raw lens and a tuned lens, their divergences, overlaps, masses and angles.
 *
 * The rows' logits are made a few layers at a time (a buffer of LL_ANALYSIS_BYTES, never [layers, vocabulary]) by the
 * products of the model's own head, so that they carry the bits of the walk (head_pass.h); the statistics of a row are
 * double sums over the vocabulary in a fixed order. No result depends on threads or on how many rows fit the buffer. */
#ifndef LL_ANALYSIS_H
#define LL_ANALYSIS_H
#include "pass_stats.h"

struct ll_tuned; /* tuned.h */

enum { LL_ANALYSIS_BYTES = 64 << 20 };
enum ll_raw_mode {
    LL_RAW_OFF, LL_RAW_SAMPLE, /* rows 0, n/4+1, n/2+1, 3n/4+1 (spec 15.1) */
    LL_RAW_FULL                /* every row (default) */
};

struct ll_analysis {
    const struct ll_model *model;
    struct ll_engine *engine;
    enum ll_lens_kind lens;
    int ln_bias_drop;
    int bare_head;                      /* lens rows without the head's multiplier and soft cap (spec 4, --head bare) */
    const struct ll_tuned *tuned;       /* NULL: none */
    enum ll_raw_mode raw;
    const float *const *resid;          /* [n_layers + 1] residual rows of the last position, [d_model] each; borrowed */
    const float *final_normed;          /* [d_model] what the model's own head reads; borrowed */
    const int *prompt_vocab; int n_prompt_vocab; /* distinct ids of the prompt that are not blank (spec 9.2); borrowed */
    int answer_id, control_id;          /* -1: none. control_id: in a control pass the main answer's id */
    const double *tau;                  /* [n_layers + 1] from ll_calibrate, or NULL */
};
/* Fill stats (made by ll_pass_stats_init; ids and rows are set here, the flags stay 0). Returns LL_OK, LL_EUSAGE (ids out of
 * range) or LL_EFAIL (memory). */
int ll_analysis_run(const struct ll_analysis *job, struct ll_pass_stats *stats, struct ll_err *err);

/* Norm-lens temperatures (spec 17.1): per row the one of 25 log-spaced values in [0.2, 5] with the least mean cross-entropy
 * of softmax(z / tau) against the model's own output, over n passes. tau [n_layers + 1]. */
int ll_calibrate(const struct ll_analysis *passes, int n, double *tau, struct ll_err *err);

/* The same residual decoded with the current block's ln2 and with the next block's ln1 (spec 16.3); pre-norm families. */
struct ll_decoding_point {
    int row;
    struct ll_reading ln1, ln2;
    double jaccard10, jaccard50;
    double spearman50;                  /* over the union of both top-50 lists, an absent id ranks 51 */
};
int ll_decoding_points(const struct ll_analysis *job, const int *rows, int n, struct ll_decoding_point *out, struct ll_err *err);

/* Lens row n against the model's own output (spec 14). With the default head everything is exactly 0 and equal. */
struct ll_last_row {
    double kl_to_final_bits;
    int top1_agree;
    double p_top1_lens, p_top1_model, p_answer_lens;
    int answer_rank_lens;
    double temp_est, kl_after_temp_bits;
    double scale, softcap;              /* of the configuration; NAN: none */
    double kl_after_scale_bits, kl_after_softcap_bits, kl_after_both_bits; /* NAN where there is no such transform */
};
int ll_last_row_check(const struct ll_analysis *job, struct ll_last_row *out, struct ll_err *err);

/* Decode every row a second time (spec 16.4): 0, 0, 0 here, by rule. */
struct ll_repeatability { double max_rank_dev, p95_rank_dev, top1_flip_rate; };
int ll_analysis_repeat(const struct ll_analysis *job, const struct ll_pass_stats *first, struct ll_repeatability *out, struct ll_err *err);

/* ---- functions of plain vectors, with known answers (spec 7) --------------------------------------------------------
 * z: logits [n]; lse: natural log of the sum of their exponentials; sums are double in rising order of the index. */
double ll_dist_lse(const float *z, int n);
double ll_dist_entropy_bits(const float *z, int n, double lse);
double ll_dist_kl_bits(const float *a, double lse_a, const float *b, double lse_b, int n);
double ll_dist_js_bits(const float *a, double lse_a, const float *b, double lse_b, int n);
double ll_dist_l1(const float *a, double lse_a, const float *b, double lse_b, int n);
int ll_dist_rank(const float *z, int n, int id);                       /* 1 + ids with a strictly greater logit */
double ll_dist_cosine(const float *a, const float *b, int n);          /* denominators + 1e-12; NAN when not finite */
double ll_topk_jaccard(const struct ll_hit *a, int n_a, const struct ll_hit *b, int n_b, int k); /* of the first k; both empty: 1 */
double ll_spearman(const double *x, const double *y, int n);           /* Pearson correlation of average ranks; NAN for n < 2 or a constant list */
#endif
