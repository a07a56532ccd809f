/* geometry.c - see geometry.h. Words are widened a block at a time, so that a long prompt costs no memory. */
#include "geometry.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK_WORDS = 64 };
static const double TINY = 1e-12; /* docs/experiment.md 6.1 */

struct words {
    const struct ll_analysis *job;
    const struct ll_vec *vec;
    const float *normed, *tuned; /* [n_layers + 1, d_model]; tuned may be NULL */
    struct ll_row_stats *rows;
    int is_answer, n; /* the block at hand: the answer alone, or words of the prompt */
    float *w;         /* [BLOCK_WORDS, d_model] rows of W_U; owned */
    double norm[BLOCK_WORDS];
};

static double length(const struct ll_vec *vec, const float *x, size_t d) { return sqrt(vec->sum_sq(x, d)); }

static double angle(double dot, double a, double b)
{
    if (!(a > 0) || !(b > 0) || !isfinite(a) || !isfinite(b) || !isfinite(dot))
        return NAN;
    double c = dot / ((a + TINY) * (b + TINY));
    return c > 1 ? 1 : c < -1 ? -1 : c;
}

static void lengths(void *arg, int tid, int row)
{
    struct words *w = arg;
    size_t d = (size_t)w->job->model->d_model;
    const float *x = w->job->resid[row], *y = w->normed + (size_t)row * d;
    struct ll_row_stats *r = &w->rows[row];
    double nx = length(w->vec, x, d), ny = r->norm.norm;
    (void)tid;
    r->resid_norm = nx;
    r->resid_norm_ratio = (ny + TINY) / (nx + TINY);
    r->delta_resid_cos = angle(w->vec->dot(x, y, d), nx, ny);
}

/* Cosines of one vector y of this length with the words at hand. */
static void angles_of(const struct words *w, const float *y, double len, double *to_answer, double *to_prompt)
{
    size_t d = (size_t)w->job->model->d_model;
    for (int i = 0; i < w->n; i++) {
        double c = angle(w->vec->dot(y, w->w + (size_t)i * d, d), len, w->norm[i]);
        if (w->is_answer)
            *to_answer = c;
        else if (!isnan(c) && !(*to_prompt >= c))
            *to_prompt = c;
    }
}

static void angles(void *arg, int tid, int row)
{
    struct words *w = arg;
    size_t at = (size_t)row * (size_t)w->job->model->d_model;
    struct ll_row_stats *r = &w->rows[row];
    (void)tid;
    angles_of(w, w->normed + at, r->norm.norm, &r->cos_to_answer, &r->cos_to_prompt_max);
    if (w->tuned && r->tuned.is_set)
        angles_of(w, w->tuned + at, r->tuned.norm, &r->tuned_cells.cos_to_answer,
                  &r->tuned_cells.cos_to_prompt_max);
}

static void block(struct words *w, const struct ll_decode *threads, const int *ids, int n)
{
    const struct ll_model *m = w->job->model;
    w->n = n;
    for (int i = 0; i < n; i++) {
        float *word = w->w + (size_t)i * (size_t)m->d_model;
        ll_mat_row(&m->W_U, ids[i], word);
        w->norm[i] = length(w->vec, word, (size_t)m->d_model);
    }
    ll_decode_each(threads, m->n_layers + 1, angles, w);
}

int ll_geometry(const struct ll_analysis *job, const struct ll_decode *threads, const float *normed,
                const float *tuned, struct ll_row_stats *rows, struct ll_err *err)
{
    struct words w = {
        .job = job, .vec = ll_engine_vec(job->engine), .normed = normed, .tuned = tuned, .rows = rows};
    const size_t bytes = BLOCK_WORDS * (size_t)job->model->d_model * sizeof *w.w;
    if (!(w.w = malloc(bytes)))
        return ll_fail_mem(err, "words of the prompt", bytes);
    for (int r = 0; r <= job->model->n_layers; r++)
        rows[r].cos_to_answer = rows[r].cos_to_prompt_max = NAN;
    ll_decode_each(threads, job->model->n_layers + 1, lengths, &w);
    for (int i = 0; i < job->n_prompt_vocab; i += BLOCK_WORDS)
        block(&w, threads, job->prompt_vocab + i,
              job->n_prompt_vocab - i < BLOCK_WORDS ? job->n_prompt_vocab - i : BLOCK_WORDS);
    w.is_answer = 1;
    if (job->answer_id >= 0)
        block(&w, threads, &job->answer_id, 1);
    free(w.w);
    return LL_OK;
}
