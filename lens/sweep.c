/* sweep.c - see sweep.h */
#include "sweep.h"

#include "stats.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LISTENERS = 8 };

/* One batch: prompts p0..p1-1 with their rows, kept rows and groups. */
struct batch {
    int p0, p1, rows, kept, max_seq;
};

/* Positions looked at: so many, from the first on. */
static int groups_of(const struct ll_sweep_prompt *p)
{
    return p->want == LL_SWEEP_ALL ? p->n_ids : p->want == LL_SWEEP_TAIL ? p->n_tail : 1;
}
static int first_of(const struct ll_sweep_prompt *p)
{
    return p->want == LL_SWEEP_AT ? p->at : p->n_ids - groups_of(p);
}
static int kept_of(const struct ll_sweep_prompt *p) { return p->want == LL_SWEEP_OUTPUT ? 0 : groups_of(p); }

/* The longest top list. */
static int most_k(const struct ll_sweep *s) { return s->k_last > s->k ? s->k_last : s->k; }

/* The stack, and with a tuned lens its translated copy. */
static long long stack_bytes(const struct ll_sweep *s, const struct batch *b)
{
    return ll_stack_bytes(s->model, b->kept) * (s->tuned ? 2 : 1);
}

static long long batch_bytes(const struct ll_sweep *s, const struct batch *b)
{
    return ll_pass_bytes(&(struct ll_pass_plan){s->model, b->rows, b->max_seq, NULL, 0}) + stack_bytes(s, b);
}

/* Grow a batch from prompt p0 while it stays within the budget; one prompt always goes. */
static struct batch next_batch(const struct ll_sweep *s, int p0, long long budget)
{
    struct batch b = {p0, p0, 0, 0, 0};
    while (b.p1 < s->n_prompts) {
        const struct ll_sweep_prompt *p = &s->prompts[b.p1];
        struct batch more = {p0, b.p1 + 1, b.rows + p->n_ids, b.kept + kept_of(p),
                             p->n_ids > b.max_seq ? p->n_ids : b.max_seq};
        if (b.p1 > p0 && batch_bytes(s, &more) > budget)
            break;
        b = more;
    }
    return b;
}

static long long budget_of(const struct ll_sweep *s)
{
    long long free_bytes = ll_available_bytes();
    return s->memory_budget > 0 ? s->memory_budget : free_bytes > 0 ? free_bytes / 4 : (long long)1 << 30;
}

/* Arithmetic of a prompt, in floating-point operations: 2 per weight and row, attention, then the walk. */
static double pass_flops(const struct ll_model *m, const struct ll_sweep_prompt *p)
{
    double n = p->n_ids, dq = (double)m->n_heads * m->d_head;
    return 2 * n * ll_model_row_products(m) + 2 * n * n * dq * m->n_layers;
}
static double head_flops(const struct ll_model *m, const struct ll_sweep_prompt *p)
{
    return 2.0 * m->d_model * m->d_vocab * ((double)kept_of(p) * (m->n_layers + 1) + groups_of(p));
}

/* ---- progress: one fraction over all batches, by arithmetic ---------------------------------- */

struct progress {
    const struct ll_sweep *s;
    double total, before, pass, head; /* flops in all, of finished batches, of this batch's two parts */
};

static void on_layer(void *arg, int layer, int n_layers)
{
    struct progress *p = arg;
    p->s->progress(p->s->progress_arg, (p->before + p->pass * (layer + 1) / n_layers) / p->total);
}

static void on_walk(void *arg, long long done, long long total)
{
    struct progress *p = arg;
    p->s->progress(p->s->progress_arg,
                   (p->before + p->pass + p->head * (double)done / (double)(total ? total : 1)) / p->total);
}

/* ---- one batch ------------------------------------------------------------------------------- */

struct arrays {
    int *start, *ids, *keep; /* [n_seq + 1], [rows], [kept] */
    struct ll_head_group *groups;
    struct ll_head_row *rows;
    struct ll_head_out *out, *own;
    struct ll_hit *hits;      /* k a row of out and own */
    const float **resid_last; /* [n_layers + 1] of the prompt at hand */
};

static void free_arrays(struct arrays *a)
{
    free(a->start);
    free(a->ids);
    free(a->keep);
    free(a->groups);
    free(a->rows);
    free(a->out);
    free(a->own);
    free(a->hits);
    free(a->resid_last);
}

