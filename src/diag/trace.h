/* trace.h - one prompt through the model with everything measured, and one block once more on its own
 * (docs/diagnostics.md 3).
 *
 * The full pass carries the interventions (if any), the watch (steps.h) and the massive activations
 * (massive.h). Then block `layer` runs alone on the input that it had there: the same bits must come out.
 * With swapped the block's MLP runs a third time as act(up) * gate, the wrong order, to show how far that
 * is. */
#ifndef LL_TRACE_H
#define LL_TRACE_H
#include "intervene.h"
#include "massive.h"
#include "steps.h"

enum { LL_TRACE_MAX_WEIGHTS = 24 };

/* A weight of the block, beside the step that uses it. The experts of a layer count as one matrix. */
struct ll_trace_weight {
    const char *name;
    enum ll_hook at;
    const char *type;
    int n, k;
    struct ll_tensor_stats s;
};

/* The wrong order against the right one, at one point of the block. rel: |wrong - right| / |right|. */
struct ll_trace_swap {
    enum ll_hook at;
    int is_set;
    double rms_right, rms_wrong, rel, cosine;
};
enum { LL_TRACE_SWAPS = 3 };

struct ll_trace {
    const struct ll_model *model; /* as run: with swapped blocks, if any; borrowed */
    int layer, n_pos;
    struct ll_watch watch;     /* owned */
    struct ll_massive massive; /* owned */
    struct ll_trace_weight weight[LL_TRACE_MAX_WEIGHTS];
    int n_weights;
    char blame[512]; /* something was not finite: the reason that names the tensor at fault, "": none is */
    int isolated; /* 1: the block alone gave the same bits; 0: it did not; -1: not compared (interventions) */
    struct ll_tensor_stats final_last;         /* after the final norm, last position */
    double final_scale_last;                   /* and what it divided by */
    struct ll_trace_swap swap[LL_TRACE_SWAPS]; /* is_set 0: not asked for, or the point does not fire */
};
struct ll_trace_job {
    struct ll_engine *engine;
    struct ll_intervene *iv; /* ready; its model is run */
    const int *ids;
    int n_ids;
    int layer;
    int weights; /* measure the block's weights and run it alone */
    int square;  /* scores and pattern as well */
    int swapped; /* run the wrong order too */
    double massive_factor;
    void (*progress)(void *arg, int layer, int n_layers);
    void *progress_arg; /* may be NULL */
};
/* LL_OK, LL_EUSAGE (layer, ids), LL_EUNSUP (swapped: the block has no gate) or LL_EFAIL. Free with
 * ll_trace_free, also after a failure. What is not finite is measured, not refused. */
int ll_trace_run(struct ll_trace *t, const struct ll_trace_job *job, struct ll_err *err);
void ll_trace_free(struct ll_trace *t);
#endif
