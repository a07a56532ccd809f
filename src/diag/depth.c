/* depth.c - see depth.h */
#include "depth.h"

#include "capture.h"
#include "dist.h"
#include "forward.h"
#include "head_pass.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char computed[] = "computed", agrees[] = "agrees", differs[] = "differs";

/* The id that the reference predicts after k layers; -1: it does not say. */
static long long reference_id(const struct ll_settings *s, int k)
{
    char key[64];
    snprintf(key, sizeof key, "%d", k);
    if (!s || ll_settings_len(s, "rows") < 0)
        return s ? ll_settings_int(s, key, -1) : -1;
    for (int i = 0; i < ll_settings_len(s, "rows"); i++) {
        char layer[48], step[48], id[48];
        snprintf(layer, sizeof layer, "rows.%d.layer", i);
        snprintf(step, sizeof step, "rows.%d.step", i);
        snprintf(id, sizeof id, "rows.%d.top1_id", i);
        if (ll_settings_int(s, layer, -1) == k && !strcmp(ll_settings_str(s, step, ""), "final norm"))
            return ll_settings_int(s, id, -1);
    }
    return -1;
}

/* ---- the pass, and rows read from it --------------------------------------------------------- */

struct reader {
    const struct ll_depth_job *job;
    struct ll_stack stack;         /* last position only */
    float *normed, *logits, *full; /* [d_model], [d_vocab] x2; owned */
    double full_lse;
};

static void reader_free(struct reader *r)
{
    ll_stack_free(&r->stack);
    free(r->normed);
    free(r->logits);
    free(r->full);
}

/* The model's own output, and whether the lens gives the same normed row. */
static void read_own(struct reader *r, const float *final, struct ll_depth *d)
{
    const struct ll_model *m = r->job->model;
    struct ll_engine *eng = r->job->engine;
    ll_head_logits(m, eng, final, r->full);
    ll_logit_health(r->full, m->d_vocab, 1, &d->last);
    r->full_lse = d->last.lse;
    ll_lens_normalize(m, ll_engine_vec(eng), LL_LENS_FINAL, 0, m->n_layers,
                      ll_stack_row(&r->stack, m->n_layers, 0), r->normed);
    d->last_equal = !memcmp(r->normed, final, sizeof(float) * (size_t)m->d_model);
}

static int run_pass(struct reader *r, struct ll_depth *d, struct ll_err *err)
{
    const struct ll_depth_job *job = r->job;
    const struct ll_model *m = job->model;
    int last = job->n_ids - 1, start[2] = {0, job->n_ids},
        rc = ll_stack_init(&r->stack, m, job->n_ids, &last, 1, err);
    struct ll_listener l = ll_stack_listener(&r->stack);
    struct ll_batch batch = {1, start, job->ids};
    struct ll_pass pass = {0};
    size_t width = (size_t)m->d_model, vocab = (size_t)m->d_vocab;
    if (rc)
        return rc;
    r->normed = malloc(sizeof(float) * width);
    r->logits = malloc(sizeof(float) * vocab);
    r->full = malloc(sizeof(float) * vocab);
    if (!r->normed || !r->logits || !r->full)
        return ll_fail_mem(err, "logits", sizeof(float) * vocab);
    if (!(rc =
              ll_pass_init(&pass, &(struct ll_pass_plan){m, job->n_ids, job->n_ids, &l, 1}, job->engine, err))
        && !(rc = ll_forward(&pass, &batch, 0, m->n_layers, err)))
        read_own(r, pass.final + (size_t)last * width, d);
    ll_pass_free(&pass);
    return rc;
}

/* The logits of depth k by one norm, their health and divergence. */
static void read_row(struct reader *r, enum ll_lens_kind lens, int k, struct ll_depth_row *row)
{
    const struct ll_model *m = r->job->model;
    struct ll_logit_health *h = &row->health;
    ll_lens_normalize(m, ll_engine_vec(r->job->engine), lens, 0, k, ll_stack_row(&r->stack, k, 0), r->normed);
    ll_head_logits(m, r->job->engine, r->normed, r->logits);
    ll_logit_health(r->logits, m->d_vocab, k == m->n_layers, h);
    row->k = k;
    row->kl_bits = h->n_top ? ll_dist_kl_bits(r->logits, h->lse, r->full, r->full_lse, m->d_vocab) : NAN;
    row->verdict = computed;
}

