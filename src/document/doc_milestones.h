/* doc_milestones.h - the layer milestones of the main pass (docs/experiment.md 7). */
#ifndef LL_DOC_MILESTONES_H
#define LL_DOC_MILESTONES_H
#include "doc_given.h"
#include "key_out.h"

struct ll_doc_soft {
    int k, layer, delta; /* L_semantic - layer; LL_NO_DELTA */
    double fraction;
};
struct ll_doc_strict {
    double threshold, fraction;
    int layer, norm_only; /* norm_only: 1, 0, -1 */
};
struct ll_doc_milestones {
    struct ll_pass_milestones m;
    struct ll_milestone_rules rules;
    double soft_threshold;                /* the main one */
    struct ll_doc_soft soft[LL_MAX_SOFT]; /* soft copies at the main threshold */
    int n_soft;
    struct ll_doc_strict strict[LL_MAX_STRICT]; /* thresholds rising */
    int n_strict;
    int delta_strict;             /* L_semantic - strict copy; LL_NO_DELTA */
    struct ll_surface surface[2]; /* norm lens, tuned lens */
    int has_tuned;
    double L_semantic_frac, rank_5_frac, L_copy_frac, run2_frac, strong_frac, strong_run2_frac, top2_frac;
    double p_uniform;
    const char *preferred; /* name of the layer to report; a constant */
    int preferred_layer;
    int is_near_uniform; /* L_semantic is there, but its margin over 1/V is not */
};
void ll_doc_milestones_of(struct ll_doc_milestones *out, const struct ll_doc_given *g, int has_tuned);
void ll_put_milestones(struct ll_key_out *o,
                       const struct ll_doc_milestones *m); /* members of "diagnostics" */
/* Objects that "summary" repeats. */
void ll_put_semantic_margin(struct ll_key_out *o, enum ll_doc_key k, const struct ll_doc_milestones *m);
void ll_put_semantic_gate(struct ll_key_out *o, enum ll_doc_key k, const struct ll_doc_milestones *m);
#endif
