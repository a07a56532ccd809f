/* rules.h - thresholds of the experiment's rules (docs/experiment.md 5 and 7 to 9): the computing parts take
 * them from here, column texts and the index quote them. A change here changes what columns of that name
 * mean. */
#ifndef LL_RULES_H
#define LL_RULES_H

/* The number as it is written below. */
#define LL_SAID(x) LL_SAID_(x)
#define LL_SAID_(x) #x
#define LL_SAID_COMMA(x) LL_SAID(x) ", " /* of a list's entry, another one follows */

/* Copy rules. A list takes a macro for each of its entries. */
#define LL_COPY_THRESHOLD 0.95 /* p_top1 above this */
#define LL_COPY_MARGIN 0.10    /* and above p_top2 by more than this */
#define LL_COPY_SWEEP_LOW 0.7
#define LL_COPY_SWEEP(T) T(LL_COPY_SWEEP_LOW) T(0.8) T(0.9) /* further thresholds, from the lowest on */
#define LL_COPY_SOFT_THRESHOLD 0.5
#define LL_COPY_SOFT_KS(T) T(1) T(2) T(3)
#define LL_ENTROPY_COLLAPSE_BITS 1 /* at most */

/* Rules of the answer. */
#define LL_MARGIN_DELTA 0.002 /* semantic_margin_ok: rank 1 and p_answer - 1/V at least this */
#define LL_TOP2_GAP 0.5       /* top2_ok: lead over the runner-up, logits */
#define LL_SURFACE_DELTA 0.05 /* answer_mass at least echo_mass_prompt + this */
#define LL_GEOM_GAMMA 0.02    /* cos_to_answer at least cos_to_prompt_max + this */
#define LL_DECAY_TAU 0.33     /* topk_prompt_mass@50 at most this */
#define LL_MASS_EPSILON 1e-9  /* added to the divisor of mass_ratio_ans_over_prompt */

/* Levels of the milestones that are the first row to reach one. */
#define LL_KL_AT_1 0.5 /* kl_to_final_bits at most */
#define LL_KL_AT_2 1.0
#define LL_RANK_AT_1 1 /* answer_rank at most */
#define LL_RANK_AT_2 5
#define LL_RANK_AT_3 10
#define LL_GAP_AT_1 0.5 /* answer_logit_gap at least */
#define LL_GAP_AT_2 1.0
#define LL_COS_AT_1 0.2 /* cos_to_final at least */
#define LL_COS_AT_2 0.4
#define LL_COS_AT_3 0.6

/* Percentiles that are told of a figure. */
#define LL_P25 0.25
#define LL_P50 0.5
#define LL_P75 0.75

/* Raw lens against norm lens (docs/experiment.md 8). */
#define LL_RAW_KL_MEDIUM 0.5    /* kl_norm_vs_raw_bits at least: the check's risk is medium */
#define LL_RAW_KL_HIGH 1.0      /* high */
#define LL_RAW_JS_NEAR 0.1      /* js_divergence at most: the two agree at that row */
#define LL_RAW_L1_NEAR 0.5      /* l1_prob_diff at most */
#define LL_RAW_JACCARD_NEAR 0.5 /* topk_jaccard_raw_norm@50 at least */

/* The artefact score: weights of its terms, what counts as 1 in a term, limits of its tiers. */
#define LL_ARTIFACT_PCT_KL 0.6
#define LL_ARTIFACT_NORM_ONLY 0.3
#define LL_ARTIFACT_MAX_KL 0.1
#define LL_ARTIFACT_JS 0.1  /* version 2 adds this */
#define LL_ARTIFACT_L1 0.05 /* and this */
#define LL_ARTIFACT_KL_FULL 5
#define LL_ARTIFACT_JS_FULL 0.1
#define LL_ARTIFACT_L1_FULL 0.5
#define LL_ARTIFACT_LOW 0.2  /* below: low */
#define LL_ARTIFACT_HIGH 0.5 /* above: high */

/* What asks for care (docs/experiment.md 9). */
#define LL_GATE_SCALE_LIST(T) T(0.90) T(0.95) T(1.05) T(1.10) /* of the logits, small-scale gates */
#define LL_REPEAT_LAYERS 1      /* second pass: its semantic layer at most so far from the first's */
#define LL_REPEAT_TOP 10        /* and of the lists of so many best ids */
#define LL_REPEAT_JACCARD 0.5   /* an overlap of at least this */
#define LL_POSITION_FRAGILE 0.5 /* rank1_frac below this */
/* Shares of the prompt at which positions are looked at; 1, the last position, follows. */
#define LL_POS_FRAC_LIST(T) T(0.2) T(0.4) T(0.6) T(0.8) T(LL_POS_IN) T(LL_POS_OUT) T(0.98)
#define LL_POS_IN 0.92         /* up to here a tuned lens is at home */
#define LL_POS_OUT 0.96        /* from here on it is not */
#define LL_TUNED_HINT_BITS 0.2 /* a median gain above it makes the tuned lens the one to report */
#endif
