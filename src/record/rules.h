/* rules.h - thresholds of the experiment's rules (docs/experiment.md 5 and 7): the computing parts take them
 * from here, column texts and the index quote them. A change here changes what columns of that name mean. */
#ifndef LL_RULES_H
#define LL_RULES_H

/* The number as it is written below. */
#define LL_SAID(x) LL_SAID_(x)
#define LL_SAID_(x) #x

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
#endif
