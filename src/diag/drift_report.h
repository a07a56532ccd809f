/* drift_report.h - what `drift` found: the comparison (drift.h), what was asked beside it, and the criteria.
 * JSON (document/drift_json.c) and tables (view/drift_view.c) are written from it. */
#ifndef LL_DRIFT_REPORT_H
#define LL_DRIFT_REPORT_H
#include "criteria.h"
#include "drift.h"
#include "ref.h"
#include "ref_place.h"

struct ll_drift_report {
    const struct ll_drift *d; /* borrowed, as ref and place */
    const struct ll_ref *ref;
    const struct ll_ref_place *place;
    struct ll_try *tries; /* owned */
    int n_tries, tried;
    struct ll_drift_shape shape;          /* of the first divergence */
    const unsigned char *isolate, *parts; /* [n_layers] layers listed; NULL: not asked for */
    int explain;
    const char *broken;                 /* switches of --break; NULL: none */
    int ids_from_reference, ids_proven; /* taken from it; or given and equal to its own */
    int order;                          /* of q and k in llama.cpp nodes: ll_ref_settle_order */
    int quantised;                      /* some weight is stored in blocks: wider criteria for llama.cpp */
    const char
        *eps_hint; /* "eps=x10" or "eps=/10" where that makes the first divergence vanish; NULL: neither */
    double settings_eps;       /* of the checkpoint's settings */
    double eps;                /* of --eps-override; negative: none */
    double eps_mae[2];         /* mean absolute error over all depths without that and with it */
    int token_ours, token_ref; /* predicted tokens; -1: unknown */
    int token_tie;             /* they differ, but in both passes their logits are as good as equal */
};
void ll_drift_judge(const struct ll_drift_report *r, struct ll_criteria *c);

/* What is asked beside the comparison. */
struct ll_drift_questions {
    const struct ll_model *root; /* the checkpoint's model, of which r->d->m is a variant; borrowed */
    const char *switches;        /* that made the variant; "": none */
    const char *try_list;        /* of --try; NULL: not asked */
    int expect;                  /* token that the reference predicted; -1: from its logits */
};
/* Once r->d is run: predicted tokens, the comparison without r->eps, an epsilon that would explain the first
 * divergence, its shape, and which mistake explains it. LL_OK, LL_EUSAGE (an unknown switch) or LL_EFAIL. */
int ll_drift_answer(struct ll_drift_report *r, const struct ll_drift_questions *q, struct ll_err *err);
/* Is any weight that the pass reads stored in blocks? */
int ll_has_blocks(const struct ll_model *m);
void ll_drift_report_free(struct ll_drift_report *r);

/* llama.cpp's comparison (docs/diagnostics.md 4.7): a node's figures against its criteria. */
struct ll_node_check {
    double rms_ours, rms_ref, rms_percent, cosine;
    int good;
};
struct ll_node_check ll_drift_node(const struct ll_drift_report *r, const struct ll_drift_point *p);
/* A node of which only the sum is known: ours, theirs, difference in percent of the sum of magnitudes. */
struct ll_sum_check {
    double ours, ref, percent;
    int good;
    const char *origin;
};
/* The next node of which only the sum is known, as ll_drift_next goes. */
int ll_drift_next_sum(const struct ll_drift_report *r, int *hook, int *layer, struct ll_sum_check *c);
#endif
