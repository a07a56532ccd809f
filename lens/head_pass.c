/* head_pass.c - see head_pass.h. The sums of a (task, row) are kept relative to its running maximum and
 * rescaled when a tile raises it (online softmax, Milakov & Gimelshein 2018); tasks merge in rising order at
 * the end. */
#include "head_pass.h"

#include "dist.h"
#include "divergence.h"
#include "lines.h"
#include "ops.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_ROWS = LL_WALK_ROWS,
    BLOCK_GROUPS = 64,
    CHUNK = 24 /* also the fewest rows a block has room for */
};

/* One row within one task of the walk. */
struct part {
    float m;        /* maximum so far */
    double s, t, d; /* sum e^(l-m), sum e^(l-m) (l-m), sum e^(l-m) (l-f) */
};

/* What one thread needs for itself. */
struct thread_state {
    struct ll_hit *hits; /* [rows, k] */
    int *n_hits;         /* [rows] */
    int *above;          /* [rows, LL_MAX_TRACKED] ids above the tracked one */
    float *e_final;      /* [groups, LL_WALK_TILE] of the tile at hand */
};

struct walk {
    const struct ll_head_job *job;
    const struct ll_vec *vec;
    const struct ll_tile_ops *ops;
    int k, n_tasks, n_threads;
    int bare;                 /* lens rows leave out a transform that the model's own rows have */
    int max_rows, max_groups; /* of a block, model rows included in max_rows */
    int max_kept;             /* rows of a block whose logits are kept */
    float *kept;              /* [n_tasks, max_kept, LL_WALK_TASK] their logits */
    int *kept_at;             /* [max_rows] which of them a row is; -1: none (a group without lens rows) */
    double *lse_final;        /* [max_groups] */
    float *x;                 /* [max_rows, d_model] model rows of the block, then its lens rows */
    float *tracked;           /* [max_rows, LL_MAX_TRACKED] logits */
    struct part *parts;       /* [n_tasks, max_rows] */
    int *group_of;            /* [max_rows] */
    struct thread_state *th;  /* [n_threads] */
    int *chunk_start;
    /* the block at hand */
    int group0, n_groups, row0, n_rows; /* n_rows: model rows and lens rows */
    _Atomic int unequal;                /* a lens row n that differs from the model's: its row + 1 */
    _Atomic long long tiles_done;
};

/* ---- one tile -------------------------------------------------------------------------------- */

static void rescale(struct part *p, float m)
{
    if (p->s > 0) {
        double shift = (double)p->m - (double)m, f = ll_exp(shift);
        p->t = f * (p->t + shift * p->s);
        p->s *= f;
        p->d *= f;
    }
    p->m = m;
}

/* How many the lists of a row's group hold. */
static int top_of(const struct walk *w, int row)
{
    const struct ll_head_group *g = &w->job->groups[w->group0 + w->group_of[row]];
    return g->k ? g->k : w->k;
}

static void keep_top(const struct walk *w, struct thread_state *th, int row, const float *l, int n, int v0,
                     float tile_max)
{
    struct ll_hit *h = th->hits + (size_t)row * (size_t)w->k;
    const int k = top_of(w, row);
    int idx[LL_WALK_TILE], *have = &th->n_hits[row];
    float floor = ll_topk_floor(h, *have, k);
    if (tile_max < floor)
        return;
    int found = w->ops->find_ge(l, n, floor, idx);
    for (int i = 0; i < found; i++)
        ll_topk_add(h, have, k, (struct ll_hit){l[idx[i]], v0 + idx[i]});
}

static void tail(const struct walk *w, int is_model, float *l, int v0, int n)
{
    (is_model || !w->bare ? ll_head_tail : ll_head_tail_bare)(w->job->model, w->vec, l, v0, n);
}

static int n_tracked(const struct walk *w, int row)
{
    return w->job->groups[w->group0 + w->group_of[row]].n_tracked;
}

static int is_own_row(const struct ll_head_job *job, int layer)
{
    return layer == job->model->n_layers && ll_last_row_is_own(job->model, job->site, job->bare_head);
}

