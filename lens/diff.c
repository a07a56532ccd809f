/* diff.c - see diff.h */
#include "diff.h"

#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One model's part of a batch. Rows lie in prompt order, positions within, lens rows innermost; group g has
 * rows g * n_rows .. */
struct half {
    const struct ll_model *model;
    struct ll_stack stack;
    struct ll_head_row *rows; /* [n]; owned */
    struct ll_head_out *out;  /* [n]; owned */
    struct ll_hit *hits;      /* [n, k]; owned */
};

struct batch {
    const struct ll_diff *d;
    int p0, p1;               /* prompts */
    int n_ids, kept, max_seq; /* batch rows in all, of them compared; longest prompt */
    int n_rows, k;            /* lens rows a position; length of the top lists */
    int *start, *ids, *keep;  /* owned */
    struct half half[2];
    struct ll_divergence *div;  /* [kept * n_rows]; owned */
    struct ll_diff_row *result; /* [n_rows, n_pos] of one prompt; owned */
    double before, share, at,
        part; /* progress: fraction before this batch, of it; begun part's place and size in it */
};

static int kept_of(const struct ll_sweep_prompt *p) { return p->want == LL_SWEEP_ALL ? p->n_ids : 1; }

int ll_diff_rows(const struct ll_model *a, const struct ll_model *b)
{
    return a->n_layers == b->n_layers ? a->n_layers + 1 : 1;
}

/* ---- progress: pass and head of A, of B, then the walk over both, by arithmetic -------------- */

static void say(struct batch *b, double done)
{
    if (b->d->progress)
        b->d->progress(b->d->progress_arg, b->before + b->share * (b->at + b->part * done));
}
static void on_layer(void *arg, int layer, int n_layers) { say(arg, (layer + 1.0) / n_layers); }
static void on_walk(void *arg, long long done, long long total)
{
    say(arg, (double)done / (double)(total ? total : 1));
}
static void next_part(struct batch *b, double size)
{
    b->at += b->part;
    b->part = size;
}

static double pass_work(const struct ll_model *m)
{
    return (double)m->n_layers * m->d_model
        * (2.0 * (m->n_heads + m->n_kv_heads) * m->d_head + 3.0 * m->d_mlp);
}
static double head_work(const struct ll_model *m, int n_rows)
{
    return (double)n_rows * m->d_model * m->d_vocab;
}

/* ---- one model's half ------------------------------------------------------------------------ */

static int make_half(struct half *h, const struct batch *b, const struct ll_model *m, struct ll_err *err)
{
    size_t n = (size_t)b->kept * (size_t)b->n_rows, k = (size_t)b->k;
    h->model = m;
    h->rows = malloc(sizeof *h->rows * n);
    h->out = calloc(n, sizeof *h->out);
    h->hits = malloc(sizeof *h->hits * n * k);
    if (!h->rows || !h->out || !h->hits)
        return ll_fail_mem(err, "lens rows of a batch",
                           n * (sizeof *h->rows + sizeof *h->out + k * sizeof *h->hits));
    int rc = ll_stack_init(&h->stack, m, b->n_ids, b->keep, b->kept, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++) {
        int row = b->n_rows == 1 ? m->n_layers : (int)(i % (size_t)b->n_rows);
        h->out[i].top = h->hits + i * k;
        h->rows[i] = (struct ll_head_row){ll_stack_row(&h->stack, row, (int)(i / (size_t)b->n_rows)), row};
    }
    return LL_OK;
}

/* After the pass: what the lens reads from each row; row n is held against the model's own output on the way.
 */
static int read_half(struct batch *b, struct half *h, const struct ll_pass *pass, struct ll_err *err)
{
    struct ll_head_group *groups = calloc((size_t)b->kept, sizeof *groups);
    if (!groups)
        return ll_fail_mem(err, "positions of a batch", sizeof *groups * (size_t)b->kept);
    for (int g = 0; g < b->kept; g++)
        groups[g] =
            (struct ll_head_group){.model_row = pass->final + (size_t)b->keep[g] * (size_t)h->model->d_model,
                                   .first_row = g * b->n_rows,
                                   .n_rows = b->n_rows};
    struct ll_head_job job = {.model = h->model,
                              .engine = b->d->engine,
                              .lens = b->d->lens,
                              .k = b->k,
                              .groups = groups,
                              .n_groups = b->kept,
                              .rows = h->rows,
                              .out = h->out,
                              .progress = on_walk,
                              .progress_arg = b};
    int rc = ll_head_pass(&job, err);
    free(groups);
    return rc;
}

