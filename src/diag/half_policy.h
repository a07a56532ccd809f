/* half_policy.h - a pass in binary16 or bfloat16, in software: the operations of a pass (pass_ops.h)
 * with a rounding behind each, which does not depend on the processor (docs/diagnostics.md 6.3).
 *
 * Storage: what each operation gives is rounded to the format, to nearest, ties to even; the stream
 * may be left in float32. Products: by the engine in float32, or accumulated in the format: y = 0;  y =
 * round(y + x[k] * w[k]) for rising k, one rounding a step (a fused multiply-add of that format);  y =
 * round(y + bias) with x and w rounded first; so are the scores q.k (then round(* scale), and the soft cap,
 * rounded) and the sums over the pattern. Softmax is float32 inside, its result rounded. Norms are computed
 * as the pass does, their results rounded. The step is exact: the product is (22 or 16 bits), the sum's lost
 * part (Knuth's two-sum) turns the float sum into a round-to-odd one, which rounds to the format as the exact
 * sum would. */
#ifndef LL_HALF_POLICY_H
#define LL_HALF_POLICY_H
#include "pass_ops.h"

enum ll_half_format { LL_HALF_F16, LL_HALF_BF16 };

struct ll_half_policy {
    struct ll_pass_ops ops; /* to be set as pass->ops */
    enum ll_half_format format;
    int accumulate; /* products in the format, too */
    int resid_f32;  /* the stream stays float32 */
    int n_layers;
    int64_t *overflow; /* [n_layers + 1] values infinite as they were stored, by layer; last: outside blocks;
                          owned */
    float *scores, *pattern; /* [n_heads, max_pos, max_pos]; owned */
    _Atomic int no_memory;   /* a product could not be made: the pass means nothing */
};
/* Returns LL_OK, LL_EFIT (a prompt so long that its scores do not fit) or LL_EFAIL (memory). Free with
 * ll_half_policy_free. The policy must not move afterwards. */
int ll_half_policy_init(struct ll_half_policy *p, const struct ll_model *m, int max_pos,
                        enum ll_half_format f, int accumulate, int resid_f32, struct ll_err *err);
void ll_half_policy_free(struct ll_half_policy *p);
/* The chain of the rule above: acc[j] goes on over x[k] * w[k][j], k = 0..n-1, j = 0..15. x and w are numbers
 * of the format. */
void ll_half_chain(enum ll_half_format f, float acc[16], const float *x, const float *w, int n);
#endif
