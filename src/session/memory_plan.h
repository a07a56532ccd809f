/* memory_plan.h - before a model's sweep: does its own plan fit the memory there is, and what would the
 * original have said (docs/experiment.md 14.7).
 *
 * Weights are mapped, so what must fit is the working set of one batch, at the least that of the largest
 * prompt alone. The original's estimate is of a program that copies all weights; it is recorded and decides
 * nothing. */
#ifndef LL_MEMORY_PLAN_H
#define LL_MEMORY_PLAN_H
#include "buf.h"
#include "original_memory.h"
#include "sweep.h"

struct ll_memory_plan {
    long long budget;                                 /* for the sweep's memory_budget; 0: its own choice */
    struct ll_device_estimate original[LL_N_DEVICES]; /* the original's, of which peak and reserve do not
                                                         depend on this machine */
    double params_by_name;                            /* what the model's name says; NAN: nothing */
};
/* sweep: as it will run. capacity: text of ll_capacity_parse, its cpu counts as what is available (and a
 * quarter of it is the budget); NULL: this machine's. What was available, the plan and where the original
 * would have run go to log. LL_OK; LL_EFIT (what is needed; nothing of this machine in the message);
 * LL_EUSAGE, LL_EFAIL. */
int ll_memory_plan_make(struct ll_memory_plan *plan, const struct ll_sweep *sweep, const char *model_id,
                        const char *capacity, struct ll_buf *log, struct ll_err *err);
#endif
