/* decoding_points.c - the same residual through the norm behind it and the norm before it
 * (docs/experiment.md 9.9). */
#include "analysis_priv.h"
#include "decode.h"
#include "ops.h"

#include <math.h>
#include <stdlib.h>

int ll_decoding_points_exist(const struct ll_model *m)
{
    for (int l = 0; l < m->n_layers; l++)
        if (!m->layers[l].ln1.w || !m->layers[l].ln2.w)
            return 0;
    return m->n_layers > 0;
}

/* Row l leaves block l-1: its ln2, and the ln1 of block l. Row 0 has no block behind it, row n_layers none
 * before it. */
static const struct ll_norm *ln1_of(const struct ll_model *m, int row)
{
    return row < m->n_layers ? &m->layers[row].ln1 : &m->ln_final;
}
static const struct ll_norm *ln2_of(const struct ll_model *m, int row)
{
    return row > 0 ? &m->layers[row - 1].ln2 : &m->layers[0].ln1;
}

/* Ranks in both top-50 lists over their union; an id that one of them lacks has rank 51 there. */
static double spearman_of_union(const struct ll_reading *a, const struct ll_reading *b)
{
    double x[2 * LL_TOP_COMPARED], y[2 * LL_TOP_COMPARED];
    int n = a->n_top;
    for (int i = 0; i < a->n_top; i++) {
        x[i] = i + 1;
        y[i] = LL_TOP_COMPARED + 1;
    }
    for (int j = 0; j < b->n_top; j++) {
        int i = 0;
        while (i < a->n_top && a->top[i].id != b->top[j].id)
            i++;
        if (i == a->n_top) {
            i = n++;
            x[i] = LL_TOP_COMPARED + 1;
        }
        y[i] = j + 1;
    }
    return ll_spearman(x, y, n);
}

struct work {
    struct ll_decode dec;
    struct ll_reader reader;
    struct ll_decoding_point *out;
};

static void look(void *arg, int tid, int i)
{
    const struct work *w = arg;
    struct ll_decoding_point *p = &w->out[i];
    struct ll_reading *of[2] = {&p->ln1, &p->ln2};
    struct ll_weights weights;
    for (int s = 0; s < 2; s++) {
        const int slot = 2 * i + s;
        ll_reading_of(&w->reader, ll_decode_logits(&w->dec, slot), 1, ll_decode_weights(&w->dec, tid, 0),
                      &weights, of[s]);
        of[s]->norm = sqrt(w->reader.vec->sum_sq(ll_decode_x(&w->dec, slot), (size_t)w->dec.model->d_model));
    }
    p->jaccard10 = ll_topk_jaccard(p->ln1.top, p->ln1.n_top, p->ln2.top, p->ln2.n_top, 10);
    p->jaccard50 = ll_topk_jaccard(p->ln1.top, p->ln1.n_top, p->ln2.top, p->ln2.n_top, 50);
    p->spearman50 = spearman_of_union(&p->ln1, &p->ln2);
}

static void normalize(const struct ll_analysis *job, const struct work *w, int row, int slot)
{
    const struct ll_model *m = job->model;
    const struct ll_norm *norms[2] = {ln1_of(m, row), ln2_of(m, row)};
    for (int s = 0; s < 2; s++) {
        struct ll_norm used = *norms[s];
        if (job->ln_bias_drop && row < m->n_layers)
            used.b = NULL;
        ll_norm_row(w->reader.vec, &used, job->resid[row], ll_decode_x(&w->dec, slot + s));
    }
}

int ll_decoding_points(const struct ll_analysis *job, const int *rows, int n, struct ll_decoding_point *out,
                       struct ll_err *err)
{
    const struct ll_model *m = job->model;
    struct work w = {0};
    int rc = ll_analysis_check(job, err);
    if (!rc && !ll_decoding_points_exist(m))
        rc = ll_fail(
            err, LL_EUNSUP,
            "%s: decoding points: expected a norm before attention and one before the MLP in each block",
            m->ckpt->clean);
    for (int i = 0; i < n && !rc; i++)
        if (rows[i] < 0 || rows[i] > m->n_layers)
            rc = ll_fail(err, LL_EUSAGE, "decoding points: expected lens rows 0..%d, found %d", m->n_layers,
                         rows[i]);
    if (rc || n < 1)
        return rc;
    float *z = malloc(sizeof *z * (size_t)m->d_vocab);
    if (!z)
        return ll_fail_mem(err, "decoding points", sizeof *z * (size_t)m->d_vocab);
    const struct ll_decode_plan plan = {.model = m,
                                        .engine = job->engine,
                                        .bare = job->bare_head,
                                        .min_slots = 2,
                                        .max_slots = 2 * n,
                                        .bytes = ll_analysis_buffer(job),
                                        .n_weights = 1};
    if (!(rc = ll_decode_init(&w.dec, &plan, err)))
        rc = ll_analysis_own(job, &w.reader, z, ll_decode_weights(&w.dec, 0, 0), err);
    for (int i = 0, used; i < n && !rc; i += used) {
        for (used = 0; i + used < n && 2 * used + 2 <= w.dec.max_slots; used++) {
            out[i + used].row = rows[i + used];
            normalize(job, &w, rows[i + used], 2 * used);
        }
        w.out = out + i;
        ll_decode_run(&w.dec, 2 * used);
        ll_decode_each(&w.dec, used, look, &w);
    }
    ll_decode_free(&w.dec);
    free(z);
    return rc;
}
