/* skip_check.h - a tuned lens in place of the last blocks: how much worse does the model predict the run's
 * prompts (docs/experiment.md 11.4)? */
#ifndef LL_SKIP_CHECK_H
#define LL_SKIP_CHECK_H
#include "experiment.h"
#include "session.h"
#include "sweep.h"
#include "tuned_fit.h"

/* LL_OK (also when no prompt is long enough: all NAN) or as ll_tuned_evaluate. */
int ll_skip_check(struct ll_skip_sanity *out, const struct ll_tuned *t, const struct ll_experiment *e,
                  const struct ll_session *s, const struct ll_sweep_prompt *prompts, int n_prompts,
                  struct ll_err *err);
#endif
