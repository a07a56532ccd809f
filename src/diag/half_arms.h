/* half_arms.h - the same prompt in float32 and in three ways of lower precision, layer by layer
 * (docs/diagnostics.md 6.3).
 *
 *     a  all float32                    c  storage and accumulation in the format
 *     b  activations stored in it       d  as c, but the residual stream in float32
 * Errors are against a, over all positions of the stream: row 0 the embedding, row l what leaves block
 * l-1. */
#ifndef LL_HALF_ARMS_H
#define LL_HALF_ARMS_H
#include "capture.h"
#include "half_policy.h"
#include "logit_health.h"

enum { LL_N_ARMS = 4 };
struct ll_arm_row {
    double mae, max_err, cosine, rel_err; /* rel_err: |x - a| / |a|; NAN when something is not finite */
    int64_t overflow;                     /* in the block before this row (row 0: embedding) */
    double rms, attn_rms, mlp_rms;        /* of the stream, of what the block's halves add; NAN in row 0 */
    int64_t n_nonfinite;
};
struct ll_arm {
    const char *name, *what;
    struct ll_arm_row *rows; /* [n_layers + 1]; owned */
    float *logits;           /* [d_vocab] of the last position; owned */
    struct ll_logit_health health;
    double kl_bits;              /* KL(a || this) */
    int top1_same, first_beyond; /* first row with rel_err above 1 %; -1: none */
    int top1_tie;     /* another top token, but a and this hold both equal but for rounding in the format */
    int64_t overflow; /* in all */
    double final_rms; /* of what the final norm reads */
};
struct ll_arms {
    int n_rows, n_tokens;
    struct ll_arm arm[LL_N_ARMS];
    /* layer connection, arm a: SHA-256 of block l's input and of the output before it (embedding for 0) */
    char (*input)[65], (*output)[65]; /* [n_layers], [n_layers + 1]; owned */
};
/* Returns LL_OK, LL_EUSAGE (ids) or LL_EFAIL (memory). ll_arms_free also after a failure. */
int ll_arms_run(struct ll_arms *a, const struct ll_model *m, struct ll_engine *eng, const int *ids, int n_ids,
                enum ll_half_format f, struct ll_err *err);
void ll_arms_free(struct ll_arms *a);
/* "precision explains the failure": b or c changes the top token (a tie does not count) or has a KL above 0.1
 * bit, and d repairs it. */
int ll_arms_hurt(const struct ll_arms *a);     /* b or c does */
int ll_arms_repaired(const struct ll_arms *a); /* d does not */
#endif