static int make_arrays(struct arrays *a, const struct ll_sweep *s, const struct batch *b, int n_groups,
                       struct ll_err *err)
{
    size_t lens_rows = (size_t)b->kept * (size_t)(s->model->n_layers + 1),
           outs = lens_rows + (size_t)n_groups, k = (size_t)most_k(s);
    memset(a, 0, sizeof *a);
    a->start = malloc(sizeof *a->start * (size_t)(b->p1 - b->p0 + 1));
    a->ids = malloc(sizeof *a->ids * (size_t)b->rows);
    a->keep = malloc(sizeof *a->keep * (size_t)(b->kept + 1));
    a->groups = calloc((size_t)n_groups, sizeof *a->groups);
    a->rows = malloc(sizeof *a->rows * (lens_rows + 1));
    a->out = calloc(lens_rows + 1, sizeof *a->out);
    a->own = calloc((size_t)n_groups, sizeof *a->own);
    a->hits = malloc(sizeof *a->hits * (outs * k + 1));
    a->resid_last = malloc(sizeof *a->resid_last * (size_t)(s->model->n_layers + 1));
    if (!a->start || !a->ids || !a->keep || !a->groups || !a->rows || !a->out || !a->own || !a->hits
        || !a->resid_last) {
        free_arrays(a);
        return ll_fail_mem(err, "lens rows of a batch", outs * k * sizeof *a->hits);
    }
    for (size_t i = 0; i < lens_rows; i++)
        a->out[i].top = a->hits + i * k;
    for (size_t i = 0; i < (size_t)n_groups; i++)
        a->own[i].top = a->hits + (lens_rows + i) * k;
    return LL_OK;
}

static void lay_out(struct arrays *a, const struct ll_sweep *s, const struct batch *b)
{
    int row = 0, kept = 0;
    for (int p = b->p0; p < b->p1; p++) {
        const struct ll_sweep_prompt *P = &s->prompts[p];
        a->start[p - b->p0] = row;
        memcpy(a->ids + row, P->ids, sizeof *a->ids * (size_t)P->n_ids);
        for (int i = 0; i < kept_of(P); i++)
            a->keep[kept++] = row + first_of(P) + i;
        row += P->n_ids;
    }
    a->start[b->p1 - b->p0] = row;
}

/* The rows the lens reads: the stack itself, or its copy through the translators. Copies are made even of
 * rows that have none, so that the stack's layout holds; a listener or the caller may still want the
 * residuals as they were. */
static int translate(struct ll_stack *read, const struct ll_sweep *s, const struct ll_stack *st,
                     struct ll_err *err)
{
    size_t layer = (size_t)st->n_kept * (size_t)st->d_model, all = layer * (size_t)(st->n_layers + 1);
    *read = *st;
    if (!s->tuned || !st->n_kept)
        return LL_OK;
    if (!(read->x = malloc(sizeof *read->x * all)))
        return ll_fail_mem(err, "translated residuals", sizeof *read->x * all);
    int rc = LL_OK;
    for (int l = 0; l <= st->n_layers && !rc; l++)
        rc = ll_tuned_apply(s->tuned, s->engine, l, st->x + (size_t)l * layer, st->n_kept,
                            read->x + (size_t)l * layer, err);
    return rc;
}

/* The ids followed at position i of a prompt. */
static const int *followed_at(const struct ll_sweep_prompt *P, int i, int *n)
{
    int tail = P->want == LL_SWEEP_TAIL, first = first_of(P), is_last = i == first + groups_of(P) - 1;
    *n = tail || is_last ? P->n_tracked : 0;
    if (*n)
        return P->tracked + (tail ? (size_t)(i - first) * (size_t)P->n_tracked : 0);
    *n = P->want == LL_SWEEP_ALL && P->follow && !is_last && P->follow[i] >= 0;
    return *n ? &P->follow[i] : NULL;
}

/* Groups and rows in prompt order, positions within, layers innermost. */
static void lay_groups(struct arrays *a, const struct ll_sweep *s, const struct batch *b,
                       const struct ll_pass *pass, const struct ll_stack *st)
{
    int g = 0, kept = 0, at = 0, n = s->model->n_layers + 1;
    for (int p = b->p0; p < b->p1; p++) {
        const struct ll_sweep_prompt *P = &s->prompts[p];
        int first = first_of(P);
        for (int i = first; i < first + groups_of(P); i++, g++) {
            struct ll_head_group *G = &a->groups[g];
            *G = (struct ll_head_group){.model_row = pass->final
                                            + (size_t)(a->start[p - b->p0] + i) * (size_t)s->model->d_model,
                                        .first_row = at,
                                        .n_rows = P->want == LL_SWEEP_OUTPUT ? 0 : n};
            G->tracked = followed_at(P, i, &G->n_tracked);
            G->k =
                i == P->n_ids - 1 && (P->want == LL_SWEEP_ALL || P->want == LL_SWEEP_LAST) ? most_k(s) : s->k;
            for (int l = 0; l < G->n_rows; l++)
                a->rows[at++] = (struct ll_head_row){ll_stack_row(st, l, kept), l};
            kept += G->n_rows > 0;
        }
    }
}

