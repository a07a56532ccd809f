/* text_batch.c - see text_batch.h */
#include "text_batch.h"

#include "stats.h"

#include <stdlib.h>

static int length(const struct ll_windows *t, int i) { return t->start[i + 1] - t->start[i]; }

/* One past the last window of the batch that begins with window w. */
static int batch_end(const struct ll_windows *t, int w)
{
    int rows = length(t, w), e = w + 1;
    while (e < t->n && rows + length(t, e) <= LL_BATCH_TOKENS)
        rows += length(t, e++);
    return e;
}

int ll_text_batch_rows(const struct ll_windows *t)
{
    int most = 1;
    for (int w = 0, e; w < t->n; w = e) {
        e = batch_end(t, w);
        most = t->start[e] - t->start[w] > most ? t->start[e] - t->start[w] : most;
    }
    return most;
}

/* The lists of one batch, made for the largest. */
struct lists {
    int *start, *keep, *next;
    const float **final;
};

static void lists_free(struct lists *l)
{
    free(l->start);
    free(l->keep);
    free(l->next);
    free(l->final);
}

static int lists_init(struct lists *l, int rows, struct ll_err *err)
{
    size_t n = (size_t)rows + 1;
    *l = (struct lists){malloc(sizeof *l->start * n), malloc(sizeof *l->keep * n),
                        malloc(sizeof *l->next * n), malloc(sizeof *l->final * n)};
    if (l->start && l->keep && l->next && l->final)
        return LL_OK;
    lists_free(l);
    return ll_fail_mem(err, "rows of a text", n * sizeof *l->final);
}

/* Windows w..e-1 as sequences; returns how many rows are kept. */
static int lay_out(struct lists *l, const struct ll_windows *t, int w, int e, enum ll_text_skip skip)
{
    int row = 0, kept = 0;
    for (int i = w; i < e; i++) {
        int n = length(t, i), end = skip == LL_SKIP_ENDS ? n - 1 : n;
        l->start[i - w] = row;
        for (int p = 1; p < end; p++) {
            l->keep[kept] = row + p;
            l->next[kept++] = p + 1 < n ? t->ids[t->start[i] + p + 1] : -1;
        }
        row += n;
    }
    l->start[e - w] = row;
    return kept;
}

/* What all batches of a text share. */
struct walk {
    const struct ll_model *model;
    struct ll_engine *engine;
    const struct ll_windows *text;
    int (*fn)(void *, const struct ll_text_batch *, struct ll_err *);
    void *arg;
    struct lists lists;
};

/* Windows w..e-1, laid out in the lists with `kept` rows kept. */
static int run_batch(struct walk *k, int w, int e, int kept, struct ll_err *err)
{
    const struct ll_model *m = k->model;
    const struct ll_windows *t = k->text;
    struct lists *l = &k->lists;
    struct ll_stack stack = {0};
    struct ll_pass pass = {0};
    int rows = l->start[e - w], longest = 1;
    for (int i = w; i < e; i++)
        longest = length(t, i) > longest ? length(t, i) : longest;
    int rc = ll_stack_init(&stack, m, rows, l->keep, kept, err);
    if (rc)
        return rc;
    struct ll_listener listener = ll_stack_listener(&stack);
    if (!(rc = ll_pass_init(&pass, &(struct ll_pass_plan){m, rows, longest, &listener, 1}, k->engine, err))) {
        long long free_bytes = ll_available_bytes();
        pass.drop_behind = free_bytes > 0 && ll_model_weight_bytes(m) > free_bytes / 2;
        struct ll_batch batch = {e - w, l->start, t->ids + t->start[w]};
        rc = ll_forward(&pass, &batch, 0, m->n_layers, err);
    }
    for (int i = 0; i < kept && !rc; i++)
        l->final[i] = pass.final + (size_t)l->keep[i] * (size_t)m->d_model;
    struct ll_text_batch b = {&stack, l->final, l->next, (double)w / t->n};
    if (!rc)
        rc = k->fn(k->arg, &b, err);
    ll_pass_free(&pass);
    ll_stack_free(&stack);
    return rc;
}

int ll_text_walk(const struct ll_model *m, struct ll_engine *eng, const struct ll_windows *t,
                 enum ll_text_skip skip, int (*fn)(void *, const struct ll_text_batch *, struct ll_err *),
                 void *arg, struct ll_err *err)
{
    struct walk k = {m, eng, t, fn, arg, {0}};
    int rc = lists_init(&k.lists, ll_text_batch_rows(t), err);
    if (rc)
        return rc;
    for (int w = 0, e; w < t->n && !rc; w = e) {
        e = batch_end(t, w);
        int kept = lay_out(&k.lists, t, w, e, skip);
        if (kept)
            rc = run_batch(&k, w, e, kept, err);
    }
    lists_free(&k.lists);
    return rc;
}
