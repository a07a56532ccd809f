/* tune.c - see tune.h */
#include "tune.h"

#include "forward.h"
#include "human.h"
#include "stats.h"

#include <stdlib.h>
#include <string.h>

/* The share of the whole that the step at work has. */
struct bar {
    const struct ll_tune_job *job;
    double from, to;
};

static void on_progress(void *arg, double done)
{
    const struct bar *b = arg;
    if (b->job->progress)
        b->job->progress(b->job->progress_arg, b->from + (b->to - b->from) * done);
}

/* Translators, sums of one row, its equations, and a batch of residuals must fit into memory; more rows at
 * once only save walks. */
int ll_tune_check_memory(const struct ll_tune_job *job, struct ll_err *err)
{
    const struct ll_model *m = job->model;
    int rows = ll_text_batch_rows(&job->text);
    long long need = 4LL * m->n_layers * m->d_model * (m->d_model + 1LL) + ll_tuned_fit_row_bytes(m->d_model)
        + ll_tuned_fit_solve_bytes(m->d_model) + ll_stack_bytes(m, rows)
        + ll_pass_bytes(&(struct ll_pass_plan){m, rows, job->seq, NULL, 0}),
              have = ll_available_bytes();
    char a[16], b[16];
    return have < 0 || need <= have
        ? LL_OK
        : ll_fail(err, LL_EFIT, "tune: expected %s of free memory, found %s", ll_human_bytes((double)need, a),
                  ll_human_bytes((double)have, b));
}

static int fit(struct ll_tune *t, const struct ll_tune_job *j, struct bar *bar, struct ll_err *err)
{
    const struct ll_model *m = j->model;
    size_t n = (size_t)m->n_layers, d = (size_t)m->d_model;
    struct ll_translator *layers = calloc(n, sizeof *layers);
    t->W = malloc(sizeof *t->W * n * d * d);
    t->b = malloc(sizeof *t->b * n * d);
    t->gain = calloc(n, sizeof *t->gain);
    int rc =
        layers && t->W && t->b && t->gain ? LL_OK : ll_fail_mem(err, "translators", sizeof *t->W * n * d * d);
    struct ll_tuned_fit job = {.model = m,
                               .engine = j->engine,
                               .text = j->text,
                               .ridge = j->ridge,
                               .progress = on_progress,
                               .progress_arg = bar};
    double t0 = ll_now_s();
    if (!rc)
        rc = ll_tuned_fit_run(&job, t->W, t->b, err);
    t->fit_s = ll_now_s() - t0;
    for (size_t l = 0; l < n && !rc; l++)
        layers[l] = (struct ll_translator){{.type = LL_F32,
                                            .data = (const uint8_t *)(t->W + l * d * d),
                                            .row_bytes = sizeof *t->W * d,
                                            .n = (int)d,
                                            .k = (int)d},
                                           t->b + l * d};
    if (!rc)
        rc = ll_tuned_make(&t->tuned, m, layers, (int)n, NULL, NULL, err);
    free(layers);
    return rc;
}

static int evaluate(struct ll_tune *t, const struct ll_tune_job *j, struct bar *bar, struct ll_err *err)
{
    struct ll_tuned_eval job = {.model = j->model,
                                .engine = j->engine,
                                .lens = LL_LENS_FINAL,
                                .tuned = t->tuned,
                                .text = j->held_out,
                                .progress = on_progress,
                                .progress_arg = bar};
    double t0 = ll_now_s();
    int rc = ll_tuned_evaluate(&job, t->gain, &t->own_nll_bits, &t->n_held_out, err);
    t->held_out_s = ll_now_s() - t0;
    ll_skip_sanity(t->gain, j->model->n_layers, t->own_nll_bits, &t->skips);
    return rc;
}

int ll_tune_run(struct ll_tune *t, const struct ll_tune_job *job, struct ll_err *err)
{
    enum { PERCENT_FIT = 70 };
    struct bar bar = {job, 0, PERCENT_FIT / 100.0};
    t->n_fit_tokens = (long long)job->text.start[job->text.n] - job->text.start[0] - job->text.n;
    int rc = fit(t, job, &bar, err);
    bar.from = bar.to;
    bar.to = 1;
    return rc ? rc : evaluate(t, job, &bar, err);
}

void ll_tune_free(struct ll_tune *t)
{
    ll_tuned_free(t->tuned);
    free(t->W);
    free(t->b);
    free(t->gain);
    memset(t, 0, sizeof *t);
}
