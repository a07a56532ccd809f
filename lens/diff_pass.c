/* diff_pass.c - see diff_pass.h */
#include "diff_pass.h"

#include "lines.h"
#include "ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A block of pairs shares each widened weight; with the slab it bounds the logits at hand: 2 x 192 x 2048
 * floats, 3 MB. */
enum { BLOCK_PAIRS = 192, SLAB = 2048 };

struct side {
    const struct ll_diff_side *job;
    float *x;      /* [BLOCK_PAIRS, d_model] what the unembedding reads; owned */
    float *logits; /* [BLOCK_PAIRS, SLAB]; owned */
};

struct walk {
    const struct ll_diff_pass *job;
    const struct ll_vec *vec;
    const struct ll_tile_ops *ops;
    struct side side[2];
    int pair0; /* of the block */
    int v0, n; /* first vocabulary row of the slab, and how many */
};

static void normalize_some(void *arg, int row0, int row1)
{
    struct walk *w = arg;
    for (int s = 0; s < 2; s++) {
        const struct ll_diff_side *job = w->side[s].job;
        for (int r = row0; r < row1; r++) {
            const struct ll_head_row *row = &job->rows[w->pair0 + r];
            ll_lens_normalize(job->model, w->vec, w->job->lens, 0, row->layer, row->resid,
                              w->side[s].x + (size_t)r * (size_t)job->model->d_model);
        }
    }
}

static void sum_some(void *arg, int row0, int row1)
{
    struct walk *w = arg;
    for (int r = row0; r < row1; r++) {
        float *a = w->side[0].logits + (size_t)r * SLAB, *b = w->side[1].logits + (size_t)r * SLAB;
        struct ll_divergence *o = &w->job->out[w->pair0 + r];
        double lse_a = w->side[0].job->out[w->pair0 + r].lse, lse_b = w->side[1].job->out[w->pair0 + r].lse;
        ll_head_tail(w->side[0].job->model, w->vec, a, w->v0, w->n);
        ll_head_tail(w->side[1].job->model, w->vec, b, w->v0, w->n);
        ll_divergence_add(w->ops, a, lse_a, b, lse_b, w->n, o);
    }
}

static void products(const struct walk *w, const struct side *s, int n_pairs)
{
    struct ll_mat slab = ll_mat_rows(&s->job->model->W_U, w->v0, w->n);
    ll_linear(w->job->engine, &slab, s->x, s->job->model->d_model, n_pairs, NULL, s->logits, SLAB);
}

static void run_block(struct walk *w, int n_pairs)
{
    const struct ll_diff_pass *job = w->job;
    struct ll_divergence *out = job->out + w->pair0;
    const int V = job->a.model->d_vocab;
    memset(out, 0, sizeof *out * (size_t)n_pairs);
    ll_engine_rows(job->engine, n_pairs, normalize_some, w);
    for (int v0 = 0; v0 < V; v0 += SLAB) {
        w->v0 = v0;
        w->n = V - v0 < SLAB ? V - v0 : SLAB;
        products(w, &w->side[0], n_pairs);
        products(w, &w->side[1], n_pairs);
        ll_engine_rows(job->engine, n_pairs, sum_some, w);
        if (job->progress)
            job->progress(job->progress_arg, (long long)w->pair0 * V + (long long)n_pairs * (v0 + w->n),
                          (long long)job->n * V);
    }
    for (int i = 0; i < n_pairs; i++)
        ll_divergence_finish(&out[i]);
}

static int make_side(struct side *s, const struct ll_diff_side *job, size_t pairs, struct ll_engine *eng,
                     struct ll_err *err)
{
    s->job = job;
    s->x = ll_lines_alloc(pairs * (size_t)job->model->d_model * sizeof *s->x);
    s->logits = ll_lines_alloc(pairs * SLAB * sizeof *s->logits);
    if (!s->x || !s->logits)
        return ll_fail_mem(err, "diff pass", pairs * ((size_t)job->model->d_model + SLAB) * sizeof(float));
    return ll_engine_reserve(eng, (int)pairs, job->model->d_model, 1, 1, err);
}

int ll_diff_pass(const struct ll_diff_pass *job, struct ll_err *err)
{
    struct walk w = {.job = job, .vec = ll_engine_vec(job->engine), .ops = ll_engine_tile_ops(job->engine)};
    const int pairs = job->n < BLOCK_PAIRS ? job->n : BLOCK_PAIRS;
    if (job->a.model->d_vocab != job->b.model->d_vocab)
        return ll_fail(err, LL_EUSAGE, "expected two models of one vocabulary, found %d and %d tokens",
                       job->a.model->d_vocab, job->b.model->d_vocab);
    if (job->n < 1)
        return LL_OK;
    int rc = make_side(&w.side[0], &job->a, (size_t)pairs, job->engine, err);
    if (!rc)
        rc = make_side(&w.side[1], &job->b, (size_t)pairs, job->engine, err);
    for (; !rc && w.pair0 < job->n; w.pair0 += BLOCK_PAIRS)
        run_block(&w, job->n - w.pair0 < BLOCK_PAIRS ? job->n - w.pair0 : BLOCK_PAIRS);
    for (int s = 0; s < 2; s++) {
        free(w.side[s].x);
        free(w.side[s].logits);
    }
    return rc;
}

void ll_resid_compare(const struct ll_vec *vec, const float *a, const float *b, int d, double *cosine,
                      double *rel_err)
{
    double aa = vec->sum_sq(a, (size_t)d), bb = vec->sum_sq(b, (size_t)d), ab = vec->dot(a, b, (size_t)d),
           dd = 0;
    for (int i = 0; i < d; i++) {
        double x = (double)b[i] - (double)a[i];
        dd += x * x;
    }
    *cosine = aa > 0 && bb > 0 ? ab / (sqrt(aa) * sqrt(bb)) : NAN;
    if (*cosine > 1 || (aa > 0 && dd <= 0))
        *cosine = 1; /* past it, or short of it for equal rows, by rounding alone */
    *rel_err = aa > 0 ? sqrt(dd / aa) : NAN;
}
