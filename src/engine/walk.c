/* walk.c - all rows of x times all vocabulary rows, a tile at a time, each tile handed to the caller while it
 * is in the cache: the logits as a whole never exist. */
#include "engine_priv.h"

#include <assert.h>
#include <stdatomic.h>

struct job {
    struct ll_engine *eng;
    const struct ll_mat *w;
    const float *x;
    long ldx;
    const int *chunk_start;
    int n_chunks;
    ll_walk_fn fn;
    void *arg;
    _Atomic int next;
};

static void pack_work(void *arg, int tid, int n_threads)
{
    struct job *j = arg;
    ll_pack_x(j->eng->kern, j->x, j->ldx, j->chunk_start[j->n_chunks], j->w->k, j->eng->x, tid, n_threads);
}

static void one_tile(const struct job *j, int tid, int task, int v0, int n)
{
    struct ll_scratch *s = &j->eng->scratch[tid];
    const int m = j->chunk_start[j->n_chunks];
    ll_product_run(&(struct ll_product_task){.kern = j->eng->kern,
                                             .w = j->w,
                                             .n0 = v0,
                                             .n = n,
                                             .x = j->eng->x,
                                             .m = m,
                                             .left = m,
                                             .y = s->y,
                                             .ldy = LL_TASK_N},
                   s);
    for (int c = 0; c < j->n_chunks; c++) {
        const int r0 = j->chunk_start[c], rows = j->chunk_start[c + 1] - r0;
        if (rows)
            j->fn(j->arg, tid, task, v0, n, r0, rows, s->y + (long)r0 * LL_TASK_N, LL_TASK_N);
    }
}

static void work(void *arg, int tid, int n_threads)
{
    (void)n_threads;
    struct job *j = arg;
    const int n_vocab = j->w->n;
    for (int task; (task = atomic_fetch_add(&j->next, 1)) <= (n_vocab - 1) / LL_WALK_TASK;) {
        const int v_end = n_vocab - task * LL_WALK_TASK < LL_WALK_TASK ? n_vocab : (task + 1) * LL_WALK_TASK;
        for (int v = task * LL_WALK_TASK; v < v_end; v += LL_WALK_TILE)
            one_tile(j, tid, task, v, ll_min(v_end - v, LL_WALK_TILE));
    }
}

void ll_walk(struct ll_engine *eng, const struct ll_mat *w, const float *x, long ldx, const int *chunk_start,
             int n_chunks, ll_walk_fn fn, void *arg)
{
    const int m = chunk_start[n_chunks];
    assert(n_chunks >= 0 && chunk_start[0] == 0 && w->k <= eng->max_k && m <= eng->max_m
           && m <= LL_WALK_ROWS);
    if (m == 0 || w->n == 0)
        return;
    struct job j = {.eng = eng,
                    .w = w,
                    .x = x,
                    .ldx = ldx,
                    .chunk_start = chunk_start,
                    .n_chunks = n_chunks,
                    .fn = fn,
                    .arg = arg};
    atomic_init(&j.next, 0);
    ll_pool_run(eng->pool, pack_work, &j);
    ll_pool_run(eng->pool, work, &j);
}