static const char *verdict_of(const struct ll_depth_row *row, const struct ll_settings *reference)
{
    long long want = reference_id(reference, row->k);
    if (want < 0 || !row->health.n_top)
        return computed;
    return row->health.top[0].id == want ? agrees : differs;
}

int ll_depth_run(struct ll_depth *d, const struct ll_depth_job *job, struct ll_err *err)
{
    struct reader r = {.job = job};
    size_t n = (size_t)job->n_k;
    memset(d, 0, sizeof *d);
    d->final = calloc(n, sizeof *d->final);
    d->ln1 = calloc(n, sizeof *d->ln1);
    int rc = d->final && d->ln1 ? run_pass(&r, d, err) : ll_fail_mem(err, "depths", 2 * n * sizeof *d->ln1);
    for (; d->n_k < job->n_k && !rc; d->n_k++) {
        struct ll_depth_row *row = &d->final[d->n_k];
        read_row(&r, LL_LENS_FINAL, job->k[d->n_k], row);
        row->verdict = verdict_of(row, job->reference);
    }
    for (int i = 0; i < job->n_k && !rc; i++)
        if (job->k[i] < job->model->n_layers) /* else there is no next block */
            read_row(&r, LL_LENS_NEXT_LN1, job->k[i], &d->ln1[d->n_ln1++]);
    reader_free(&r);
    return rc;
}

void ll_depth_free(struct ll_depth *d)
{
    free(d->final);
    free(d->ln1);
    memset(d, 0, sizeof *d);
}

/* ---- criteria -------------------------------------------------------------------------------- */

void ll_depth_judge(const struct ll_depth *d, const struct ll_depth_job *job, struct ll_criteria *c)
{
    static const enum ll_crit of[] = {[LL_HEALTHY] = LL_CRIT_PASS,
                                      [LL_HEALTH_WEAK] = LL_CRIT_WARN,
                                      [LL_HEALTH_COLLAPSED] = LL_CRIT_FAIL,
                                      [LL_HEALTH_BROKEN] = LL_CRIT_FAIL};
    const struct ll_logit_health *h = &d->last;
    int broken = 0, agree = 0, differ = 0;
    for (int i = 0; i < d->n_k; i++) {
        broken += d->final[i].health.health == LL_HEALTH_BROKEN;
        agree += d->final[i].verdict == agrees;
        differ += d->final[i].verdict == differs;
    }
    ll_criteria_add(c, of[h->health], "logits of the full model are healthy",
                    "%s: std %.3f, range %.3f, entropy %.3f of %.3f bits, gap %.4f, p(top1) %.4f%s",
                    ll_health_name(h->health), ll_tensor_std(&h->stats), h->range, h->entropy_bits,
                    ll_log2((double)job->model->d_vocab), h->gap, h->p_top1,
                    h->is_f16 ? "; logits look like fp16" : "");
    ll_criteria_add(c, broken ? LL_CRIT_FAIL : LL_CRIT_PASS,
                    "logits of every depth are finite and not constant", "%d of %d are not", broken, d->n_k);
    ll_criteria_add(c, d->last_equal ? LL_CRIT_PASS : LL_CRIT_FAIL,
                    "all layers and the lens give the model's own output", "bit for bit");
    if (!job->reference)
        ll_criteria_add(c, LL_CRIT_NOT_RUN, "predictions agree with the reference",
                        "no --reference: a token that came out says nothing about quality");
    else if (!agree && !differ)
        ll_criteria_add(c, LL_CRIT_NOT_RUN, "predictions agree with the reference",
                        "it names none of these depths");
    else
        ll_criteria_add(c, differ ? LL_CRIT_FAIL : LL_CRIT_PASS, "predictions agree with the reference",
                        "%d agree, %d differ", agree, differ);
}