/* The logits of a row from vocabulary row v0 of the task on; NULL: not kept. */
static float *kept_logits(const struct walk *w, int row, int task, int v0)
{
    size_t at = (size_t)task * (size_t)w->max_kept + (size_t)w->kept_at[row];
    return w->kept_at[row] < 0 ? NULL : w->kept + at * LL_WALK_TASK + v0 % LL_WALK_TASK;
}

static void visit(void *arg, int tid, int task, int v0, int n, int r0, int m, float *y, long ldy)
{
    struct walk *w = arg;
    const struct ll_head_job *job = w->job;
    struct thread_state *th = &w->th[tid];
    for (int i = 0; i < m; i++) {
        int row = r0 + i, g = w->group_of[row], is_model = row < w->n_groups;
        float *l = y + i * ldy, *ef = th->e_final + (size_t)g * LL_WALK_TILE;
        float *kept = kept_logits(w, row, task, v0), *lf = is_model ? NULL : kept_logits(w, g, task, v0);
        struct part *p = &w->parts[(size_t)task * (size_t)w->max_rows + (size_t)row];
        struct ll_tile_sums sums;

        tail(w, is_model, l, v0, n);
        if (kept)
            memcpy(kept, l, sizeof *l * (size_t)n);
        if (v0 % LL_WALK_TASK == 0)
            *p = (struct part){-INFINITY, 0, 0, 0};
        float tile_max = w->vec->max(l, (size_t)n);
        if (tile_max > p->m)
            rescale(p, tile_max);
        w->ops->sums(l, n, p->m, is_model ? NULL : ef, lf, is_model ? ef : NULL, &sums);
        p->s += (double)sums.s;
        p->t += (double)sums.t;
        if (!is_model) {
            p->d += (double)sums.d;
            if (is_own_row(job, job->rows[w->row0 + row - w->n_groups].layer)
                && memcmp(l, lf, sizeof *l * (size_t)n))
                atomic_store(&w->unequal, row + 1);
        }
        for (int j = 0, k = n_tracked(w, row); j < k; j++)
            th->above[(size_t)row * LL_MAX_TRACKED + (size_t)j] +=
                w->ops->count_gt(l, n, w->tracked[(size_t)row * LL_MAX_TRACKED + (size_t)j]);
        keep_top(w, th, row, l, n, v0, tile_max);
    }
    if (r0 == 0 && tid == 0 && job->progress) /* thread 0 alone talks, so the listener needs no lock */
        job->progress(job->progress_arg, atomic_load(&w->tiles_done), (long long)job->n_groups * w->n_tasks);
    if (r0 == 0 && v0 % LL_WALK_TASK == 0)
        atomic_fetch_add(&w->tiles_done, w->n_groups);
}

/* ---- a block of groups ----------------------------------------------------------------------- */

static void normalize_some(void *arg, int row0, int row1)
{
    struct walk *w = arg;
    const struct ll_head_job *job = w->job;
    size_t d = (size_t)job->model->d_model;
    for (int r = row0; r < row1; r++) {
        float *x = w->x + (size_t)r * d;
        if (r < w->n_groups)
            memcpy(x, job->groups[w->group0 + r].model_row, sizeof *x * d);
        else {
            const struct ll_head_row *row = &job->rows[w->row0 + r - w->n_groups];
            ll_lens_normalize(job->model, w->vec, job->lens, job->ln_bias_drop, row->layer, row->resid, x);
        }
    }
}

/* Logits of the tracked ids, by the same rule and so with the same bits as in the walk. */
static void tracked_logits(struct walk *w)
{
    const struct ll_head_job *job = w->job;
    const struct ll_mat *U = &job->model->W_U;
    int d = job->model->d_model, at = w->n_groups;
    for (int g = 0; g < w->n_groups; g++) {
        const struct ll_head_group *G = &job->groups[w->group0 + g];
        for (int j = 0; j < G->n_tracked; j++) {
            struct ll_mat one = ll_mat_rows(U, G->tracked[j], 1);
            ll_linear(job->engine, &one, w->x + (size_t)g * (size_t)d, d, 1, NULL,
                      w->tracked + (size_t)g * LL_MAX_TRACKED + j, LL_MAX_TRACKED);
            ll_linear(job->engine, &one, w->x + (size_t)at * (size_t)d, d, G->n_rows, NULL,
                      w->tracked + (size_t)at * LL_MAX_TRACKED + j, LL_MAX_TRACKED);
        }
        for (int j = 0; j < G->n_tracked; j++)
            for (int r = -1; r < G->n_rows; r++)
                tail(w, r < 0, w->tracked + (size_t)(r < 0 ? g : at + r) * LL_MAX_TRACKED + j, G->tracked[j],
                     1);
        at += G->n_rows;
    }
}

