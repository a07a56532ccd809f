/* analysis.h - everything the experiment says about the last position of one pass (docs/experiment.md 4 to
 * 10), from its residual rows: readings through the norm lens, the raw lens and a tuned lens, their
 * divergences, overlaps, masses and angles.
 *
 * What the walk of the head says of the rows and of the model's own output (head_pass.h) is taken from there:
 * log-sum-exp, entropy, divergence, list, ranks and probabilities. The rest needs whole rows of logits.
 * The rows' logits are made a few layers at a time (a buffer of LL_ANALYSIS_BYTES, never [layers,
 * vocabulary]) by the products of the model's own head, so that they carry the bits of the walk
 * (head_pass.h); the statistics of a row are double sums over the vocabulary in a fixed order. No result
 * depends on threads or on how many rows fit the buffer. */
#ifndef LL_ANALYSIS_H
#define LL_ANALYSIS_H
#include "dist.h"
#include "pass_stats.h"
#include "tuned.h"

enum { LL_ANALYSIS_BYTES = 64 << 20 };
enum ll_raw_mode {
    LL_RAW_OFF,
    LL_RAW_SAMPLE, /* rows 0, n/4+1, n/2+1, 3n/4+1 (docs/experiment.md 8.2) */
    LL_RAW_FULL    /* every row (default) */
};
#define LL_RAW_CHOICES "off|sample|full"

/* What the walk has said of the last position; borrowed. Its lists hold LL_TOP_COMPARED ids, or the whole
 * vocabulary. */
struct ll_walked {
    const struct ll_head_out *rows; /* lens row l: rows[l * stride] */
    int stride;
    const struct ll_head_out *own;
    int answer, control; /* which followed ids are answer_id and control_id; -1: not followed */
};

struct ll_analysis {
    const struct ll_model *model;
    struct ll_engine *engine;
    enum ll_lens_kind lens;
    int ln_bias_drop;
    int bare_head;                /* lens rows without the head's multiplier and soft cap (--head bare,
                                     docs/experiment.md 2.3) */
    const struct ll_tuned *tuned; /* NULL: none */
    enum ll_raw_mode raw;
    const float *const
        *resid; /* [n_layers + 1] residual rows of the last position, [d_model] each; borrowed */
    const float *final_normed; /* [d_model] what the model's own head reads; borrowed */
    enum ll_lens_site site;    /* where the rows were read */
    struct ll_walked walk;     /* of the same rows; not needed by ll_calibrate and ll_decoding_points */
    const int *prompt_vocab;
    int n_prompt_vocab; /* distinct ids of the prompt that are not blank (docs/experiment.md 5.1); borrowed */
    int answer_id, control_id; /* -1: none. control_id: in a control pass the main answer's id */
    const double *tau;         /* [n_layers + 1] from ll_calibrate, or NULL */
    long long buffer_bytes;    /* logits at hand; 0: LL_ANALYSIS_BYTES */
};
/* Fill stats (made by ll_pass_stats_init; ids and rows are set here, the flags stay 0). Of a row the raw
 * reading is set where job->raw says, tuned where the tuned lens has a translator, tuned_temp where its
 * temperature is not 1. The tuned lens is the translated residual through the final norm and the head, logits
 * divided by the row's temperature; tuned_temp is the norm lens' logits divided by it. Bias-free logits
 * (cos_to_final) are the logits as the head leaves them, less b_U. Divergences beside the walk's (tau,
 * tuned, raw) are double sums over the vocabulary. Allocates for itself; one call at a time an engine.
 * Returns LL_OK, LL_EUSAGE (ids out of range; lists too short; the model's own logits not finite) or LL_EFAIL
 * (memory). */
int ll_analysis_run(const struct ll_analysis *job, struct ll_pass_stats *stats, struct ll_err *err);

/* Norm-lens temperatures (docs/experiment.md 10.1): per row the one of 25 log-spaced values in [0.2, 5] with
 * the least mean cross-entropy of softmax(z / tau) against the model's own output, over n passes of one model
 * and engine. 1 stays where another does no better, so row n_layers (default head) has 1. tau [n_layers + 1].
 * LL_OK, LL_EUSAGE or LL_EFAIL (memory: n times 12 bytes a vocabulary entry beside the buffer). */
int ll_calibrate(const struct ll_analysis *passes, int n, double *tau, struct ll_err *err);

/* The same residual decoded with the current block's ln2 and with the next block's ln1
 * (docs/experiment.md 9.9). Row 0 has no block behind it (ln1 of block 0 twice), row n_layers none before it
 * (the final norm for ln1). */
struct ll_decoding_point {
    int row;
    struct ll_reading ln1, ln2;
    double jaccard10, jaccard50;
    double spearman50; /* over the union of both top-50 lists, an absent id ranks 51 */
};
/* 1 when each block has a norm before attention and one before the MLP (pre-norm families). */
int ll_decoding_points_exist(const struct ll_model *model);
/* rows [n], out [n]. LL_OK; LL_EUNSUP (a family without both norms), LL_EUSAGE (rows, ids), LL_EFAIL
 * (memory). */
int ll_decoding_points(const struct ll_analysis *job, const int *rows, int n, struct ll_decoding_point *out,
                       struct ll_err *err);

/* Lens row n against the model's own output (docs/experiment.md 9.1). With the default head everything is
 * exactly 0 and equal. */
struct ll_last_row {
    double kl_to_final_bits;
    int top1_agree;
    double p_top1_lens, p_top1_model, p_answer_lens;
    int answer_rank_lens;
    double temp_est, kl_after_temp_bits; /* the one of 25 log-spaced values in [0.1, 10] with the least
                                            KL(softmax(z/s) || own) */
    double scale, softcap;               /* the model's logit multiplier and soft cap; NAN: none */
    /* the bare row n after its head's multiplier, soft cap, both; whatever bare_head says. NAN where the
     * model lacks one */
    double kl_after_scale_bits, kl_after_softcap_bits, kl_after_both_bits;
};
/* LL_OK, LL_EUSAGE or LL_EFAIL (memory), as ll_analysis_run. */
int ll_last_row_check(const struct ll_analysis *job, struct ll_last_row *out, struct ll_err *err);

/* Decode every row of the norm lens a second time (docs/experiment.md 9.2) and compare with `first`, made by
 * ll_analysis_run of this job: 0, 0, 0 here, by rule. Ranks are the answer's (0 throughout without one). */
struct ll_repeatability {
    double max_rank_dev, p95_rank_dev, top1_flip_rate;
};
int ll_analysis_repeat(const struct ll_analysis *job, const struct ll_pass_stats *first,
                       struct ll_repeatability *out, struct ll_err *err);
#endif
