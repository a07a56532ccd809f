/* doc_given.h - what the document's figures are derived from: facts of model and run, the passes kept, the
 * rows of the main pass. Plain data; nothing here opens, computes or writes. */
#ifndef LL_DOC_GIVEN_H
#define LL_DOC_GIVEN_H
#include "analysis.h"
#include "head_facts.h"
#include "pass_checks.h"
#include "pass_kept.h"
#include "pos_frac.h"
#include "run_modes.h"
#include "token.h"

struct ll_doc_tuned_given;

/* Facts of model and run. All borrowed. */
struct ll_doc_setup {
    const struct ll_model_info *model;
    struct ll_unembed_bias bias;
    const char (*norm_places)[LL_NORM_PLACE]; /* [n_layers + 1] the norm of each lens row (head_facts.h) */
    const struct ll_tokenizer *tok;           /* NULL: no texts */
    const struct ll_copy_labels *labels;
    const double *tau;                      /* [n_layers + 1] or NULL: not calibrated */
    const struct ll_doc_tuned_given *tuned; /* doc_tuned.h; read when the document is finished */
    enum ll_lens_kind lens;
    enum ll_raw_mode raw;
    enum ll_repeat_mode repeat;
    int n_passes; /* to come */
};

/* The second forward pass against the first (docs/experiment.md 9.3). */
struct ll_doc_forward {
    int is_run;
    int layer;
    const char *name; /* its preferred semantic layer */
    double jaccard10; /* of both passes' top lists at the first one's; NAN: none */
    int is_equal;     /* every row's list, rank, entropy and log-sum-exp, to the bit */
    int agrees;       /* same name; LL_REPEAT_LAYERS, LL_REPEAT_JACCARD of rules.h */
};

/* Targets at positions along the main prompt (docs/experiment.md 9.5). */
struct ll_doc_swept {
    int n; /* 0: only the last position was swept */
    struct ll_pos_frac at[LL_N_POS_FRACS];
    int target[LL_N_POS_FRACS]; /* an id; -1: none */
    const int *rank;            /* [n, n_rows] of the target */
};

struct ll_doc_given {
    const struct ll_doc_setup *set;
    const struct ll_doc_pass *passes; /* the main pass first */
    int n_passes;
    const struct ll_pass_stats *main; /* rows of the main pass */
    const struct ll_milestone_rules
        *rules; /* raw_radius: of the main pass, for all (docs/experiment.md 8.4) */
    const struct ll_pass_checks *checks;
    const struct ll_doc_forward *forward;
    const struct ll_doc_swept *swept;
    double *scratch; /* [larger of n_rows and n_passes] */
};
#endif
