/* walked.h - the walk of the head over the rows that an analysis is about to read, as a sweep would hand it
 * over. Needs unit/base/files.h for OK. */
#ifndef TEST_WALKED_H
#define TEST_WALKED_H
#include "analysis.h"

enum { WALKED_ROWS = 64 };
struct walked {
    struct ll_head_row rows[WALKED_ROWS];
    struct ll_head_out out[WALKED_ROWS], own;
    struct ll_hit hits[WALKED_ROWS + 1][LL_TOP_COMPARED];
};

/* job->walk, from its rows; it stays valid as long as *w and until the next call for it. */
static inline void walk_rows(struct walked *w, struct ll_analysis *job)
{
    struct ll_err err = {0};
    const int n = job->model->n_layers + 1, V = job->model->d_vocab;
    int followed[2], n_followed = 0;
    job->walk = (struct ll_walked){.rows = w->out, .stride = 1, .own = &w->own, .answer = -1, .control = -1};
    if (job->answer_id >= 0)
        followed[job->walk.answer = n_followed++] = job->answer_id;
    if (job->control_id >= 0)
        followed[job->walk.control = n_followed++] = job->control_id;
    assert_in_range(n, 1, WALKED_ROWS);
    for (int r = 0; r < n; r++) {
        w->rows[r] = (struct ll_head_row){job->resid[r], r};
        w->out[r].top = w->hits[r];
    }
    w->own.top = w->hits[WALKED_ROWS];
    const struct ll_head_group all = {.model_row = job->final_normed,
                                      .n_rows = n,
                                      .tracked = followed,
                                      .n_tracked = n_followed};
    const struct ll_head_job walk = {.model = job->model,
                                     .engine = job->engine,
                                     .lens = job->lens,
                                     .ln_bias_drop = job->ln_bias_drop,
                                     .bare_head = job->bare_head,
                                     .k = V < LL_TOP_COMPARED ? V : LL_TOP_COMPARED,
                                     .groups = &all,
                                     .n_groups = 1,
                                     .rows = w->rows,
                                     .out = w->out,
                                     .model_out = &w->own};
    OK(ll_head_pass(&walk, &err), &err);
}
#endif
