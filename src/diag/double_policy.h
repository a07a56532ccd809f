/* double_policy.h - a pass whose products and attention are float64 inside: the known answer of a whole layer
 * and a whole pass.
 *
 * Every product is a sum in double in rising k, rounded to float32 once; scores, soft cap, softmax and the
 * sum over values are double, rounded to float32 once. Norms, activations and additions are the pass's own
 * (each has its own known answer). */
#ifndef LL_DOUBLE_POLICY_H
#define LL_DOUBLE_POLICY_H
#include "pass_ops.h"

struct ll_double_policy {
    struct ll_pass_ops ops; /* to be set as pass->ops */
    _Atomic int no_memory;  /* 1: memory ran out, the results are not valid */
};
/* The policy must not move afterwards. */
void ll_double_policy_init(struct ll_double_policy *p);
#endif
