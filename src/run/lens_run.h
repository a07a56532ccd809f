/* lens_run.h - one position of one prompt read at every layer, for `lens`. */
#ifndef LL_LENS_RUN_H
#define LL_LENS_RUN_H
#include "lens_report.h"
#include "opened.h"
#include "tuned.h"

struct ll_lens_ask {           /* all borrowed */
    const struct ll_opened *x; /* model and prompt */
    struct ll_intervene *iv;   /* ready; its model is run */
    enum ll_lens_kind lens;
    const char *ln_bias, *site, *head; /* as the options name them */
    const struct ll_tuned *tuned;      /* NULL: none */
    const char *tuned_dir;             /* where it came from */
    const struct ll_tracked_set *answers;
    int pos, top;                /* position read, tokens a layer */
    int attribution, against_id; /* also shares of the logit; against_id -1: of one token's alone */
    void (*progress)(void *arg, double done);
    void *progress_arg;
    int (*put)(void *arg, const struct ll_lens_report *r, struct ll_err *err); /* gets what was found, once */
    void *put_arg;
};
/* Returns LL_OK, what put returned, or as ll_sweep_run and ll_attribution_run. */
int ll_lens_run(const struct ll_lens_ask *ask, struct ll_err *err);
#endif
