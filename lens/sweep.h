/* sweep.h - many prompts through pass and lens, in batches that fit, results handed back a prompt at a time.
 *
 * Layer-major: all prompts of a batch go through a layer before the next is touched, then all kept residual
 * rows of the batch walk the unembedding together. How prompts are batched changes no bit of any result.
 * Knows ids, not text. */
#ifndef LL_SWEEP_H
#define LL_SWEEP_H
#include "capture.h"
#include "head_pass.h"
#include "tuned.h"

enum ll_sweep_want {
    LL_SWEEP_ALL,    /* every position, every layer */
    LL_SWEEP_LAST,   /* the last position, every layer */
    LL_SWEEP_OUTPUT, /* the last position, the model's own output only */
    LL_SWEEP_TAIL,   /* the last n_tail positions, every layer, ids of its own followed at each */
    LL_SWEEP_AT,     /* position `at` of the whole prompt, every layer */
};

struct ll_sweep_prompt {
    const int *ids;
    int n_ids; /* as fed to the model; borrowed */
    enum ll_sweep_want want;
    int n_tail; /* LL_SWEEP_TAIL: 1..n_ids */
    int at;     /* LL_SWEEP_AT: 0..n_ids - 1 */
    const int *tracked;
    int n_tracked;     /* ids followed at the last position read (answers), up to LL_MAX_TRACKED;
                          LL_SWEEP_TAIL: [n_tail, n_tracked], those of each position */
    const int *follow; /* LL_SWEEP_ALL: [n_ids - 1] an id followed at each earlier position, as its id 0; -1:
                          none there. NULL: none anywhere; borrowed */
};

struct ll_sweep_result {
    int prompt;                     /* index into prompts */
    int n_rows;                     /* lens rows: n_layers + 1, or 0 for LL_SWEEP_OUTPUT */
    int n_pos, pos0;                /* positions pos0 .. pos0 + n_pos - 1 */
    const struct ll_head_out *rows; /* [n_rows, n_pos] */
    const struct ll_head_out *own;  /* [n_pos] the model's own output */
    const float *final_last;        /* [d_model] ln_final.normalized of the last position read */
    const float *const
        *resid_last; /* [n_layers + 1] residuals of the last position read [d_model], as they left the blocks
                      * (never translated); valid during the call; NULL where n_rows is 0 */
    const struct ll_stack *stack; /* the residuals read: ll_stack_row(stack, row, kept0 + i), i < n_pos; NULL
                                     for LL_SWEEP_OUTPUT */
    int kept0;
};

struct ll_sweep {
    const struct ll_model *model;
    struct ll_engine *engine;
    enum ll_lens_kind lens;
    int ln_bias_drop;             /* inner rows without the LayerNorm's bias (lens.h) */
    int bare_head;                /* lens rows without the head's multiplier and soft cap (head_pass.h) */
    enum ll_lens_site site;       /* where rows 1..n_layers are read */
    const struct ll_tuned *tuned; /* lens rows are translated copies of the residuals, row n_layers untouched;
                                     NULL: none; borrowed */
    int k;                        /* top list of every row */
    int k_last; /* of the last position of a prompt swept whole or there only, when larger; 0: k */
    const struct ll_sweep_prompt *prompts;
    int n_prompts;
    long long
        memory_budget; /* bytes for activations and residuals of a batch; 0: a quarter of what is free */
    const struct ll_listener *extra;
    int n_extra; /* further listeners, called before the lens's own (interventions); may be NULL */
    /* Called in prompt order. Returns LL_OK or a code that ends the sweep. */
    int (*result)(void *arg, const struct ll_sweep_result *r, struct ll_err *err);
    void *result_arg;
    void (*progress)(void *arg, double done); /* 0..1, estimated arithmetic; may be NULL */
    void *progress_arg;
};
int ll_sweep_run(const struct ll_sweep *sweep, struct ll_err *err);

/* What a sweep would need, for `show --plan` and the choice of batches. */
struct ll_sweep_plan {
    long long rows, kept;      /* token positions in all; residual rows the lens reads, layers included */
    int n_batches, batch_rows; /* batch_rows: of the largest */
    long long pass_bytes, stack_bytes, head_bytes; /* of the largest batch */
    long long weight_bytes_read;                   /* stored bytes read in all */
    double flops_pass, flops_head;
};
int ll_sweep_plan(const struct ll_sweep *sweep, struct ll_sweep_plan *plan, struct ll_err *err);
#endif
