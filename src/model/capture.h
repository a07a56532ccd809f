/* capture.h - a listener that keeps the residual stream: row 0 the embedding, row l what leaves block l-1.
 *
 * The stack is what the lens reads. It may keep every row of the batch or a chosen few (the last position of
 * each prompt, say), which bounds memory on long sweeps. */
#ifndef LL_CAPTURE_H
#define LL_CAPTURE_H
#include "forward.h"

struct ll_stack {
    int n_layers, d_model;
    int n_kept; /* batch rows kept */
    int *slot;  /* [max_rows] kept number of a batch row, -1: not kept; owned */
    int max_rows;
    float *x;          /* [n_layers + 1, n_kept, d_model]; owned */
    enum ll_hook site; /* what rows 1..n_layers hold: LL_HOOK_RESID_POST, or another point of d_model floats
                          set before ll_stack_listener */
};

/* keep: [n_keep] batch rows in rising order; NULL: all max_rows. Returns LL_OK, LL_EUSAGE, LL_EFAIL. */
int ll_stack_init(struct ll_stack *st, const struct ll_model *m, int max_rows, const int *keep, int n_keep,
                  struct ll_err *err);
void ll_stack_free(struct ll_stack *st);
long long ll_stack_bytes(const struct ll_model *m, int n_keep);
/* The listener to hand to ll_pass_init. */
struct ll_listener ll_stack_listener(struct ll_stack *st);
/* Residual of kept row `kept` at lens row `layer` (0..n_layers), [d_model]. */
float *ll_stack_row(const struct ll_stack *st, int layer, int kept);
#endif
