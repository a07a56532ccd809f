/* tune.h - one tuned lens: fitted on text, and measured on text held out (tuned_fit.h). */
#ifndef LL_TUNE_H
#define LL_TUNE_H
#include "tuned_fit.h"

struct ll_tune_job { /* all borrowed */
    const struct ll_model *model;
    struct ll_engine *engine;
    struct ll_windows text, held_out;
    double ridge;
    int seq;                                  /* ids of a window at most */
    void (*progress)(void *arg, double done); /* 0..1 over both steps; may be NULL */
    void *progress_arg;
};
/* {0} before. */
struct ll_tune {
    float *W, *b;               /* [n_layers, d_model, d_model], [n_layers, d_model]; owned */
    struct ll_tuned *tuned;     /* owned; borrows W and b */
    struct ll_tuned_gain *gain; /* [n_layers]; owned */
    struct ll_skip_sanity skips;
    double own_nll_bits;    /* of the model's own output on the text held out */
    long long n_fit_tokens; /* the first of each window is left out */
    long long n_held_out;   /* positions read */
    double fit_s, held_out_s;
};
/* Does the working set fit into free memory? LL_OK, LL_EFIT. */
int ll_tune_check_memory(const struct ll_tune_job *job, struct ll_err *err);
/* LL_OK, or as ll_tuned_fit_run and ll_tuned_evaluate. Free with ll_tune_free, also after a failure. */
int ll_tune_run(struct ll_tune *t, const struct ll_tune_job *job, struct ll_err *err);
void ll_tune_free(struct ll_tune *t);
#endif
