/* original_memory.h - would the original experiment have run this model, and where: its memory estimate and
 * device policy (docs/experiment.md 14.7).
 *
 *     peak = parameters * bytes * (1 + overhead) + reserve
 *     device = the first of cuda, mps, cpu with peak < free memory
 *
 * The estimate is of a program that copies all weights into the device's memory. This one maps them and needs
 * far less (lens/sweep.h, ll_sweep_plan), so the policy decides nothing here: it is printed and stored beside
 * our own plan. Free memory comes in as an argument, so that the policy can be asked about any machine. */
#ifndef LL_ORIGINAL_MEMORY_H
#define LL_ORIGINAL_MEMORY_H
#include "fail.h"

enum ll_device { LL_CUDA, LL_MPS, LL_CPU, LL_N_DEVICES };
const char *ll_device_name(enum ll_device d); /* "cuda", "mps", "cpu" */

/* Bytes free on each device; -1: no such device, or unknown (then it is not chosen). */
struct ll_capacity {
    long long free_bytes[LL_N_DEVICES];
};
/* "cuda=24GiB,cpu=64GiB": devices left out are absent. Units B, KiB, MiB, GiB, TiB or a plain number.
 * LL_EUSAGE names what is wrong. */
int ll_capacity_parse(struct ll_capacity *c, const char *text, struct ll_err *err);

/* Parameters by the model's name: the original's table, else the first number directly followed by b or B
 * (and no further letter) after the last '/': "Qwen2.5-72B" 72e9; 0: unknown. */
double ll_params_of_name(const char *model_id);

struct ll_device_estimate {
    enum ll_device device;
    const char *dtype; /* "float16", "bfloat16", "float32" */
    double params;     /* 0: unknown, then there is no estimate */
    double overhead;
    long long reserve_bytes, peak_bytes, free_bytes;
    int fits; /* peak known, free memory known, peak strictly below it */
};
/* The first device that fits; -1: none, the original would have skipped the model. only: consider this one,
 * -1: all. params 0: by name. all[LL_N_DEVICES] gets every device's estimate. Gemma models are recognised by
 * their name (bfloat16 on cuda). */
int ll_estimate_devices(const char *model_id, double params, const struct ll_capacity *c, int only,
                        struct ll_device_estimate all[LL_N_DEVICES]);
#endif
