/* steps.h - a listener that measures every step of every layer of one sequence: sizes, what is not finite,
 * bounds that must hold, how far the norms are from float64, and where attention looks (docs/diagnostics.md
 * 3).
 *
 *     struct ll_watch st;
 *     ll_watch_init(&st, model, n_pos, err);
 *     struct ll_listener l = ll_watch_listener(&st);      after listeners that write
 *     pass.allow_nonfinite = 1; ll_forward(&pass, ...);   one sequence of n_pos tokens
 *     ll_step_at(&st, LL_HOOK_ATTN_OUT, 3)->s             NULL where the point does not fire
 *
 * Scores and pattern are measured where a query may look (causal, within the layer's window), not where it is
 * masked. Bounds: softmax rows sum to 1 within 1e-5 and lie in [0, 1]; rms before the gain of ln1, ln2 and
 * ln_final in [0.9, 1.0001] unless the mean square is below 10 eps; residual below 1e5; no row of the
 * residual all zero. Norms of q, k and of half blocks' outputs (post-norms) show no input to listeners and
 * are not judged. */
#ifndef LL_STEPS_H
#define LL_STEPS_H
#include "forward.h"
#include "tensor_stats.h"

/* 1 when the point exists in that layer of the model (layer -1: points outside the blocks). */
int ll_hook_fires(const struct ll_model *m, enum ll_hook h, int layer);

/* Root mean square and the rest of a whole matrix or gain as multiplied. */
int ll_mat_stats(const struct ll_mat *w, struct ll_tensor_stats *s, struct ll_err *err);

enum ll_bound {
    LL_BOUND_FINITE,
    LL_BOUND_SOFTMAX_SUM,
    LL_BOUND_SOFTMAX_RANGE,
    LL_BOUND_NORM_RMS,
    LL_BOUND_RESID_SIZE,
    LL_BOUND_ZERO_ROW,
    LL_N_BOUNDS
};
const char *ll_bound_name(enum ll_bound b); /* "no NaN or infinity", ... */

/* A value out of bounds. Order: as the pass met them. */
struct ll_offence {
    enum ll_bound bound;
    enum ll_hook hook;
    int layer;      /* -1 outside the blocks */
    int head;       /* of scores and pattern; else -1 */
    int pos, index; /* position; element of its row (key of a pattern row); -1: the row as a whole */
    double value;
};

struct ll_step {
    int n_rows, width, n_heads; /* n_heads > 0: [n_heads, n_rows, width]; n_rows 0: has not fired */
    struct ll_tensor_stats s;
    int64_t n_over_f16, n_under_f16;  /* as float16: magnitudes above 65504; above 0 and below 6e-5 */
    int max_head, max_pos, max_index; /* place of the largest magnitude; -1: none */
};
struct ll_norm_check {
    int is_set;
    double worst_rel;        /* worst row of |y - y64| / |y64|, y64 recomputed in double */
    double ms_min, ms_max;   /* mean squares (variances in a LayerNorm) of the rows */
    double rms_min, rms_max; /* rms of rows before the gain */
};
/* Over queries 1.. (the first sees only itself); NAN with one token. */
struct ll_head_pattern {
    double entropy_bits;  /* mean entropy of a row */
    double entropy_share; /* mean of entropy / log2(keys seen); 1: even */
    double sink;          /* mean probability of key 0 */
};

enum { LL_OFFENCES_EACH = 8, LL_MAX_OFFENCES = LL_OFFENCES_EACH * LL_N_BOUNDS }; /* kept of each bound */
enum { LL_CHECK_LN1, LL_CHECK_LN2, LL_CHECK_FINAL, LL_N_CHECKS };
struct ll_watch {
    const struct ll_model *model; /* borrowed */
    int n_pos;
    struct ll_step *step;            /* [n_layers + 1, LL_N_HOOKS]; the last block of rows: outside; owned */
    struct ll_norm_check *norm;      /* [n_layers + 1, LL_N_CHECKS]; owned */
    struct ll_head_pattern *pattern; /* [n_layers, n_heads]; owned */
    struct ll_offence first[LL_MAX_OFFENCES];
    int n_first;
    long long n_offences[LL_N_BOUNDS];
    const float *resid;
    long resid_stride; /* the stream as last shown */
};
/* Returns LL_OK or LL_EFAIL (memory); after a failure there is nothing to free. Free with ll_watch_free. */
int ll_watch_init(struct ll_watch *st, const struct ll_model *m, int n_pos, struct ll_err *err);
void ll_watch_free(struct ll_watch *st);
/* All points but the logits; square: scores and pattern as well (n_heads * n_pos^2 floats twice in the
 * pass). */
struct ll_listener ll_watch_listener(struct ll_watch *st, int square);
const struct ll_step *ll_step_at(const struct ll_watch *st, enum ll_hook h,
                                 int layer); /* NULL: has not fired */
const struct ll_norm_check *ll_norm_check_at(const struct ll_watch *st, int which,
                                             int layer); /* layer not read for LL_CHECK_FINAL; NULL: none */
#endif
