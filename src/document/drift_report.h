/* drift_report.h - what `drift` found, as tables (drift_view.c), JSON (drift_json.c) and criteria
 * (drift_criteria.c). */
#ifndef LL_DRIFT_REPORT_H
#define LL_DRIFT_REPORT_H
#include "diag_doc.h"
#include "drift.h"
#include "ref.h"
#include "ref_place.h"
#include "session.h"

struct ll_drift_report {
    const struct ll_session *s;
    const struct ll_drift *d;
    const struct ll_ref *ref;
    const struct ll_ref_place *place;
    const struct ll_try *tries;
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
    double eps;    /* of --eps-override; negative: none */
    double eps_mae[2];         /* mean absolute error over all depths without that and with it */
    int token_ours, token_ref; /* predicted tokens; -1: unknown */
    int token_tie;             /* they differ, but in both passes their logits are as good as equal */
};
void ll_drift_put_json(struct ll_diag *out, const struct ll_drift_report *r);
void ll_drift_put_tables(struct ll_diag *out, const struct ll_drift_report *r);
void ll_drift_put_criteria(struct ll_diag *out, const struct ll_drift_report *r);

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
struct ll_sum_check ll_drift_sum(const struct ll_drift_report *r, const struct ll_actv *ours,
                                 const struct ll_actv *ref);
/* The next node of which only the sum is known, as ll_drift_next goes. */
int ll_drift_next_sum(const struct ll_drift_report *r, int *hook, int *layer, struct ll_sum_check *c);
#endif