/* Results of one prompt: [layer, position] from the walk's [position, layer]. */
static int hand_back(const struct arrays *a, const struct ll_sweep *s, const struct batch *b,
                     const struct ll_pass *pass, const struct ll_stack *stack, struct ll_head_out *turned,
                     struct ll_err *err)
{
    int g = 0, kept = 0, n = s->model->n_layers + 1, rc = LL_OK;
    for (int p = b->p0; p < b->p1 && !rc; p++) {
        const struct ll_sweep_prompt *P = &s->prompts[p];
        int n_pos = groups_of(P), n_rows = a->groups[g].n_rows ? n : 0;
        for (int i = 0; i < n_pos && n_rows; i++)
            for (int l = 0; l < n; l++)
                turned[(size_t)l * (size_t)n_pos + (size_t)i] = a->out[a->groups[g + i].first_row + l];
        kept += kept_of(P);
        for (int l = 0; l < n_rows; l++)
            a->resid_last[l] = ll_stack_row(stack, l, kept - 1);
        int first = first_of(P), last_row = a->start[p - b->p0] + first + n_pos - 1;
        struct ll_sweep_result r = {p,
                                    n_rows,
                                    n_pos,
                                    first,
                                    turned,
                                    a->own + g,
                                    pass->final + (size_t)last_row * (size_t)s->model->d_model,
                                    n_rows ? a->resid_last : NULL,
                                    n_rows ? stack : NULL,
                                    kept - kept_of(P)};
        rc = s->result(s->result_arg, &r, err);
        g += n_pos;
    }
    return rc;
}

static int run_batch(const struct ll_sweep *s, const struct batch *b, struct progress *prog,
                     struct ll_err *err)
{
    struct arrays a = {0};
    struct ll_pass pass = {0};
    struct ll_stack stack = {0}, read = {0}; /* read shares all but x with stack */
    struct ll_head_out *turned = NULL;
    struct ll_listener listeners[MAX_LISTENERS];
    int n_listeners = 0, n_groups = 0, widest = 1, rc;
    for (int p = b->p0; p < b->p1; p++) {
        n_groups += groups_of(&s->prompts[p]);
        widest = kept_of(&s->prompts[p]) > widest ? kept_of(&s->prompts[p]) : widest;
    }
    if ((rc = make_arrays(&a, s, b, n_groups, err)))
        return rc;
    lay_out(&a, s, b);
    if (s->n_extra > MAX_LISTENERS - 1) {
        rc = ll_fail(err, LL_EUSAGE, "sweep: expected at most %d listeners, found %d", MAX_LISTENERS - 1,
                     s->n_extra);
        goto done;
    }
    for (int i = 0; i < s->n_extra; i++) /* first: the lens reads what they leave */
        listeners[n_listeners++] = s->extra[i];
    if (b->kept) {
        if ((rc = ll_stack_init(&stack, s->model, b->rows, a.keep, b->kept, err)))
            goto done;
        stack.site = ll_site_hook(s->site);
        listeners[n_listeners++] = ll_stack_listener(&stack);
    }
    if (!(turned = malloc(sizeof *turned * (size_t)widest * (size_t)(s->model->n_layers + 1)))) {
        rc = ll_fail_mem(err, "results of a prompt", sizeof *turned * (size_t)widest);
        goto done;
    }
    if ((rc = ll_pass_init(&pass,
                           &(struct ll_pass_plan){s->model, b->rows, b->max_seq, listeners, n_listeners},
                           s->engine, err)))
        goto done;
    long long free_bytes = ll_available_bytes();
    pass.drop_behind = free_bytes > 0 && ll_model_weight_bytes(s->model) > free_bytes / 2;
    if (s->progress) {
        pass.progress = on_layer;
        pass.progress_arg = prog;
    }
    struct ll_batch batch = {b->p1 - b->p0, a.start, a.ids};
    if ((rc = ll_forward(&pass, &batch, 0, s->model->n_layers, err)))
        goto done;
    if ((rc = translate(&read, s, &stack, err)))
        goto done;
    lay_groups(&a, s, b, &pass, &read);
    struct ll_head_job job = {.model = s->model,
                              .engine = s->engine,
                              .lens = s->lens,
                              .ln_bias_drop = s->ln_bias_drop,
                              .bare_head = s->bare_head,
                              .site = s->site,
                              .k = most_k(s),
                              .groups = a.groups,
                              .n_groups = n_groups,
                              .rows = a.rows,
                              .out = a.out,
                              .model_out = a.own,
                              .progress = s->progress ? on_walk : NULL,
                              .progress_arg = prog};
    if (!(rc = ll_head_pass(&job, err)))
        rc = hand_back(&a, s, b, &pass, &stack, turned, err);
done:
    if (read.x != stack.x)
        free(read.x);
    free(turned);
    ll_pass_free(&pass);
    ll_stack_free(&stack);
    free_arrays(&a);
    return rc;
}

