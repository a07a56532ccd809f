/* analysis.c - see analysis.h. A batch of rows at a time: their vectors for the unembedding, all logits in
 * one product, then each row by one thread. */
#include "analysis.h"

#include "analysis_priv.h"
#include "decode.h"
#include "geometry.h"
#include "reading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum reading { NORM, RAW, TUNED, N_READINGS };

struct work {
    const struct ll_analysis *job;
    struct ll_row_stats *rows;
    struct ll_reader reader;
    struct ll_decode dec;    /* scratch: the weights of the norm lens and of another */
    float *own;              /* [d_vocab]; owned */
    float *normed;           /* [n_layers + 1, d_model] what the norm lens unembeds; owned */
    float *tuned;            /* the same of the tuned lens, where a row has it; NULL: none; owned */
    int (*slot)[N_READINGS]; /* [n_layers + 1] in the batch, -1: not read; owned */
    int row0;                /* first of the batch */
};

/* Length of what the unembedding read in a slot. */
static double length(const struct work *w, int slot)
{
    return sqrt(w->reader.vec->sum_sq(ll_decode_x(&w->dec, slot), (size_t)w->job->model->d_model));
}

/* ---- one row --------------------------------------------------------------------------------- */

static void clear_row(struct ll_row_stats *r)
{
    memset(r, 0, sizeof *r);
    ll_reading_clear(&r->norm, 1);
    ll_reading_clear(&r->raw, 0);
    ll_reading_clear(&r->tuned, 0);
    ll_reading_clear(&r->tuned_temp, 0);
    r->kl_norm_raw_bits = r->kl_raw_norm_bits = r->js_bits = r->l1 = NAN;
    r->jaccard10_raw = r->jaccard50_raw = r->spearman50_raw = r->jaccard10_tuned = r->jaccard50_tuned =
        r->spearman50_tuned = NAN;
    r->jaccard50_previous = r->jaccard50_previous_raw = NAN;
    r->cos_to_final = r->echo_mass_prompt = r->topk_prompt_mass50 = r->p_control = NAN;
    r->tuned_cells = (struct ll_lens_cells){NAN, NAN, NAN, NAN, NAN};
    r->tau = r->kl_to_final_norm_temp_bits = r->max_abs_logit = r->min_p = NAN;
    for (int i = 0; i < LL_GATE_SCALES; i++)
        r->scaled_p_answer[i] = NAN;
}