/* Merge the tasks of one row in rising order, and the lists of all threads. */
static void finish_row(struct walk *w, int row, struct ll_head_out *o, double lse_final)
{
    double M = -INFINITY, S = 0, T = 0, D = 0;
    for (int t = 0; t < w->n_tasks; t++) {
        struct part p = w->parts[(size_t)t * (size_t)w->max_rows + (size_t)row];
        double m = M > (double)p.m ? M : (double)p.m;
        double a = S > 0 ? ll_exp(M - m) : 0, b = ll_exp((double)p.m - m);
        T = (S > 0 ? a * (T + (M - m) * S) : 0) + b * (p.t + ((double)p.m - m) * p.s);
        S = a * S + b * p.s;
        D = a * D + b * p.d;
        M = m;
    }
    double ln_s = ll_log(S), h = ln_s - T / S;
    o->lse = M + ln_s;
    o->entropy_bits = h > 0 ? h * LL_BITS_PER_NAT : 0;
    double kl = D / S - (o->lse - lse_final);
    o->kl_to_final_bits = kl > 0 ? kl * LL_BITS_PER_NAT : isnan(kl) ? kl : 0;

    o->n_top = 0;
    for (int t = 0; t < w->n_threads; t++)
        for (int i = 0; i < w->th[t].n_hits[row]; i++)
            ll_topk_add(o->top, &o->n_top, top_of(w, row),
                        w->th[t].hits[(size_t)row * (size_t)w->k + (size_t)i]);
    ll_topk_sort(o->top, o->n_top);
    for (int j = 0, k = n_tracked(w, row); j < k; j++) {
        o->tracked_logit[j] = w->tracked[(size_t)row * LL_MAX_TRACKED + (size_t)j];
        o->tracked_rank[j] = 1;
        for (int t = 0; t < w->n_threads; t++)
            o->tracked_rank[j] += w->th[t].above[(size_t)row * LL_MAX_TRACKED + (size_t)j];
    }
}

