/* memory_facts.c - see memory_facts.h */
#include "memory_facts.h"

struct ll_doc_fit ll_memory_facts(const struct ll_memory_plan *plan)
{
    _Static_assert(LL_FIT_DEVICES == (int)LL_N_DEVICES, "one entry a device");
    struct ll_doc_fit fit = {.params = plan->original[0].params, .params_by_name = plan->params_by_name};
    for (int d = 0; d < LL_N_DEVICES; d++) {
        const struct ll_device_estimate *e = &plan->original[d];
        fit.devices[d].device = ll_device_name(e->device);
        fit.devices[d].dtype = e->dtype;
        fit.devices[d].estimate_bytes = e->peak_bytes;
        fit.devices[d].overhead = e->overhead;
        fit.devices[d].reserve_bytes = e->reserve_bytes;
    }
    return fit;
}

void ll_memory_facts_text(const struct ll_memory_plan *plan, struct ll_buf *out)
{
    const struct ll_doc_fit fit = ll_memory_facts(plan);
    struct ll_key_out o;
    ll_key_begin(&o, out, LL_OBJ_PROVENANCE);
    ll_put_fit(&o, &fit);
    ll_key_end(&o);
}