static void health(const float *z, int n, double lse, struct ll_row_stats *r)
{
    double low = INFINITY, high = -INFINITY;
    for (int v = 0; v < n; v++) {
        double x = (double)z[v];
        r->n_nan += isnan(x) != 0;
        r->n_inf += isinf(x) != 0;
        if (isfinite(x)) {
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
    }
    r->max_abs_logit = low <= high ? fmax(fabs(low), fabs(high)) : NAN;
    r->min_p = r->n_inf ? 0 : ll_exp(low - lse);
}

static int is_in(int id, const int *ids, int n)
{
    for (int i = 0; i < n; i++)
        if (ids[i] == id)
            return 1;
    return 0;
}

/* The share of softmax(beta z) that the prompt's ids have: all of them, and those in the top list. */
static void masses(const struct ll_analysis *job, const float *z, double beta, const struct ll_reading *r,
                   double *echo, double *topk)
{
    *echo = *topk = 0;
    for (int i = 0; i < job->n_prompt_vocab; i++)
        *echo += ll_exp(beta * (double)z[job->prompt_vocab[i]] - r->lse);
    for (int i = 0; i < r->n_top; i++)
        if (is_in(r->top[i].id, job->prompt_vocab, job->n_prompt_vocab))
            *topk += ll_exp(beta * (double)z[r->top[i].id] - r->lse);
}

/* The norm lens' logits at other temperatures: its own tau, the small gates. */
static void temperatures(const struct work *w, int row, const float *z, double *e, struct ll_row_stats *r)
{
    const struct ll_analysis *job = w->job;
    struct ll_weights at;
    if (job->tau) {
        r->tau = job->tau[row];
        if (ll_weigh(&w->reader, z, 1 / r->tau, e, &at))
            r->kl_to_final_norm_temp_bits = ll_weights_kl_bits(&w->reader, &at, 1 / r->tau);
    }
    for (int i = 0; i < LL_GATE_SCALES && job->answer_id >= 0; i++)
        if (ll_weigh(&w->reader, z, ll_gate_scales[i], e, &at))
            r->scaled_p_answer[i] = ll_weights_p(&at, ll_gate_scales[i], job->answer_id);
}

/* Ranks 1, 2, .. of the norm lens' list against those ids' ranks in other logits; only their order there
 * counts. */
static double spearman_in(const struct ll_reading *norm, const float *other)
{
    double x[LL_TOP_COMPARED], y[LL_TOP_COMPARED];
    for (int i = 0; i < norm->n_top; i++) {
        x[i] = i + 1;
        y[i] = -(double)other[norm->top[i].id];
    }
    return ll_spearman(x, y, norm->n_top);
}

static double jaccard(const struct ll_reading *a, const struct ll_reading *b, int k)
{
    return ll_topk_jaccard(a->top, a->n_top, b->top, b->n_top, k);
}

/* e, e_norm: scratch for the weights of both. */
static void read_raw(const struct work *w, int row, const float *z, const float *z_norm, double *e,
                     double *e_norm, struct ll_row_stats *r)
{
    const int n = w->reader.n;
    struct ll_weights raw, norm;
    ll_reading_of(&w->reader, z, 1, e, &raw, &r->raw);
    r->raw.norm = length(w, w->slot[row][RAW]);
    if (isnan(r->raw.lse) || !ll_weigh(&w->reader, z_norm, 1, e_norm, &norm))
        return;
    double shift = norm.lse - raw.lse;
    r->kl_norm_raw_bits = ll_dist_bits(ll_dist_weighted(norm.w, norm.z, 1, z, shift, n) / norm.sum);
    r->kl_raw_norm_bits = ll_dist_bits(ll_dist_weighted(raw.w, z, 1, norm.z, -shift, n) / raw.sum);
    r->js_bits = ll_dist_weights_js_bits(w->reader.vec, &norm, &raw, n);
    r->l1 = ll_dist_weights_l1(&norm, &raw, n);
    r->jaccard10_raw = jaccard(&r->norm, &r->raw, 10);
    r->jaccard50_raw = jaccard(&r->norm, &r->raw, 50);
    r->spearman50_raw = spearman_in(&r->norm, z);
}

static void read_tuned(const struct work *w, int row, const float *z, const float *z_norm, double *e,
                       struct ll_row_stats *r)
{
    const double temperature = ll_tuned_temperature(w->job->tuned, row);
    struct ll_weights at, other;
    ll_reading_of(&w->reader, z, 1 / temperature, e, &at, &r->tuned);
    r->tuned.norm = length(w, w->slot[row][TUNED]);
    if (!isnan(r->tuned.lse)) {
        masses(w->job, z, 1 / temperature, &r->tuned, &r->tuned_cells.echo_mass_prompt,
               &r->tuned_cells.topk_prompt_mass50);
        r->tuned_cells.cos_to_final = ll_dist_cosine_without(z, w->own, w->job->model->b_U, w->reader.n);
    }
    if (temperature < 1 || temperature > 1) {
        ll_reading_of(&w->reader, z_norm, 1 / temperature, e, &other, &r->tuned_temp);
        r->tuned_temp.norm = r->norm.norm;
    }
    if (isnan(r->tuned.lse) || isnan(r->norm.lse))
        return;
    r->jaccard10_tuned = jaccard(&r->norm, &r->tuned, 10);
    r->jaccard50_tuned = jaccard(&r->norm, &r->tuned, 50);
    r->spearman50_tuned = spearman_in(&r->norm, z);
}

static const struct ll_head_out *walked(const struct ll_analysis *job, int row)
{
    return &job->walk.rows[(size_t)row * (size_t)job->walk.stride];
}

static void look(void *arg, int tid, int i)
{
    const struct work *w = arg;
    const struct ll_analysis *job = w->job;
    const int row = w->row0 + i, *slot = w->slot[row];
    const float *z = ll_decode_logits(&w->dec, slot[NORM]);
    double *e = ll_decode_weights(&w->dec, tid, 0), *other = ll_decode_weights(&w->dec, tid, 1);
    const struct ll_head_out *o = walked(job, row);
    struct ll_row_stats *r = &w->rows[row];
    ll_reading_from_walk(&r->norm, o, job->walk.answer);
    r->norm.norm = length(w, slot[NORM]);
    health(z, w->reader.n, r->norm.lse, r);
    masses(job, z, 1, &r->norm, &r->echo_mass_prompt, &r->topk_prompt_mass50);
    if (job->walk.control >= 0) /* from the same sums as the answer's: equal ids give a margin of 0 */
        r->p_control = ll_head_p(o, o->tracked_logit[job->walk.control]);
    temperatures(w, row, z, other, r);
    r->cos_to_final = ll_dist_cosine_without(z, w->own, job->model->b_U, w->reader.n);
    if (slot[RAW] >= 0)
        read_raw(w, row, ll_decode_logits(&w->dec, slot[RAW]), z, other, e, r);
    if (slot[TUNED] >= 0)
        read_tuned(w, row, ll_decode_logits(&w->dec, slot[TUNED]), z, other, r);
}

/* ---- batches of rows ------------------------------------------------------------------------- */

static int wants_raw(const struct ll_analysis *job, int row)
{
    const int n = job->model->n_layers;
    return job->raw == LL_RAW_FULL
        || (job->raw == LL_RAW_SAMPLE
            && (row == 0 || row == n / 4 + 1 || row == n / 2 + 1 || row == 3 * n / 4 + 1));
}

static int wants_tuned(const struct ll_analysis *job, int row)
{
    return job->tuned && ll_tuned_has(job->tuned, row);
}

/* What the unembedding reads for a row's readings, into the slots from `at` on. Returns the next free slot
 * through *at. */
static int fill_slots(struct work *w, int row, int *at, struct ll_err *err)
{
    const struct ll_analysis *job = w->job;
    const struct ll_model *m = job->model;
    const size_t d = (size_t)m->d_model;
    int *slot = w->slot[row];
    slot[NORM] = (*at)++;
    slot[RAW] = wants_raw(job, row) ? (*at)++ : -1;
    slot[TUNED] = wants_tuned(job, row) ? (*at)++ : -1;
    float *y = ll_decode_x(&w->dec, slot[NORM]);
    ll_lens_normalize(m, w->reader.vec, job->lens, job->ln_bias_drop, row, job->resid[row], y);
    memcpy(w->normed + (size_t)row * d, y, sizeof *y * d);
    if (slot[RAW] >= 0)
        memcpy(ll_decode_x(&w->dec, slot[RAW]), job->resid[row], sizeof *y * d);
    if (slot[TUNED] < 0)
        return LL_OK;
    float *t = ll_decode_x(&w->dec, slot[TUNED]);
    int rc = ll_tuned_apply(job->tuned, job->engine, row, job->resid[row], 1, t, err);
    ll_lens_normalize(m, w->reader.vec, LL_LENS_FINAL, job->ln_bias_drop, row, t, t);
    memcpy(w->tuned + (size_t)row * d, t, sizeof *t * d);
    return rc;
}

static int run_rows(struct work *w, struct ll_err *err)
{
    const int n_rows = w->job->model->n_layers + 1;
    int rc = LL_OK, row = 0;
    while (!rc && row < n_rows) {
        int used = 0;
        w->row0 = row;
        for (; !rc && row < n_rows
             && used + 1 + wants_raw(w->job, row) + wants_tuned(w->job, row) <= w->dec.max_slots;
             row++)
            rc = fill_slots(w, row, &used, err);
        if (rc)
            break;
        ll_decode_run(&w->dec, used);
        ll_decode_each(&w->dec, row - w->row0, look, w);
    }
    return rc;
}

/* What needs the row before. */
static void join_rows(struct ll_row_stats *rows, int n)
{
    for (int i = 1; i < n; i++) {
        rows[i].jaccard50_previous = jaccard(&rows[i].norm, &rows[i - 1].norm, 50);
        if (rows[i].raw.is_set && rows[i - 1].raw.is_set)
            rows[i].jaccard50_previous_raw = jaccard(&rows[i].raw, &rows[i - 1].raw, 50);
    }
}

/* ---- the whole pass -------------------------------------------------------------------------- */

static int check_id(const char *what, int id, int lowest, int n, struct ll_err *err)
{
    return id >= lowest && id < n
        ? LL_OK
        : ll_fail(err, LL_EUSAGE, "analysis: %s: expected %d..%d, found %d", what, lowest, n - 1, id);
}

int ll_analysis_check(const struct ll_analysis *job, struct ll_err *err)
{
    const int V = job->model->d_vocab;
    int rc = check_id("answer id", job->answer_id, -1, V, err);
    if (!rc)
        rc = check_id("control id", job->control_id, -1, V, err);
    for (int i = 0; i < job->n_prompt_vocab && !rc; i++)
        rc = check_id("prompt id", job->prompt_vocab[i], 0, V, err);
    for (int r = 0; job->tau && r <= job->model->n_layers && !rc; r++)
        if (!(job->tau[r] > 0) || !isfinite(job->tau[r]))
            rc = ll_fail(err, LL_EUSAGE,
                         "analysis: temperature of lens row %d: expected a positive number, found %g", r,
                         job->tau[r]);
    return rc;
}

/* Overlaps compare so many ids. */
static int check_lists(const struct ll_analysis *job, struct ll_err *err)
{
    const int V = job->model->d_vocab, want = V < LL_TOP_COMPARED ? V : LL_TOP_COMPARED;
    for (int r = 0; r <= job->model->n_layers; r++)
        if (walked(job, r)->n_top < want)
            return ll_fail(err, LL_EUSAGE, "analysis: lens row %d: expected a list of %d ids, found %d", r,
                           want, walked(job, r)->n_top);
    return LL_OK;
}

int ll_analysis_own(const struct ll_analysis *job, struct ll_reader *reader, float *own, double *e,
                    struct ll_err *err)
{
    const struct ll_model *m = job->model;
    struct ll_weights w;
    int rc = ll_engine_reserve(job->engine, 1, m->d_model, 1, 1, err);
    if (rc)
        return rc;
    *reader = ll_reader_of(job->engine, m->d_vocab, job->answer_id);
    ll_head_logits(m, job->engine, job->final_normed, own);
    if (!ll_weigh(reader, own, 1, e, &w))
        return ll_blame_head(m, 1, err) ? LL_EUSAGE
                                        : ll_fail(err, LL_EUSAGE,
                                                  "%s: the model's own logits are not finite: NaN or "
                                                  "infinity in the final norm or the unembedding",
                                                  m->ckpt->clean);
    reader->own = own;
    reader->own_lse = w.lse;
    return LL_OK;
}

long long ll_analysis_buffer(const struct ll_analysis *job)
{
    return job->buffer_bytes > 0 ? job->buffer_bytes : LL_ANALYSIS_BYTES;
}

int ll_analysis_run(const struct ll_analysis *job, struct ll_pass_stats *stats, struct ll_err *err)
{
    const struct ll_model *m = job->model;
    const size_t n_rows = (size_t)m->n_layers + 1;
    struct work w = {.job = job, .rows = stats->rows};
    int rc = ll_analysis_check(job, err);
    if (!rc)
        rc = check_lists(job, err);
    if (rc)
        return rc;
    stats->answer_id = job->answer_id;
    stats->control_id = job->control_id;
    for (size_t r = 0; r < n_rows; r++)
        clear_row(&stats->rows[r]);
    w.own = malloc(sizeof *w.own * (size_t)m->d_vocab);
    w.normed = malloc(sizeof *w.normed * n_rows * (size_t)m->d_model);
    w.tuned = job->tuned ? calloc(n_rows * (size_t)m->d_model, sizeof *w.tuned) : NULL;
    w.slot = malloc(sizeof *w.slot * n_rows);
    if (!w.own || !w.normed || !w.slot || (job->tuned && !w.tuned))
        rc = ll_fail_mem(err, "analysis",
                         sizeof *w.own * (size_t)m->d_vocab + sizeof *w.normed * n_rows * (size_t)m->d_model);
    if (!rc)
        rc = ll_decode_init(&w.dec,
                            &(struct ll_decode_plan){.model = m,
                                                     .engine = job->engine,
                                                     .bare = job->bare_head,
                                                     .min_slots = N_READINGS,
                                                     .max_slots = N_READINGS * (int)n_rows,
                                                     .bytes = ll_analysis_buffer(job),
                                                     .n_weights = 2},
                            err);
    if (!rc)
        rc = ll_analysis_own(job, &w.reader, w.own, ll_decode_weights(&w.dec, 0, 0), err);
    if (!rc) {
        ll_reading_from_walk(&stats->own, job->walk.own, job->walk.answer);
        stats->own.norm = sqrt(w.reader.vec->sum_sq(job->final_normed, (size_t)m->d_model));
        stats->teacher_entropy_bits = stats->own.entropy_bits;
        rc = run_rows(&w, err);
    }
    if (!rc)
        rc = ll_geometry(job, &w.dec, w.normed, w.tuned, stats->rows, err);
    join_rows(stats->rows, rc ? 0 : (int)n_rows);
    ll_decode_free(&w.dec);
    free(w.slot);
    free(w.tuned);
    free(w.normed);
    free(w.own);
    return rc;
}
