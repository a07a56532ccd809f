/* tuned_fit.h - the translators of a tuned lens in closed form, and what they gain on text they have not
 * seen.
 *
 * Per lens row l, over the tokens t of the text (position 0 of a window left out, see below), x = h_l and y =
 * h_n - h_l:
 *
 *     W, b = argmin  sum_t w_t |W x_t + b - y_t|^2 + ridge * sum_ij v_j W_ij^2,    w_t = 1 / mean(h_n,t^2)
 *
 * with v_j = sum_t w_t (x_tj - mean_j)^2, so that the ridge does not depend on the scale of any dimension;
 * the bias is free. The weights w_t make the residual error relative, as the final norm does. Sums of
 * products are made by the engine (rule B) from batches of a fixed number of tokens and added in double in
 * their order; the equations are solved by LAPACK's dposv in double, on one thread. So the sums have the same
 * bits everywhere, the solution on one machine and OpenBLAS (its kernels differ between processors).
 *
 * Position 0 is left out of fit and evaluation: its residual is the same in each window where a start token
 * is added, is hundreds of times larger than others in many models, and nothing came before it. Source:
 * Belrose et al. 2023, arXiv 2303.08112, for the lens; here by least squares instead of its KL objective. */
#ifndef LL_TUNED_FIT_H
#define LL_TUNED_FIT_H
#include "lens.h"
#include "text_batch.h"
#include "tuned.h"

struct ll_tuned_fit {
    const struct ll_model *model;
    struct ll_engine *engine;
    struct ll_windows text;  /* windows of 2 ids at least */
    double ridge;            /* > 0 */
    long long memory_budget; /* bytes for sums: as many rows are fitted in one walk through the text; 0: a
                                quarter of what is free */
    void (*progress)(void *arg, double done); /* 0..1; may be NULL */
    void *progress_arg;
};
/* W [n_layers, d_model, d_model], b [n_layers, d_model], the caller's. LL_OK; LL_EUSAGE (fewer than d_model /
 * 8 tokens, windows too short); LL_EFAIL (memory; equations that are not positive definite: which row). */
int ll_tuned_fit_run(const struct ll_tuned_fit *fit, float *W, float *b, struct ll_err *err);
/* Bytes of the sums of one lens row, and of solving them. */
long long ll_tuned_fit_row_bytes(int d_model);
long long ll_tuned_fit_solve_bytes(int d_model);

/* ---- what it gains --------------------------------------------------------------------------- */
struct ll_tuned_gain {                    /* means over positions */
    double kl_lens_bits, kl_tuned_bits;   /* KL from the row's distribution to the model's own */
    double nll_lens_bits, nll_tuned_bits; /* -log2 p of the token that came next */
};
struct ll_tuned_eval {
    const struct ll_model *model;
    struct ll_engine *engine;
    enum ll_lens_kind lens;
    int ln_bias_drop;
    const struct ll_tuned *tuned;
    struct ll_windows text;
    void (*progress)(void *arg, double done);
    void *progress_arg;
};
/* gain [n_layers]; *own_nll_bits: of the model's own output; *n: positions read (all but the first and last
 * of each window). Sums are double in the order of the text. Row n_layers is checked against the model's own
 * output on the way. LL_OK, LL_EUSAGE (no position) or as ll_head_pass. */
int ll_tuned_evaluate(const struct ll_tuned_eval *e, struct ll_tuned_gain *gain, double *own_nll_bits,
                      long long *n, struct ll_err *err);

/* Skip-layers sanity (docs/experiment.md 11.4): how much the perplexity grows, relatively, when tuned row
 * n_layers - m stands in for the model's output. */
enum { LL_N_SKIPS = 3 };
extern const int ll_skips[LL_N_SKIPS]; /* 2, 4, 8 */
#define LL_SKIP_REGRESSION 0.20        /* above it at m = 2: tuned_lens_regression */
struct ll_skip_sanity {
    double ppl_increase[LL_N_SKIPS];
    int regression;
}; /* NAN where n_layers < m; regression -1: not known */
void ll_skip_sanity(const struct ll_tuned_gain *gain, int n_layers, double own_nll_bits,
                    struct ll_skip_sanity *out);
#endif
