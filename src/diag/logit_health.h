/* logit_health.h - does a row of logits look like that of a working model (docs/diagnostics.md 5.2)?
 *
 *     broken     a NaN or infinity, or all values equal                                          fail
 *     collapsed  std < 0.5, or max - min < 2, or entropy > 0.98 log2 V                           fail
 *     weak       top1 - top2 < 0.01 and p(top1) < 0.01                                            warn
 *     healthy    otherwise
 *
 * Collapsed is judged only at the last layer of a full run: early rows of a good model are nearly uniform,
 * too. Where binary16 can hold every value exactly, a program that computes in fp16 made them: a remark. */
#ifndef LL_LOGIT_HEALTH_H
#define LL_LOGIT_HEALTH_H
#include "tensor_stats.h"
#include "topk.h"

enum ll_health { LL_HEALTHY, LL_HEALTH_WEAK, LL_HEALTH_COLLAPSED, LL_HEALTH_BROKEN };
const char *ll_health_name(enum ll_health h); /* "healthy", ... */

enum { LL_HEALTH_TOP = 5 };
struct ll_logit_health {
    struct ll_tensor_stats stats;
    double range, gap;                /* max - min; top1 - top2 (0 with one word) */
    double entropy_bits, lse, p_top1; /* NAN when broken by a value that is not finite */
    int n_top;
    struct ll_hit top[LL_HEALTH_TOP];
    int is_f16; /* every value is a binary16 number */
    enum ll_health health;
};
/* Logits z[n] of one position; is_last: the model's own output. */
void ll_logit_health(const float *z, int n, int is_last, struct ll_logit_health *out);
#endif