static int run_half(struct batch *b, struct half *h, const struct ll_model *m, double pass_share,
                    double head_share, struct ll_err *err)
{
    struct ll_pass pass = {0};
    long long free_bytes = ll_available_bytes();
    int rc = make_half(h, b, m, err);
    if (rc)
        return rc;
    struct ll_listener listener = ll_stack_listener(&h->stack);
    if ((rc = ll_pass_init(&pass, &(struct ll_pass_plan){m, b->n_ids, b->max_seq, &listener, 1}, b->d->engine,
                           err)))
        return rc;
    struct ll_batch batch = {b->p1 - b->p0, b->start, b->ids};
    pass.drop_behind = free_bytes > 0 && ll_model_weight_bytes(m) > free_bytes / 2;
    pass.progress = on_layer;
    pass.progress_arg = b;
    next_part(b, pass_share);
    rc = ll_forward(&pass, &batch, 0, m->n_layers, err);
    next_part(b, head_share);
    if (!rc)
        rc = read_half(b, h, &pass, err);
    ll_pass_free(&pass);
    return rc ? ll_context(err, "%s", m->ckpt->clean) : LL_OK;
}

static void free_half(struct half *h)
{
    ll_stack_free(&h->stack);
    free(h->rows);
    free(h->out);
    free(h->hits);
}

/* ---- the comparison -------------------------------------------------------------------------- */

static double jaccard(const int *a, const int *b, int n)
{
    int common = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            common += a[i] == b[j];
    return (double)common / (2 * n - common);
}

static void compare(const struct batch *b, size_t i, struct ll_diff_row *r)
{
    *r = (struct ll_diff_row){.div = b->div[i],
                              .n_top = b->half[0].out[i].n_top,
                              .resid_cos = NAN,
                              .resid_rel_err = NAN};
    for (int s = 0; s < 2; s++) {
        const struct ll_head_out *o = &b->half[s].out[i];
        r->entropy_bits[s] = o->entropy_bits;
        for (int k = 0; k < o->n_top; k++) {
            r->top_id[s][k] = o->top[k].id;
            r->top_p[s][k] = ll_head_p(o, o->top[k].v);
        }
    }
    r->flip = r->top_id[0][0] != r->top_id[1][0];
    r->top5_jaccard = jaccard(r->top_id[0], r->top_id[1], r->n_top);
    if (b->d->a->d_model == b->d->b->d_model)
        ll_resid_compare(ll_engine_vec(b->d->engine), b->half[0].rows[i].resid, b->half[1].rows[i].resid,
                         b->d->a->d_model, &r->resid_cos, &r->resid_rel_err);
}

static int hand_back(struct batch *b, struct ll_err *err)
{
    int group = 0, rc = LL_OK;
    for (int p = b->p0; p < b->p1 && !rc; p++) {
        const struct ll_sweep_prompt *P = &b->d->prompts[p];
        int n_pos = kept_of(P);
        for (int i = 0; i < n_pos; i++)
            for (int l = 0; l < b->n_rows; l++)
                compare(b, (size_t)(group + i) * (size_t)b->n_rows + (size_t)l,
                        &b->result[(size_t)l * (size_t)n_pos + (size_t)i]);
        struct ll_diff_result r = {p, b->n_rows, n_pos, P->n_ids - n_pos, b->result};
        rc = b->d->result(b->d->result_arg, &r, err);
        group += n_pos;
    }
    return rc;
}

/* ---- batches --------------------------------------------------------------------------------- */

static int lay_out(struct batch *b, struct ll_err *err)
{
    int row = 0, kept = 0, widest = 1;
    for (int p = b->p0; p < b->p1; p++)
        widest = kept_of(&b->d->prompts[p]) > widest ? kept_of(&b->d->prompts[p]) : widest;
    b->start = malloc(sizeof *b->start * (size_t)(b->p1 - b->p0 + 1));
    b->ids = malloc(sizeof *b->ids * (size_t)b->n_ids);
    b->keep = malloc(sizeof *b->keep * (size_t)b->kept);
    b->div = malloc(sizeof *b->div * (size_t)b->kept * (size_t)b->n_rows);
    b->result = malloc(sizeof *b->result * (size_t)widest * (size_t)b->n_rows);
    if (!b->start || !b->ids || !b->keep || !b->div || !b->result)
        return ll_fail_mem(err, "rows of a batch", sizeof *b->div * (size_t)b->kept * (size_t)b->n_rows);
    for (int p = b->p0; p < b->p1; p++) {
        const struct ll_sweep_prompt *P = &b->d->prompts[p];
        b->start[p - b->p0] = row;
        memcpy(b->ids + row, P->ids, sizeof *b->ids * (size_t)P->n_ids);
        for (int i = P->n_ids - kept_of(P); i < P->n_ids; i++)
            b->keep[kept++] = row + i;
        row += P->n_ids;
    }
    b->start[b->p1 - b->p0] = row;
    return LL_OK;
}

