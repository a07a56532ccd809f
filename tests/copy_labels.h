/* copy_labels.h - the copy flags of an experiment that names none: the thresholds of rules.h. */
#ifndef LL_TEST_COPY_LABELS_H
#define LL_TEST_COPY_LABELS_H
#include "pass_stats.h"
#include "rules.h"

#define LL_TEST_ONE(x) +1
#define LL_TEST_VALUE(x) x,
#define LL_TEST_SOFT(k) {k, LL_COPY_SOFT_THRESHOLD},
/* The main threshold first, then the sweep. */
static inline void copy_labels_default(struct ll_copy_labels *l)
{
    *l = (struct ll_copy_labels){.n_strict = 1 LL_COPY_SWEEP(LL_TEST_ONE),
                                 .strict = {LL_COPY_THRESHOLD, LL_COPY_SWEEP(LL_TEST_VALUE)},
                                 .n_soft = 0 LL_COPY_SOFT_KS(LL_TEST_ONE),
                                 .soft = {LL_COPY_SOFT_KS(LL_TEST_SOFT)},
                                 .margin = LL_COPY_MARGIN};
}
#endif
