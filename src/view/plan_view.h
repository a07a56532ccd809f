/* plan_view.h - what a sweep over a model would take: our own plan, and the original's memory estimate beside
 * it (original_memory.h). */
#ifndef LL_PLAN_VIEW_H
#define LL_PLAN_VIEW_H
#include "original_memory.h"
#include "json_write.h"
#include "session.h"
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
/* Returns LL_OK, LL_EUSAGE (capacity) or LL_EFAIL. */
int ll_plan_make(struct ll_plan *plan, const struct ll_session *s, const char *model_id,
                 const struct ll_plan_opts *o, struct ll_err *err);
void ll_plan_text(const struct ll_plan *p, const struct ll_plan_opts *o, struct ll_buf *out);
/* Member "plan" of the object that is open. */
void ll_plan_json(const struct ll_plan *p, const struct ll_plan_opts *o, struct ll_json *j);
#endif
