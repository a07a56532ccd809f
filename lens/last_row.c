/* last_row.c - the lens' last row against the model's own output (docs/experiment.md 9.1), and decoding
 * everything twice (docs/experiment.md 9.2). */
#include "analysis_priv.h"
#include "decode.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SPAN = 10; /* temperatures 0.1 .. 10 */

struct pair {
    struct ll_reader reader;
    float *own, *bare, *changed; /* [d_vocab] each; bare: row n without multiplier and soft cap */
    double *e;                   /* [d_vocab] */
};

static double kl_of(const struct pair *p, const float *z, double beta)
{
    struct ll_weights w;
    return ll_weigh(&p->reader, z, beta, p->e, &w) ? ll_weights_kl_bits(&p->reader, &w, beta) : NAN;
}

/* 1 first, so that it stays where another does no better. */
static void best_temperature(const struct pair *p, const float *z, struct ll_last_row *out)
{
    double best = kl_of(p, z, 1);
    out->temp_est = 1;
    out->kl_after_temp_bits = out->kl_to_final_bits;
    for (int i = 0; i < LL_N_TEMPERATURES; i++) {
        double t = ll_temperature(SPAN, i), kl = kl_of(p, z, 1 / t);
        if (kl < best) {
            out->temp_est = t;
            out->kl_after_temp_bits = best = kl;
        }
    }
}

/* The head's own transforms, each alone and both, applied to the bare row. */
static void after_transforms(const struct pair *p, const struct ll_model *m, struct ll_last_row *out)
{
    const size_t V = (size_t)m->d_vocab;
    const int scales = m->logit_scale != 1.0f, caps = m->logit_cap > 0;
    out->scale = scales ? (double)m->logit_scale : NAN;
    out->softcap = caps ? (double)m->logit_cap : NAN;
    out->kl_after_scale_bits = out->kl_after_softcap_bits = out->kl_after_both_bits = NAN;
    if (caps) {
        p->reader.vec->softcap(p->changed, p->bare, V, m->logit_cap);
        out->kl_after_softcap_bits = kl_of(p, p->changed, 1);
    }
    if (scales) {
        p->reader.vec->scale(p->changed, p->bare, V, m->logit_scale);
        out->kl_after_scale_bits = kl_of(p, p->changed, 1);
    }
    if (scales && caps) {
        p->reader.vec->softcap(p->changed, p->changed, V, m->logit_cap);
        out->kl_after_both_bits = kl_of(p, p->changed, 1);
    }
}

static void compare(const struct pair *p, const struct ll_analysis *job, const float *z,
                    struct ll_last_row *out)
{
    struct ll_reading own, r;
    ll_reading_from_walk(&own, job->walk.own, job->walk.answer);
    ll_reading_from_walk(&r, &job->walk.rows[job->model->n_layers * job->walk.stride], job->walk.answer);
    *out = (struct ll_last_row){.kl_to_final_bits = r.kl_to_final_bits,
                                .p_top1_lens = r.p_top1,
                                .p_top1_model = own.p_top1,
                                .p_answer_lens = r.p_answer,
                                .answer_rank_lens = r.answer_rank};
    out->top1_agree = r.n_top > 0 && r.top[0].id == own.top[0].id;
    best_temperature(p, z, out);
    after_transforms(p, job->model, out);
}

int ll_last_row_check(const struct ll_analysis *job, struct ll_last_row *out, struct ll_err *err)
{
    const struct ll_model *m = job->model;
    const size_t V = (size_t)m->d_vocab, d = (size_t)m->d_model;
    int rc = ll_analysis_check(job, err);
    if (rc)
        return rc;
    float *buffer = malloc(sizeof *buffer * (4 * V + d)), *z = buffer + 3 * V, *x = buffer + 4 * V;
    struct pair p = {.own = buffer,
                     .bare = buffer + V,
                     .changed = buffer + 2 * V,
                     .e = malloc(sizeof *p.e * V)};
    if (!buffer || !p.e)
        rc = ll_fail_mem(err, "last row", sizeof *buffer * 4 * V + sizeof *p.e * V);
    if (!rc)
        rc = ll_analysis_own(job, &p.reader, p.own, p.e, err);
    if (!rc) {
        ll_lens_normalize(m, p.reader.vec, job->lens, job->ln_bias_drop, m->n_layers, job->resid[m->n_layers],
                          x);
        ll_head_logits_rows(m, job->engine, x, 1, 1, p.bare);
        ll_head_logits_rows(m, job->engine, x, 1, job->bare_head, z);
        compare(&p, job, z, out);
    }
    free(p.e);
    free(buffer);
    return rc;
}

/* ---- a second decoding ----------------------------------------------------------------------- */

/* Every row through the head again: its first choice and the answer's rank. All owned. */
struct again {
    struct ll_head_row *rows; /* [n_rows], as the others */
    struct ll_head_out *out;
    struct ll_hit *top;
    double *dev;
};

static int again_init(struct again *a, const struct ll_analysis *job, struct ll_err *err)
{
    const size_t n = (size_t)job->model->n_layers + 1;
    *a = (struct again){malloc(sizeof *a->rows * n), calloc(n, sizeof *a->out), malloc(sizeof *a->top * n),
                        malloc(sizeof *a->dev * n)};
    if (!a->rows || !a->out || !a->top || !a->dev)
        return ll_fail_mem(err, "second decoding", sizeof *a->out * n);
    for (size_t r = 0; r < n; r++) {
        a->rows[r] = (struct ll_head_row){job->resid[r], (int)r};
        a->out[r].top = &a->top[r];
    }
    return LL_OK;
}

static void again_free(struct again *a)
{
    free(a->rows);
    free(a->out);
    free(a->top);
    free(a->dev);
}

static int walk_again(const struct again *a, const struct ll_analysis *job, struct ll_err *err)
{
    const struct ll_head_group all = {.model_row = job->final_normed,
                                      .n_rows = job->model->n_layers + 1,
                                      .tracked = &job->answer_id,
                                      .n_tracked = job->answer_id >= 0};
    const struct ll_head_job walk = {.model = job->model,
                                     .engine = job->engine,
                                     .lens = job->lens,
                                     .ln_bias_drop = job->ln_bias_drop,
                                     .bare_head = job->bare_head,
                                     .site = job->site,
                                     .k = 1,
                                     .groups = &all,
                                     .n_groups = 1,
                                     .rows = a->rows,
                                     .out = a->out};
    return ll_head_pass(&walk, err);
}

int ll_analysis_repeat(const struct ll_analysis *job, const struct ll_pass_stats *first,
                       struct ll_repeatability *out, struct ll_err *err)
{
    const size_t n = (size_t)job->model->n_layers + 1;
    struct again a;
    int rc = again_init(&a, job, err);
    if (!rc)
        rc = walk_again(&a, job, err);
    *out = (struct ll_repeatability){0};
    for (size_t r = 0; r < n && !rc; r++) {
        const struct ll_reading *norm = &first->rows[r].norm;
        a.dev[r] = job->answer_id < 0 ? 0 : abs(norm->answer_rank - a.out[r].tracked_rank[0]);
        out->top1_flip_rate += norm->n_top && norm->top[0].id != a.top[r].id;
    }
    if (!rc) {
        out->max_rank_dev = ll_percentile(a.dev, n, 1);
        out->p95_rank_dev = ll_percentile(a.dev, n, 0.95);
        out->top1_flip_rate /= (double)n;
    }
    again_free(&a);
    return rc;
}
