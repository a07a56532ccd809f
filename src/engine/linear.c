/* linear.c - y = x . w^T by rule B (engine.h), weights as stored, x packed once, tasks are ranges of w's
 * rows. */
#include "engine_priv.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

struct job {
    struct ll_engine *eng;
    const struct ll_mat *w;
    const float *x; /* [m, k], row stride ldx: the rows of this pass */
    long ldx;
    int m;
    const float *bias; /* [n] or NULL */
    float *y;
    long ldy;
    int step;            /* rows of w a task, a multiple of nr */
    int m_parts, m_step; /* rows of x are cut too when w has too few tasks for all threads */
    _Atomic int next;
};

static void add_bias(const struct job *j, int n0, int n, int m0, int m)
{
    for (int i = 0; i < m; i++) {
        float *y = j->y + (m0 + i) * j->ldy + n0;
        j->eng->kern->vec.add(y, y, j->bias + n0, (size_t)n);
    }
}

static void work(void *arg, int tid, int n_threads)
{
    (void)n_threads;
    struct job *j = arg;
    struct ll_scratch *s = &j->eng->scratch[tid];
    const int n_tasks = (j->w->n + j->step - 1) / j->step * j->m_parts, nr = j->eng->kern->nr;
    for (int task; (task = atomic_fetch_add(&j->next, 1)) < n_tasks;) {
        const int n0 = task / j->m_parts * j->step, n = ll_min(j->w->n - n0, j->step);
        const int part = task % j->m_parts, m0 = part * j->m_step;
        const int m = part == j->m_parts - 1 ? j->m - m0 : j->m_step, whole = n % nr == 0;
        float *y = j->y + m0 * j->ldy + n0;
        ll_product_run(&(struct ll_product_task){.kern = j->eng->kern,
                                                 .w = j->w,
                                                 .n0 = n0,
                                                 .n = n,
                                                 .x = j->eng->x + (long)m0 * j->w->k,
                                                 .m = m,
                                                 .left = j->m - m0,
                                                 .y = whole ? y : s->y,
                                                 .ldy = whole ? j->ldy : LL_TASK_N},
                       s);
        for (int i = 0; !whole && i < m; i++)
            memcpy(y + i * j->ldy, s->y + (long)i * LL_TASK_N, sizeof *y * (size_t)n);
        if (j->bias && !j->w->paired)
            add_bias(j, n0, n, m0, m);
    }
}

/* How the work is cut. Nothing of this shows in the result. */
static void plan(struct job *j)
{
    const int threads = j->eng->n_threads, n = j->w->n, nr = j->eng->kern->nr, mr = j->eng->kern->mr;
    const int some = 4 * threads; /* more tasks than threads, for when one of them is held up */
    j->step = ll_round_up((n + some - 1) / some, nr);
    if (j->step > LL_TASK_N)
        j->step = LL_TASK_N;
    j->m_parts = 1;
    j->m_step = j->m;
    const int n_tasks = (n + j->step - 1) / j->step;
    if (n_tasks < threads && j->m >= 4 * mr) {
        /* parts of whole tiles, and at least one more tile's rows in the last */
        const int parts = (threads + n_tasks - 1) / n_tasks;
        j->m_step = ll_round_up((j->m + parts - 1) / parts, mr);
        while (j->m_parts < parts && j->m - j->m_parts * j->m_step >= mr)
            j->m_parts++;
    }
}

/* y of a matrix with paired rows (ll_mat): outputs into their order, then the bias. */
static void unpair_some(void *arg, int row0, int row1)
{
    const struct job *j = arg;
    const int group = j->w->paired, half = group / 2;
    float head[LL_MAX_PAIRED];
    for (int i = row0; i < row1; i++) {
        for (int n0 = 0; n0 < j->w->n; n0 += group) {
            float *y = j->y + i * j->ldy + n0;
            memcpy(head, y, (size_t)group * sizeof *y);
            for (int h = 0; h < half; h++) {
                y[h] = head[2 * h];
                y[h + half] = head[2 * h + 1];
            }
        }
        if (j->bias)
            j->eng->kern->vec.add(j->y + i * j->ldy, j->y + i * j->ldy, j->bias, (size_t)j->w->n);
    }
}

static void pack_work(void *arg, int tid, int n_threads)
{
    struct job *j = arg;
    ll_pack_x(j->eng->kern, j->x, j->ldx, j->m, j->w->k, j->eng->x, tid, n_threads);
}

void ll_linear(struct ll_engine *eng, const struct ll_mat *w, const float *x, long ldx, int m,
               const float *bias, float *y, long ldy)
{
    enum { SMALL_PACK = 32768 }; /* floats: below, waking the other threads costs more than packing alone */
    assert(m <= eng->max_m && w->k <= eng->max_k && w->k > 0 && (unsigned)w->type < LL_N_DTYPES
           && w->paired <= LL_MAX_PAIRED && w->paired % 2 == 0);
    if (w->n == 0)
        return;
    for (int m0 = 0; m0 < m; m0 += LL_M_BLOCK) {
        struct job j = {.eng = eng,
                        .w = w,
                        .x = x + m0 * ldx,
                        .ldx = ldx,
                        .m = ll_min(m - m0, LL_M_BLOCK),
                        .bias = bias,
                        .y = y + m0 * ldy,
                        .ldy = ldy};
        plan(&j);
        atomic_init(&j.next, 0);
        if ((long)j.m * w->k <= SMALL_PACK)
            pack_work(&j, 0, 1);
        else
            ll_pool_run(eng->pool, pack_work, &j);
        ll_pool_run(eng->pool, work, &j);
        if (w->paired)
            ll_engine_rows(eng, j.m, unpair_some, &j);
    }
}
