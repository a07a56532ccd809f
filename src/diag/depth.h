/* depth.h - what the first k layers alone would say, and whether their logits look healthy
 * (docs/diagnostics.md 5).
 *
 * One pass over all layers; the stream after k of them is read through the final norm, and once more through
 * the next block's ln1, at the last position. */
#ifndef LL_DEPTH_H
#define LL_DEPTH_H
#include "criteria.h"
#include "lens.h"
#include "logit_health.h"
#include "settings.h"

/* All borrowed. */
struct ll_depth_job {
    const struct ll_model *model;
    struct ll_engine *engine;
    const int *ids;
    int n_ids;
    const int *k; /* [n_k] depths, 0..n_layers, each once */
    int n_k;
    const struct ll_settings *reference; /* predicted ids to compare with; NULL: none */
};
struct ll_depth_row {
    int k;
    struct ll_logit_health health;
    double kl_bits;      /* KL(these || all layers); NAN: a logit is not finite */
    const char *verdict; /* against the reference: "agrees", "differs"; "computed": it does not say */
};
/* {0} before. */
struct ll_depth {
    struct ll_depth_row *final; /* [n_k] by the final norm; owned */
    struct ll_depth_row *ln1;   /* [n_ln1] by the next block's ln1, where there is a next block; owned */
    int n_k, n_ln1;
    struct ll_logit_health last; /* the model's own output */
    int last_equal;              /* all layers and the lens give it bit for bit */
};
/* Returns LL_OK, LL_EUSAGE (ids) or LL_EFAIL. Free with ll_depth_free, also after a failure. */
int ll_depth_run(struct ll_depth *d, const struct ll_depth_job *job, struct ll_err *err);
void ll_depth_free(struct ll_depth *d);
void ll_depth_judge(const struct ll_depth *d, const struct ll_depth_job *job, struct ll_criteria *c);
#endif
