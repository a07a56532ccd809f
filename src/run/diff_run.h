/* diff_run.h - one comparison of two checkpoints: both opened, asked the same, rows into the sinks, a summary
 * a lens row. */
#ifndef LL_DIFF_RUN_H
#define LL_DIFF_RUN_H
#include "diff_out.h"
#include "diff_prompts.h"
#include "diff_stats.h"

struct ll_diff_ask {   /* all borrowed */
    const char *a, *b; /* models as named by the user */
    enum ll_lens_kind lens;
    const char *norm, *positions; /* as the options name them; positions "all" or "last" */
    struct ll_diff_asked prompts;
    const char *csv, *index; /* where rows go; NULL: not wanted */
    double tolerance[LL_DIFF_TOLERANCES];
    int threads, quiet;
    void (*progress)(void *arg, double done);
    void *progress_arg;
};
/* {0} before; freed as a whole. */
struct ll_comparison {
    const struct ll_diff_ask *ask;
    struct ll_session s[2];
    struct ll_model_info info[2];
    struct ll_info_text info_text[2];
    struct ll_token_names names;
    struct ll_diff_prompts prompts;
    struct ll_sweep_prompt *sweep; /* [n prompts]; owned */
    struct ll_diff_stats stats;
    struct ll_diff_layer *layers; /* [stats.n_rows]; owned */
    struct ll_diff_out *out;
    struct ll_row row;
    struct ll_buf command,
        token[3];           /* owned: command line; token, top-1 of A and of B at the worst position */
    struct ll_diff_doc doc; /* the summary, borrowing from all of these */
};
/* Run, and fill r->doc; ll_diff_out_finish(r->out, &r->doc, ...) is left to do. Returns LL_OK, LL_EUSAGE,
 * LL_EUNSUP, LL_EFIT or LL_EFAIL. */
int ll_diff_compare(struct ll_comparison *r, const struct ll_diff_ask *ask, struct ll_err *err);
void ll_comparison_free(struct ll_comparison *r);
#endif
