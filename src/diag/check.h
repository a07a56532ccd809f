/* check.h - what `check` finds out and judges (docs/diagnostics.md 6): determinism and known answers of every
 * operation, quantised blocks, weights beside an original, lower precision. */
#ifndef LL_CHECK_H
#define LL_CHECK_H
#include "criteria.h"
#include "half_arms.h"
#include "op_check.h"
#include "quant_check.h"
#include "weight_pairs.h"

/* Sections of the report (ll_criteria.section), in order. */
enum ll_check_section {
    LL_CHECK_NO_PASS, /* said in front: the pass could not end */
    LL_CHECK_OPS,
    LL_CHECK_BLOCKS,
    LL_CHECK_TYPES,
    LL_CHECK_ORIGINAL,
    LL_CHECK_ARMS
};

/* What is checked; all borrowed. */
struct ll_check_job {
    const struct ll_model *model; /* NULL: only what needs none */
    struct ll_engine *engine;     /* with a model */
    const int *ids;
    int n_ids, runs;
    enum ll_half_format format;               /* of the lower precision */
    void (*progress)(void *arg, double done); /* of the operations; NULL: not reported */
    void *progress_arg;
};
/* Figures of one check; {0} before. Free with ll_check_free. Only what was run is filled in. */
struct ll_check {
    struct ll_op_result op[LL_OP_MAX];
    int n_ops;
    struct ll_quant_check quant[LL_QUANT_CHECKS];
    int n_quant;
    struct ll_block_count type[LL_N_DTYPES]; /* stored types of the model */
    int n_types;
    struct ll_weight_pairs pairs;
    struct ll_arms arms;                   /* n_rows 0: the pass could not end, or there is no model */
    int ran_ops, ran_blocks, ran_original; /* which parts were run */
};
/* One part each; its criteria go to c. They return LL_OK, LL_EUSAGE, LL_EUNSUP or LL_EFAIL; a pass that meets
 * a NaN is a criterion that fails or is not run, and LL_OK. */
int ll_check_ops(struct ll_check *k, const struct ll_check_job *job, struct ll_criteria *c,
                 struct ll_err *err);
void ll_check_blocks(struct ll_check *k, const struct ll_check_job *job, struct ll_criteria *c);
int ll_check_original(struct ll_check *k, const struct ll_check_job *job, const char *model,
                      const char *original, struct ll_criteria *c, struct ll_err *err);
int ll_check_arms(struct ll_check *k, const struct ll_check_job *job, struct ll_criteria *c,
                  struct ll_err *err);
void ll_check_free(struct ll_check *k);

/* Does an arm's most likely token agree with that of arm a? */
enum ll_arm_agreement { LL_ARM_OTHER, LL_ARM_TIE, LL_ARM_SAME };
enum ll_arm_agreement ll_arm_agreement(const struct ll_arm *x);
/* Did layer l of arm a read what the layer before wrote? */
int ll_arms_connected(const struct ll_arms *a, int l);
#endif
