/* calibrate.h - norm-lens temperatures of a model before its sweep (docs/experiment.md 10.1): a small sweep
 * of up to three passes (the main one, its first other wording, the first control), then ll_calibrate over
 * their last positions. */
#ifndef LL_CALIBRATE_H
#define LL_CALIBRATE_H
#include "experiment.h"
#include "sweep.h"

/* sweep: the model, engine, lens and site of the run (prompts, k and result are set here); prompts: of the
 * asks, in order. tau [n_layers + 1]. */
int ll_calibrate_run(const struct ll_experiment *e, const struct ll_sweep *sweep,
                     const struct ll_sweep_prompt *prompts, double *tau, struct ll_err *err);
#endif
