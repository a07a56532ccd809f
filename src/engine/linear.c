/* linear.c - y = x . w^T by rule L16 (engine.h), weights as stored, x packed once, tasks are ranges of w's
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
    int step;            /* rows of w a task */
    int m_parts, m_step; /* rows of x are cut too when w has too few tasks for all threads */
    int in_registers;    /* widen a group at a time in registers */
    int slab;            /* so many rows of x (a multiple of 12) go through a task's weights at a time */
    _Atomic int next;
};

static int min_int(int a, int b) { return a < b ? a : b; }
static int round_up(int n, int step) { return (n + step - 1) / step * step; }

static int block_len(int k, int k0) { return min_int(k - k0, LL_BLOCK); }

/* The groups of nr rows n0..n0+n of w (n a multiple of nr) times rows m0..m0+m of x -> y, which is column n0
 * of row m0. */
static void whole_groups(const struct job *j, int tid, int n0, int n, int m0, int m, float *y, long ldy)
{
    const struct ll_kernels *kern = j->eng->kern;
    float *panel = j->eng->scratch[tid].panel;
    const struct ll_mat *w = j->w;
    const uint8_t *end =
        w->data + (size_t)(w->n - 1) * w->row_bytes;  /* the last row: nothing is asked for past it */
    const int by_rows = !w->transposed && !w->packed; /* stored row by row: the next rows can be asked for */
    const int rows = j->in_registers ? kern->nr : n;
    for (int r = 0; r < n; r += rows)
        for (int k0 = 0; k0 < w->k; k0 += LL_BLOCK) {
            const int kl = block_len(w->k, k0), kb = ll_pad16(kl);
            const uint8_t *raw = w->data + (size_t)(n0 + r) * w->row_bytes;
            const size_t bytes =
                (size_t)rows * w->row_bytes; /* of the rows that come next, an equal part for each block */
            const uint8_t *next = raw + bytes + bytes / (size_t)w->k * (size_t)k0;
            struct ll_tile t = {
                .x = j->eng->x + (long)j->m * k0 + (long)m0 * kb,
                .m = m,
                .w = panel,
                .group_stride = (long)kern->nr * kb,
                .n_groups = rows / kern->nr,
                .kb = kb,
                .y = y + r,
                .ldy = ldy,
                .first = k0 == 0,
                .next_bytes = (long)(bytes / (size_t)w->k) * kl,
            };
            if (by_rows && (size_t)(end - w->data) > (size_t)(next - w->data) + (size_t)t.next_bytes)
                t.next = next;
            if (j->in_registers && kl % 16 == 0)
                kern->fused[w->type](&t, raw + ll_wtype_row_bytes(w->type, k0), w->row_bytes, panel);
            else {
                ll_widen(kern, w, n0 + r, rows, k0, kl, panel, t.group_stride);
                kern->tile(&t);
            }
        }
}

/* The last rows of w, fewer than a group: into a buffer as wide as a group first. */
static void last_group(const struct job *j, int tid, int n0, int n, int m0, int m, float *y, long ldy)
{
    const struct ll_kernels *kern = j->eng->kern;
    struct ll_scratch *s = &j->eng->scratch[tid];
    for (int k0 = 0; k0 < j->w->k; k0 += LL_BLOCK) {
        const int kl = block_len(j->w->k, k0), kb = ll_pad16(kl);
        ll_widen(kern, j->w, n0, n, k0, kl, s->panel, (long)kern->nr * kb);
        kern->tile(&(struct ll_tile){.x = j->eng->x + (long)j->m * k0 + (long)m0 * kb,
                                     .m = m,
                                     .w = s->panel,
                                     .group_stride = (long)kern->nr * kb,
                                     .n_groups = 1,
                                     .kb = kb,
                                     .y = s->edge,
                                     .ldy = kern->nr,
                                     .first = k0 == 0});
    }
    for (int i = 0; i < m; i++)
        memcpy(y + i * ldy, s->edge + (long)i * kern->nr, (size_t)n * sizeof *y);
}

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
    const int n_tasks = (j->w->n + j->step - 1) / j->step * j->m_parts, nr = j->eng->kern->nr;
    for (int task; (task = atomic_fetch_add(&j->next, 1)) < n_tasks;) {
        const int n0 = task / j->m_parts * j->step, n = min_int(j->w->n - n0, j->step), whole = n / nr * nr;
        const int part = task % j->m_parts, m0 = part * j->m_step;
        const int m = part == j->m_parts - 1 ? j->m - m0 : j->m_step;
        float *y = j->y + m0 * j->ldy + n0;
        for (int at = 0, slab; whole && at < m; at += slab) {
            slab = m - at < j->slab + 12 ? m - at : j->slab;
            whole_groups(j, tid, n0, whole, m0 + at, slab, y + at * j->ldy, j->ldy);
        }
        if (whole < n)
            last_group(j, tid, n0 + whole, n - whole, m0, m, y + whole, j->ldy);
        if (j->bias && !j->w->paired)
            add_bias(j, n0, n, m0, m);
    }
}

/* How the work is cut. Nothing of this shows in the result. */
static void plan(struct job *j)
{
    enum { SLAB_FLOATS = 98304 }; /* 384 KiB of x: stays in L2 while group after group of w goes by */
    const int threads = j->eng->n_threads, n = j->w->n;
    /* transposed or packed: a group's few values of each stored line would waste the rest of it; types
     * without a kernel of their own cost more to widen than to multiply: into a panel, once for all rows of x
     */
    j->in_registers = j->m <= j->eng->kern->small_m && j->eng->kern->fused[j->w->type] && !j->w->transposed
        && !j->w->packed;
    j->slab = j->in_registers ? SLAB_FLOATS / j->w->k / 12 * 12 : j->m;
    if (j->slab < 24)
        j->slab = 24;
    if (j->in_registers)
        j->step = n >= 8192 ? 256 : n >= 2048 ? 64 : 32;
    else { /* equal tiles of at most LL_PANEL_ROWS, a whole number of them a thread */
        const int per = (n + threads - 1) / threads, tiles = (per + LL_PANEL_ROWS - 1) / LL_PANEL_ROWS;
        j->step = round_up((per + tiles - 1) / tiles, 4);
    }
    j->m_parts = 1;
    j->m_step = j->m;
    const int n_tasks = (n + j->step - 1) / j->step;
    if (n_tasks < threads && j->m >= 48) {
        /* parts of whole groups of x: multiples of 12 rows, 12 or more left in the last, so that ll_pack_x's
         * groups begin there */
        const int parts = (threads + n_tasks - 1) / n_tasks;
        j->m_step = round_up((j->m + parts - 1) / parts, 12);
        while (j->m_parts < parts && j->m - j->m_parts * j->m_step >= 12)
            j->m_parts++;
    }
}

/* y of a matrix with paired rows (ll_mat): outputs into their order, then the bias. */
static void unpair_some(void *arg, int row0, int row1)
{
    const struct job *j = arg;
    const int group = j->w->paired, half = group / 2;
    float head[LL_BLOCK];
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
           && w->paired <= LL_BLOCK && w->paired % 2 == 0);
    if (w->n == 0)
        return;
    for (int m0 = 0; m0 < m; m0 += LL_M_BLOCK) {
        struct job j = {.eng = eng,
                        .w = w,
                        .x = x + m0 * ldx,
                        .ldx = ldx,
                        .m = min_int(m - m0, LL_M_BLOCK),
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