static int is_finite(const float *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

static int finish_block(struct walk *w, struct ll_hit *spare, struct ll_err *err)
{
    const struct ll_head_job *job = w->job;
    int at = w->n_groups;
    for (int g = 0; g < w->n_groups; g++) {
        struct ll_head_out own = {.top = spare}, *m = job->model_out ? &job->model_out[w->group0 + g] : &own;
        finish_row(w, g, m, 0);
        m->kl_to_final_bits = m->js_to_final_bits = 0;
        w->lse_final[g] = m->lse;
        for (int r = 0; r < job->groups[w->group0 + g].n_rows; r++, at++) {
            int row = w->row0 + at - w->n_groups;
            finish_row(w, at, &job->out[row], m->lse);
            if (isfinite(job->out[row].lse))
                continue;
            if (!ll_blame_head(job->model,
                               is_finite(w->x + (size_t)at * (size_t)job->model->d_model,
                                         job->model->d_model),
                               err))
                return ll_fail(err, LL_EUSAGE,
                               "%s: logits are not finite at lens row %d (position group %d): NaN or "
                               "infinity in the final norm or the unembedding",
                               job->model->ckpt->clean, job->rows[row].layer, w->group0 + g);
            return LL_EUSAGE;
        }
    }
    int bad = atomic_load(&w->unequal);
    if (bad)
        return ll_fail(err, LL_ECHECK,
                       "%s: lens row %d differs from the model's own logits (position group %d)",
                       job->model->ckpt->clean, job->model->n_layers, w->group0 + w->group_of[bad - 1]);
    return LL_OK;
}

/* ---- the second look ------------------------------------------------------------------------- */

/* Lens rows row0..row1 of the block against their groups' own rows, task by task: a group's own logits serve
 * all its rows while they are at hand. */
static void diverge_some(void *arg, int row0, int row1)
{
    struct walk *w = arg;
    struct ll_head_out *out = w->job->out + w->row0;
    const int V = w->job->model->d_vocab;
    double sums[CHUNK];
    for (int r0 = row0, n; r0 < row1; r0 += n) {
        n = row1 - r0 < CHUNK ? row1 - r0 : CHUNK;
        memset(sums, 0, sizeof sums);
        for (int task = 0, v0 = 0; v0 < V; task++, v0 += LL_WALK_TASK)
            for (int i = 0; i < n; i++) {
                const int row = w->n_groups + r0 + i, g = w->group_of[row];
                sums[i] = ll_js_add(w->ops, sums[i], kept_logits(w, row, task, v0), out[r0 + i].lse,
                                    kept_logits(w, g, task, v0), w->lse_final[g],
                                    V - v0 < LL_WALK_TASK ? V - v0 : LL_WALK_TASK);
            }
        for (int i = 0; i < n; i++)
            out[r0 + i].js_to_final_bits = ll_js_bits(sums[i]);
    }
}

static int run_block(struct walk *w, struct ll_hit *spare, struct ll_err *err)
{
    const struct ll_head_job *job = w->job;
    int at = w->n_groups, n_chunks = 0, n_kept = 0;
    for (int g = 0; g < w->n_groups; g++) {
        const int n = job->groups[w->group0 + g].n_rows;
        w->group_of[g] = g;
        w->kept_at[g] = n ? n_kept++ : -1;
        for (int r = 0; r < n; r++, at++) {
            w->group_of[at] = g;
            w->kept_at[at] = n_kept++;
        }
    }
    w->n_rows = at;
    atomic_store(&w->unequal, 0);
    for (int t = 0; t < w->n_threads; t++) {
        memset(w->th[t].n_hits, 0, sizeof(int) * (size_t)at);
        memset(w->th[t].above, 0, sizeof(int) * (size_t)at * LL_MAX_TRACKED);
    }
    ll_engine_rows(job->engine, at, normalize_some, w);
    tracked_logits(w);
    w->chunk_start[n_chunks++] =
        0; /* all model rows are one chunk: the lens rows of a tile need their logits first */
    for (int r = w->n_groups; r < at; r += CHUNK)
        w->chunk_start[n_chunks++] = r;
    w->chunk_start[n_chunks] = at;
    ll_walk(job->engine, &job->model->W_U, w->x, job->model->d_model, w->chunk_start, n_chunks, visit, w);
    int rc = finish_block(w, spare, err);
    if (!rc)
        ll_engine_rows(job->engine, at - w->n_groups, diverge_some, w);
    return rc;
}

/* ---- memory and the walk over blocks --------------------------------------------------------- */

static void free_walk(struct walk *w)
{
    for (int t = 0; w->th && t < w->n_threads; t++) {
        free(w->th[t].hits);
        free(w->th[t].n_hits);
        free(w->th[t].above);
        free(w->th[t].e_final);
    }
    free(w->th);
    free(w->kept);
    free(w->kept_at);
    free(w->lse_final);
    free(w->x);
    free(w->tracked);
    free(w->parts);
    free(w->group_of);
    free(w->chunk_start);
}

static int make_walk(struct walk *w, struct ll_err *err)
{
    const struct ll_model *m = w->job->model;
    size_t rows = (size_t)w->max_rows, groups = (size_t)w->max_groups, k = (size_t)w->k;
    w->n_tasks = (m->d_vocab + LL_WALK_TASK - 1) / LL_WALK_TASK;
    w->n_threads = ll_engine_threads(w->job->engine);
    w->kept = ll_lines_alloc((size_t)w->n_tasks * (size_t)w->max_kept * LL_WALK_TASK * sizeof *w->kept);
    w->kept_at = malloc(rows * sizeof *w->kept_at);
    w->lse_final = malloc(groups * sizeof *w->lse_final);
    w->x = ll_lines_alloc(rows * (size_t)m->d_model * sizeof *w->x);
    w->tracked = ll_lines_alloc(rows * LL_MAX_TRACKED * sizeof *w->tracked);
    w->parts = ll_lines_alloc((size_t)w->n_tasks * rows * sizeof *w->parts);
    w->group_of = malloc(rows * sizeof *w->group_of);
    w->chunk_start = malloc((rows / CHUNK + 4) * sizeof *w->chunk_start);
    w->th = calloc((size_t)w->n_threads, sizeof *w->th);
    int ok = (w->kept || !w->max_kept) && w->kept_at && w->lse_final && w->x && w->tracked && w->parts
        && w->group_of && w->chunk_start && w->th;
    for (int t = 0; ok && t < w->n_threads; t++) {
        struct thread_state *th = &w->th[t];
        th->hits = ll_lines_alloc(rows * k * sizeof *th->hits);
        th->n_hits = malloc(rows * sizeof *th->n_hits);
        th->above = malloc(rows * LL_MAX_TRACKED * sizeof *th->above);
        th->e_final = ll_lines_alloc(groups * LL_WALK_TILE * sizeof(float));
        ok = th->hits && th->n_hits && th->above && th->e_final;
    }
    if (!ok)
        return ll_fail_mem(err, "head pass",
                           rows
                                   * ((size_t)m->d_model * 4 + (size_t)w->n_tasks * sizeof *w->parts
                                      + k * sizeof(struct ll_hit))
                               + (size_t)w->n_tasks * (size_t)w->max_kept * LL_WALK_TASK * sizeof *w->kept);
    return ll_engine_reserve(w->job->engine, w->max_rows, m->d_model, 1, 1, err);
}

/* Logits kept of a group: its lens rows and the model's own; without lens rows there is nothing to compare.
 */
static int kept_of(const struct ll_head_group *g) { return g->n_rows ? g->n_rows + 1 : 0; }

/* Rows whose logits fit. */
static long long kept_rows(const struct ll_model *m, long long bytes)
{
    long long row =
        (m->d_vocab + LL_WALK_TASK - 1) / LL_WALK_TASK * (long long)LL_WALK_TASK * (long long)sizeof(float);
    return bytes / row > CHUNK ? bytes / row : CHUNK;
}

/* A block: whole groups. */
struct block {
    int n_groups, n_rows, n_kept; /* n_rows: model rows and lens rows */
};

/* The next one: as many groups as fit, at least one. */
static struct block next_block(const struct ll_head_job *job, int group0)
{
    const long long most =
        kept_rows(job->model, job->block_bytes > 0 ? job->block_bytes : LL_HEAD_BLOCK_BYTES);
    struct block b = {0, 0, 0};
    for (int g = group0; g < job->n_groups && b.n_groups < BLOCK_GROUPS; g++) {
        const struct block more = {b.n_groups + 1, b.n_rows + job->groups[g].n_rows + 1,
                                   b.n_kept + kept_of(&job->groups[g])};
        if (b.n_groups && (more.n_rows > BLOCK_ROWS || more.n_kept > most))
            break;
        b = more;
    }
    return b;
}

static int check_job(const struct ll_head_job *job, struct ll_err *err)
{
    const struct ll_model *m = job->model;
    if (job->k < 1 || job->k > m->d_vocab)
        return ll_fail(err, LL_EUSAGE, "top-k: expected 1..%d (the vocabulary), found %d", m->d_vocab,
                       job->k);
    for (int g = 0; g < job->n_groups; g++) {
        if (job->groups[g].k < 0 || job->groups[g].k > job->k)
            return ll_fail(err, LL_EUSAGE, "top-k of a group: expected 0..%d, found %d", job->k,
                           job->groups[g].k);
        for (int j = 0; j < job->groups[g].n_tracked; j++)
            if (job->groups[g].tracked[j] < 0 || job->groups[g].tracked[j] >= m->d_vocab)
                return ll_fail(err, LL_EUSAGE, "answer id: expected 0..%d, found %d", m->d_vocab - 1,
                               job->groups[g].tracked[j]);
    }
    return LL_OK;
}

int ll_head_pass(const struct ll_head_job *job, struct ll_err *err)
{
    struct walk w = {.job = job,
                     .vec = ll_engine_vec(job->engine),
                     .ops = ll_engine_tile_ops(job->engine),
                     .k = job->k,
                     .bare = job->bare_head && ll_head_transforms(job->model)};
    struct ll_hit *spare = NULL;
    struct block b;
    int rc = check_job(job, err);
    for (int g = 0; !rc && g < job->n_groups; g += b.n_groups) {
        b = next_block(job, g);
        w.max_rows = b.n_rows > w.max_rows ? b.n_rows : w.max_rows;
        w.max_kept = b.n_kept > w.max_kept ? b.n_kept : w.max_kept;
        w.max_groups = b.n_groups > w.max_groups ? b.n_groups : w.max_groups;
    }
    if (rc || !w.max_rows)
        return rc;
    rc = make_walk(&w, err);
    if (!rc && !(spare = malloc(sizeof *spare * (size_t)job->k)))
        rc = ll_fail_mem(err, "head pass", sizeof *spare * (size_t)job->k);
    for (int g = 0; !rc && g < job->n_groups; g += b.n_groups) {
        b = next_block(job, g);
        w.group0 = g;
        w.n_groups = b.n_groups;
        rc = run_block(&w, spare, err);
        w.row0 += b.n_rows - b.n_groups;
    }
    free(spare);
    free_walk(&w);
    return rc ? rc : ll_ckpt_unchanged(job->model->ckpt, err);
}

long long ll_head_pass_bytes(const struct ll_model *m, long long n_pos, int k, int n_threads)
{
    const long long per_pos = m->n_layers + 2, most = kept_rows(m, LL_HEAD_BLOCK_BYTES),
                    rows_fit = most < BLOCK_ROWS ? most : BLOCK_ROWS,
                    fit = rows_fit / per_pos > 1 ? rows_fit / per_pos : 1,
                    groups = fit < BLOCK_GROUPS ? fit : BLOCK_GROUPS,
                    rows = (n_pos < groups ? n_pos : groups) * per_pos,
                    tasks = (m->d_vocab + LL_WALK_TASK - 1) / LL_WALK_TASK;
    return rows
        * (m->d_model * 4LL + tasks * (long long)(sizeof(struct part) + LL_WALK_TASK * sizeof(float))
           + n_threads * (k * (long long)sizeof(struct ll_hit) + 4 * (LL_MAX_TRACKED + 1)));
}

double ll_head_p(const struct ll_head_out *o, float logit) { return ll_exp((double)logit - o->lse); }

struct tails {
    const struct ll_model *m;
    const struct ll_vec *vec;
    int bare;
    float *logits;
};

static void tail_some(void *arg, int row0, int row1)
{
    const struct tails *t = arg;
    for (int r = row0; r < row1; r++)
        (t->bare ? ll_head_tail_bare : ll_head_tail)(t->m, t->vec,
                                                     t->logits + (size_t)r * (size_t)t->m->d_vocab, 0,
                                                     t->m->d_vocab);
}

void ll_head_logits_rows(const struct ll_model *m, struct ll_engine *eng, const float *normed, int n,
                         int bare, float *logits)
{
    struct tails t = {m, ll_engine_vec(eng), bare, logits};
    ll_linear(eng, &m->W_U, normed, m->d_model, n, NULL, logits, m->d_vocab);
    ll_engine_rows(eng, n, tail_some, &t);
}

void ll_head_logits(const struct ll_model *m, struct ll_engine *eng, const float *normed, float *logits)
{
    ll_head_logits_rows(m, eng, normed, 1, 0, logits);
}

void ll_logits_stats(const float *l, int n, double t, int k, struct ll_hit *top, int *n_top,
                     double *entropy_bits, double *lse)
{
    double m = -INFINITY, s = 0, sd = 0;
    *n_top = 0;
    for (int v = 0; v < n; v++)
        m = (double)l[v] > m ? (double)l[v] : m;
    for (int v = 0; v < n; v++) {
        double d = ((double)l[v] - m) / t, e = ll_exp(d);
        s += e;
        sd += e * d;
        ll_topk_add(top, n_top, k, (struct ll_hit){l[v], v});
    }
    double h = ll_log(s) - sd / s;
    *entropy_bits = h > 0 ? h * LL_BITS_PER_NAT : 0;
    *lse = m / t + ll_log(s);
    ll_topk_sort(top, *n_top);
}