static int run_batch(struct batch *b, struct ll_err *err)
{
    const struct ll_diff *d = b->d;
    double pass_a = pass_work(d->a) * b->n_ids, pass_b = pass_work(d->b) * b->n_ids;
    double head_a = head_work(d->a, b->n_rows + 1) * b->kept,
           head_b = head_work(d->b, b->n_rows + 1) * b->kept;
    double all = pass_a + pass_b + 2 * (head_a + head_b);
    int rc = lay_out(b, err);
    if (!rc)
        rc = run_half(b, &b->half[0], d->a, pass_a / all, head_a / all, err);
    if (!rc)
        rc = run_half(b, &b->half[1], d->b, pass_b / all, head_b / all, err);
    struct ll_diff_pass job = {.a = {d->a, b->half[0].rows, b->half[0].out},
                               .b = {d->b, b->half[1].rows, b->half[1].out},
                               .n = b->kept * b->n_rows,
                               .engine = d->engine,
                               .lens = d->lens,
                               .out = b->div,
                               .progress = on_walk,
                               .progress_arg = b};
    next_part(b, (head_a + head_b) / all);
    if (!rc)
        rc = ll_diff_pass(&job, err);
    if (!rc)
        rc = hand_back(b, err);
    free_half(&b->half[0]);
    free_half(&b->half[1]);
    free(b->start);
    free(b->ids);
    free(b->keep);
    free(b->div);
    free(b->result);
    return rc;
}

/* Both stacks are held until the batch ends, one pass at a time. */
static long long batch_bytes(const struct batch *b)
{
    long long pass_a = ll_pass_bytes(&(struct ll_pass_plan){b->d->a, b->n_ids, b->max_seq, NULL, 0}),
              pass_b = ll_pass_bytes(&(struct ll_pass_plan){b->d->b, b->n_ids, b->max_seq, NULL, 0});
    long long rows = (long long)b->kept * b->n_rows
        * (long long)(2 * (sizeof(struct ll_head_out) + LL_DIFF_TOP * sizeof(struct ll_hit))
                      + sizeof(struct ll_divergence));
    return (pass_a > pass_b ? pass_a : pass_b) + ll_stack_bytes(b->d->a, b->kept)
        + ll_stack_bytes(b->d->b, b->kept) + rows;
}

/* Grow from prompt p0 while it stays within the budget; one prompt always goes. */
static struct batch next_batch(const struct ll_diff *d, int p0, long long budget)
{
    struct batch b = {.d = d,
                      .p0 = p0,
                      .p1 = p0,
                      .n_rows = ll_diff_rows(d->a, d->b),
                      .k = LL_DIFF_TOP < d->a->d_vocab ? LL_DIFF_TOP : d->a->d_vocab};
    while (b.p1 < d->n_prompts) {
        const struct ll_sweep_prompt *p = &d->prompts[b.p1];
        struct batch more = b;
        more.p1++;
        more.n_ids += p->n_ids;
        more.kept += kept_of(p);
        more.max_seq = p->n_ids > b.max_seq ? p->n_ids : b.max_seq;
        if (b.p1 > p0 && batch_bytes(&more) > budget)
            break;
        b = more;
    }
    return b;
}

static int check(const struct ll_diff *d, struct ll_err *err)
{
    if (d->a->d_vocab != d->b->d_vocab)
        return ll_fail(err, LL_EUSAGE,
                       "expected two models of one vocabulary, found %s with %d tokens and %s with %d",
                       d->a->ckpt->clean, d->a->d_vocab, d->b->ckpt->clean, d->b->d_vocab);
    for (int p = 0; p < d->n_prompts; p++) {
        if (d->prompts[p].n_ids < 1)
            return ll_fail(err, LL_EUSAGE, "prompt %d is empty: expected at least one token", p);
        for (int i = 0; i < d->prompts[p].n_ids; i++)
            if (d->prompts[p].ids[i] < 0 || d->prompts[p].ids[i] >= d->a->d_vocab)
                return ll_fail(err, LL_EUSAGE, "prompt %d: token id at position %d: expected 0..%d, found %d",
                               p, i, d->a->d_vocab - 1, d->prompts[p].ids[i]);
    }
    return LL_OK;
}

int ll_diff_run(const struct ll_diff *d, struct ll_err *err)
{
    long long free_bytes = ll_available_bytes(),
              budget = d->memory_budget > 0 ? d->memory_budget
        : free_bytes > 0                    ? free_bytes / 4
                                            : (long long)1 << 30;
    double total = 0, before = 0;
    int rc = check(d, err);
    for (int p = 0; p < d->n_prompts; p++)
        total += d->prompts[p].n_ids;
    for (int p = 0; p < d->n_prompts && !rc;) {
        struct batch b = next_batch(d, p, budget);
        b.before = before / total;
        b.share = b.n_ids / total;
        rc = run_batch(&b, err);
        before += b.n_ids;
        p = b.p1;
    }
    return rc;
}
