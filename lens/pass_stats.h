/* pass_stats.h - what one pass (one prompt through one model) says at its last position: per lens row the
 * readings through several lenses and everything the experiment compares them by.
 *
 * Plain data between three parts: lens/analysis fills it, lens/milestones reads it, the commands turn it into
 * columns and documents. Row l is lens row l (0 = embedding output, l = after block l-1, n_layers = the
 * model's own output). A real that is not known is NAN, a rank, layer or id that is not known -1; both become
 * null in every output. Units: entropies and divergences in bits, logits and their gaps in natural-log units
 * (docs/experiment.md 1.1). */
#ifndef LL_PASS_STATS_H
#define LL_PASS_STATS_H
#include "head_pass.h"

enum {
    LL_TOP_COMPARED = 50,
    LL_GATE_SCALES = 4
}; /* ids a row's top list keeps for overlaps; docs/experiment.md 9.4 */
extern const double ll_gate_scales[LL_GATE_SCALES]; /* LL_GATE_SCALE_LIST of rules.h */

/* One residual row read through one lens. */
struct ll_reading {
    int is_set; /* 0: this lens was not asked for at this row; nothing below holds */
    int n_top;
    struct ll_hit top[LL_TOP_COMPARED]; /* best first: logit and id */
    double lse, entropy_bits;
    double p_top1, p_top2, p_top5;
    double p_answer; /* of the answer's first id */
    int answer_rank; /* docs/experiment.md 4.2: 1 + ids with a strictly greater logit */
    double answer_logit;
    double kl_to_final_bits; /* KL(this row to the model's own output) */
    double norm;             /* Euclidean length of the normalised residual that was unembedded */
};

/* What a row through a lens has beside its reading (docs/experiment.md 6): angles and masses, as of the norm
 * lens below. NAN: not known. */
struct ll_lens_cells {
    double cos_to_final, cos_to_answer, cos_to_prompt_max, echo_mass_prompt, topk_prompt_mass50;
};

struct ll_row_stats {
    struct ll_reading norm;  /* the run's norm lens; always set */
    struct ll_reading raw;   /* no norm at all (docs/experiment.md 8.1), row n too */
    struct ll_reading tuned; /* tuned lens; set where one is loaded and has this row */
    struct ll_reading
        tuned_temp; /* tuned lens with its row temperature alone (no translator), when the lens has one */
    /* raw against norm (docs/experiment.md 8.3); NAN when raw is not set */
    double kl_norm_raw_bits, kl_raw_norm_bits, js_bits, l1;
    double jaccard10_raw, jaccard50_raw,
        spearman50_raw; /* ranks 1..50 of norm against full-vocabulary ranks in raw */
    double jaccard10_tuned, jaccard50_tuned, spearman50_tuned;
    double jaccard50_previous; /* norm lens, this row and the one before; NAN at row 0 */
    double jaccard50_previous_raw;
    /* geometry (docs/experiment.md 6) */
    double cos_to_final; /* of bias-free logits */
    double cos_to_answer, cos_to_prompt_max;
    double resid_norm; /* Euclidean length of the raw residual */
    double resid_norm_ratio, delta_resid_cos;
    /* masses (norm lens) */
    double echo_mass_prompt, topk_prompt_mass50;
    double p_control; /* control pass: probability of the id named by the job (Berlin's); else NAN */
    struct ll_lens_cells
        tuned_cells; /* angles and masses through the tuned lens; all NAN where tuned is not set */
    /* calibration (docs/experiment.md 10.1) */
    double tau, kl_to_final_norm_temp_bits;
    /* small-scale gates (docs/experiment.md 9.4), at ll_gate_scales of the norm lens' logits */
    double scaled_p_answer[LL_GATE_SCALES];
    /* health */
    double max_abs_logit, min_p;
    int n_nan, n_inf; /* among the norm lens' logits */
    /* the row's copy and collapse flags (metrics.h), filled by the caller of the analysis, who knows texts */
    unsigned char copy_strict[8], copy_soft[16]; /* in the order of struct ll_copy_labels */
    unsigned char entropy_collapse, is_answer;
};

struct ll_pass_stats {
    int n_layers, d_vocab;
    int answer_id, control_id;   /* followed ids, -1: none */
    double teacher_entropy_bits; /* of the model's own output */
    struct ll_reading own;       /* the model's own output */
    int n_rows;                  /* n_layers + 1 */
    struct ll_row_stats *rows;   /* [n_rows], owned */
};
int ll_pass_stats_init(struct ll_pass_stats *s, const struct ll_model *model, struct ll_err *err);
void ll_pass_stats_free(struct ll_pass_stats *s); /* {0} and twice are fine */

/* The norm lens' angles and masses. */
struct ll_lens_cells ll_norm_cells(const struct ll_row_stats *r);

/* Nothing known: reals NAN, rank -1, is_set as given. */
void ll_reading_clear(struct ll_reading *out, int is_set);
/* What the walk of the head (head_pass.h) says of a row: all but norm, which stays NAN. The answer is tracked
 * id number `answer` (-1: none). Up to LL_TOP_COMPARED ids of the list are taken. */
void ll_reading_from_walk(struct ll_reading *r, const struct ll_head_out *o, int answer);

/* Which copy flags a run keeps, and how their columns are called (docs/experiment.md 5): "copy_collapse" is
 * strict[0]'s rule; then copy_strict@<t> for the main threshold and the others, copy_soft_k<K>@<t>. */
enum { LL_MAX_STRICT = 8, LL_MAX_SOFT = 16 };
struct ll_copy_labels {
    int n_strict;
    double strict[LL_MAX_STRICT]; /* strict[0] is the main threshold; margin is the run's */
    int n_soft;
    struct {
        int k;
        double threshold;
    } soft[LL_MAX_SOFT];
    double margin;
};
/* A label's column name into out[64]: "copy_strict@0.7", "copy_soft_k2@0.5". */
void ll_copy_strict_name(const struct ll_copy_labels *l, int i, char out[64]);
void ll_copy_soft_name(const struct ll_copy_labels *l, int i, char out[64]);
#endif
