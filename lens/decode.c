/* decode.c - see decode.h */
#include "decode.h"

#include "lines.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

int ll_decode_init(struct ll_decode *d, const struct ll_decode_plan *plan, struct ll_err *err)
{
    const struct ll_model *m = plan->model;
    struct ll_engine *eng = plan->engine;
    const int n_weights = plan->n_weights;
    size_t V = (size_t)m->d_vocab, threads = (size_t)ll_engine_threads(eng);
    long long fit = plan->bytes / (long long)(V * sizeof(float));
    *d = (struct ll_decode){.model = m, .engine = eng, .bare = plan->bare, .n_weights = n_weights};
    d->max_slots = fit < plan->min_slots ? plan->min_slots
        : fit > plan->max_slots          ? plan->max_slots
                                         : (int)fit;
    d->x = ll_lines_alloc((size_t)d->max_slots * (size_t)m->d_model * sizeof *d->x);
    d->logits = ll_lines_alloc((size_t)d->max_slots * V * sizeof *d->logits);
    d->weights = ll_lines_alloc(threads * (size_t)n_weights * V * sizeof *d->weights);
    int rc = d->x && d->logits && d->weights
        ? ll_engine_reserve(eng, d->max_slots, m->d_model, 1, 1, err)
        : ll_fail_mem(
            err, "logits of lens rows",
            V * ((size_t)d->max_slots * sizeof(float) + threads * (size_t)n_weights * sizeof(double)));
    if (rc)
        ll_decode_free(d);
    return rc;
}

void ll_decode_free(struct ll_decode *d)
{
    free(d->x);
    free(d->logits);
    free(d->weights);
    memset(d, 0, sizeof *d);
}

float *ll_decode_x(const struct ll_decode *d, int slot)
{
    return d->x + (size_t)slot * (size_t)d->model->d_model;
}
const float *ll_decode_logits(const struct ll_decode *d, int slot)
{
    return d->logits + (size_t)slot * (size_t)d->model->d_vocab;
}
double *ll_decode_weights(const struct ll_decode *d, int tid, int i)
{
    return d->weights + ((size_t)tid * (size_t)d->n_weights + (size_t)i) * (size_t)d->model->d_vocab;
}

void ll_decode_run(struct ll_decode *d, int n_slots)
{
    if (n_slots > 0)
        ll_head_logits_rows(d->model, d->engine, d->x, n_slots, d->bare, d->logits);
}

struct each {
    int n;
    _Atomic int next;
    void (*fn)(void *, int, int);
    void *arg;
};

static void take(void *arg, int tid, int n_threads)
{
    struct each *e = arg;
    (void)n_threads;
    for (int i; (i = atomic_fetch_add(&e->next, 1)) < e->n;)
        e->fn(e->arg, tid, i);
}

void ll_decode_each(const struct ll_decode *d, int n, void (*fn)(void *arg, int tid, int i), void *arg)
{
    struct each e = {.n = n, .fn = fn, .arg = arg};
    atomic_init(&e.next, 0);
    ll_pool_run(ll_engine_pool(d->engine), take, &e);
}
