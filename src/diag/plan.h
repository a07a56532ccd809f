/* plan.h - what a sweep over a model would take: our own plan, and the original's memory estimate beside
 * it (original_memory.h). */
#ifndef LL_PLAN_H
#define LL_PLAN_H
#include "original_memory.h"
#include "sweep.h"

struct ll_plan_opts {
    int prompts, tokens;  /* of the sweep planned for */
    const char *capacity; /* free memory by device for the original's policy; NULL: this machine's */
    const char *device;   /* "auto", "cuda", ...: which it may choose; NULL: auto */
};
struct ll_plan {
    struct ll_sweep_plan p;
    double rate, seconds;  /* flop/s measured now; arithmetic over rate */
    long long available;   /* bytes, -1: unknown */
    double params_by_name; /* 0: unknown */
    struct ll_device_estimate fit[LL_N_DEVICES];
    int chosen; /* device by the original's policy, -1: none */
};
struct ll_plan_job { /* all borrowed */
    const struct ll_model *model;
    struct ll_engine *engine;
    const char *model_id; /* the original knows some models' sizes by name */
    const struct ll_plan_opts *opts;
};
/* Measures for a moment what the engine does. Returns LL_OK, LL_EUSAGE (capacity) or LL_EFAIL. */
int ll_plan_make(struct ll_plan *plan, const struct ll_plan_job *job, struct ll_err *err);
#endif
