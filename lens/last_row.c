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
    out->temp_est = 1;
    out->kl_after_temp_bits = kl_of(p, z, 1);
    for (int i = 0; i < LL_N_TEMPERATURES; i++) {
        double t = ll_temperature(SPAN, i), kl = kl_of(p, z, 1 / t);
        if (kl < out->kl_after_temp_bits) {
            out->temp_est = t;
            out->kl_after_temp_bits = kl;
        }
    }
}

/* The head's own transforms, one and both, put on the bare row. */
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

static void compare(const struct pair *p, const struct ll_analysis *job, const struct ll_reading *own,
                    const float *z, struct ll_last_row *out)
{
    struct ll_reading r;
    struct ll_weights w;
    ll_reading_of(&p->reader, z, 1, p->e, &w, &r);
    *out = (struct ll_last_row){.kl_to_final_bits = r.kl_to_final_bits,
                                .p_top1_lens = r.p_top1,
                                .p_top1_model = own->p_top1,
                                .p_answer_lens = r.p_answer,
                                .answer_rank_lens = r.answer_rank};
    out->top1_agree = r.n_top > 0 && r.top[0].id == own->top[0].id;
    best_temperature(p, z, out);
    after_transforms(p, job->model, out);
}

int ll_last_row_check(const struct ll_analysis *job, struct ll_last_row *out, struct ll_err *err)
{
    const struct ll_model *m = job->model;
    const size_t V = (size_t)m->d_vocab, d = (size_t)m->d_model;
    struct ll_reading own;
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
        rc = ll_analysis_own(job, &p.reader, p.own, p.e, &own, err);
    if (!rc) {
        ll_lens_normalize(m, p.reader.vec, job->lens, job->ln_bias_drop, m->n_layers, job->resid[m->n_layers],
                          x);
        ll_head_logits_rows(m, job->engine, x, 1, 1, p.bare);
        ll_head_logits_rows(m, job->engine, x, 1, job->bare_head, z);
        compare(&p, job, &own, z, out);
    }
    free(p.e);
    free(buffer);
    return rc;
}

/* ---- a second decoding ----------------------------------------------------------------------- */

int ll_analysis_repeat(const struct ll_analysis *job, const struct ll_pass_stats *first,
                       struct ll_repeatability *out, struct ll_err *err)
{
    struct ll_pass_stats second;
    struct ll_analysis again = *job;
    again.raw = LL_RAW_OFF;
    again.tuned = NULL;
    int rc = ll_pass_stats_init(&second, job->model, err);
    if (rc)
        return rc;
    double *dev = malloc(sizeof *dev * (size_t)second.n_rows);
    if (!dev)
        rc = ll_fail_mem(err, "second decoding", sizeof *dev * (size_t)second.n_rows);
    if (!rc)
        rc = ll_analysis_run(&again, &second, err);
    *out = (struct ll_repeatability){0};
    for (int r = 0; r < second.n_rows && !rc; r++) {
        const struct ll_reading *a = &first->rows[r].norm, *b = &second.rows[r].norm;
        dev[r] = abs(a->answer_rank - b->answer_rank);
        out->top1_flip_rate += a->n_top && b->n_top && a->top[0].id != b->top[0].id;
    }
    if (!rc) {
        out->max_rank_dev = ll_percentile(dev, (size_t)second.n_rows, 1);
        out->p95_rank_dev = ll_percentile(dev, (size_t)second.n_rows, 0.95);
        out->top1_flip_rate /= second.n_rows;
    }
    free(dev);
    ll_pass_stats_free(&second);
    return rc;
}