/* ---- the sweep ------------------------------------------------------------------------------- */

static int check(const struct ll_sweep *s, struct ll_err *err)
{
    if (s->k < 1 || most_k(s) > s->model->d_vocab)
        return ll_fail(err, LL_EUSAGE, "top-k: expected 1..%d (the vocabulary), found %d", s->model->d_vocab,
                       s->k < 1 ? s->k : most_k(s));
    for (int p = 0; p < s->n_prompts; p++) {
        const struct ll_sweep_prompt *P = &s->prompts[p];
        if (P->n_ids < 1)
            return ll_fail(err, LL_EUSAGE, "prompt %d is empty: expected at least one token", p);
        for (int i = 0; i < P->n_ids; i++)
            if (P->ids[i] < 0 || P->ids[i] >= s->model->d_vocab)
                return ll_fail(err, LL_EUSAGE, "prompt %d: token id at position %d: expected 0..%d, found %d",
                               p, i, s->model->d_vocab - 1, P->ids[i]);
        if (P->want == LL_SWEEP_TAIL && (P->n_tail < 1 || P->n_tail > P->n_ids))
            return ll_fail(err, LL_EUSAGE, "prompt %d: last positions: expected 1..%d (its tokens), found %d",
                           p, P->n_ids, P->n_tail);
        if (P->want == LL_SWEEP_AT && (P->at < 0 || P->at >= P->n_ids))
            return ll_fail(err, LL_EUSAGE, "prompt %d: position read: expected 0..%d, found %d", p,
                           P->n_ids - 1, P->at);
        if (P->n_tracked > LL_MAX_TRACKED)
            return ll_fail(err, LL_EUSAGE, "prompt %d: expected at most %d followed ids, found %d", p,
                           LL_MAX_TRACKED, P->n_tracked);
    }
    return LL_OK;
}

int ll_sweep_run(const struct ll_sweep *s, struct ll_err *err)
{
    struct progress prog = {.s = s};
    long long budget = budget_of(s);
    int rc = check(s, err);
    if (!rc)
        rc = ll_site_check(s->model, s->site, err);
    for (int p = 0; p < s->n_prompts; p++)
        prog.total += pass_flops(s->model, &s->prompts[p]) + head_flops(s->model, &s->prompts[p]);
    for (int p = 0; p < s->n_prompts && !rc;) {
        struct batch b = next_batch(s, p, budget);
        prog.pass = prog.head = 0;
        for (int i = b.p0; i < b.p1; i++) {
            prog.pass += pass_flops(s->model, &s->prompts[i]);
            prog.head += head_flops(s->model, &s->prompts[i]);
        }
        rc = run_batch(s, &b, &prog, err);
        prog.before += prog.pass + prog.head;
        p = b.p1;
    }
    return rc;
}

int ll_sweep_plan(const struct ll_sweep *s, struct ll_sweep_plan *plan, struct ll_err *err)
{
    int rc = check(s, err), n = s->model->n_layers + 1;
    memset(plan, 0, sizeof *plan);
    for (int p = 0; p < s->n_prompts && !rc;) {
        struct batch b = next_batch(s, p, budget_of(s));
        long long pass = ll_pass_bytes(&(struct ll_pass_plan){s->model, b.rows, b.max_seq, NULL, 0}),
                  stack = stack_bytes(s, &b);
        for (int i = b.p0; i < b.p1; i++) {
            plan->flops_pass += pass_flops(s->model, &s->prompts[i]);
            plan->flops_head += head_flops(s->model, &s->prompts[i]);
        }
        plan->rows += b.rows;
        plan->kept += (long long)b.kept * n;
        plan->n_batches++;
        if (pass + stack > plan->pass_bytes + plan->stack_bytes) {
            plan->batch_rows = b.rows;
            plan->pass_bytes = pass;
            plan->stack_bytes = stack;
            plan->head_bytes = (long long)b.kept * n
                    * ((long long)sizeof(struct ll_head_out) + most_k(s) * (long long)sizeof(struct ll_hit))
                + ll_head_pass_bytes(s->model, b.kept, most_k(s), ll_engine_threads(s->engine));
        }
        plan->weight_bytes_read += ll_model_weight_bytes(s->model);
        p = b.p1;
    }
    return rc;
}
