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
    int packed; /* x lies packed in eng->x, chunk after chunk; else each chunk is packed when it is used */
    int in_registers; /* see tile_in_registers */
    ll_walk_fn fn;
    void *arg;
    _Atomic int next;
};

static int chunk_rows(const struct job *j, int c) { return j->chunk_start[c + 1] - j->chunk_start[c]; }

static void pack_work(void *arg, int tid, int n_threads)
{
    struct job *j = arg;
    for (int c = 0; c < j->n_chunks; c++)
        if (c % n_threads == tid)
            ll_pack_x(j->eng->kern, j->x + j->chunk_start[c] * j->ldx, j->ldx, chunk_rows(j, c), j->w->k,
                      j->eng->x + (long)j->chunk_start[c] * ll_pad16(j->w->k), 0, 1);
}

/* Chunk c times the widened rows v0..v0+n -> y [rows, n], stride LL_WALK_TILE. next: what this chunk asks for
 * ahead. */
static void chunk_product(const struct job *j, int tid, int c, int n, const uint8_t *next, long next_bytes)
{
    const struct ll_kernels *kern = j->eng->kern;
    struct ll_scratch *s = &j->eng->scratch[tid];
    const int m = chunk_rows(j, c), k = j->w->k, groups = (n + kern->nr - 1) / kern->nr;
    const float *x = j->eng->x + (long)j->chunk_start[c] * ll_pad16(k);
    if (!j->packed) {
        ll_pack_x(kern, j->x + j->chunk_start[c] * j->ldx, j->ldx, m, k, s->walk_x, 0, 1);
        x = s->walk_x;
    }
    for (int k0 = 0; k0 < k; k0 += LL_BLOCK) {
        const int kb = ll_pad16(k - k0 < LL_BLOCK ? k - k0 : LL_BLOCK);
        const int at_end = k0 + LL_BLOCK >= k; /* asked for in the last block, evenly over it */
        kern->tile(&(struct ll_tile){.x = x + (long)m * k0,
                                     .m = m,
                                     .w = s->panel + (long)LL_PANEL_ROWS * k0,
                                     .group_stride = (long)kern->nr * kb,
                                     .n_groups = groups,
                                     .kb = kb,
                                     .y = s->walk_y,
                                     .ldy = LL_WALK_TILE,
                                     .first = k0 == 0,
                                     .next = at_end ? next : NULL,
                                     .next_bytes = next_bytes});
    }
}

/* A single chunk of few rows: the tile's rows are used once, so they are widened in registers, a group at a
 * time. */
static void tile_in_registers(const struct job *j, int tid, int v0, int n)
{
    const struct ll_kernels *kern = j->eng->kern;
    const struct ll_mat *w = j->w;
    struct ll_scratch *s = &j->eng->scratch[tid];
    const int m = chunk_rows(j, 0);
    for (int r = 0; r < n; r += kern->nr)
        for (int k0 = 0; k0 < w->k; k0 += LL_BLOCK) {
            const int kl = w->k - k0 < LL_BLOCK ? w->k - k0 : LL_BLOCK;
            const uint8_t *raw = w->data + (size_t)(v0 + r) * w->row_bytes + ll_wtype_row_bytes(w->type, k0);
            struct ll_tile t = {.x = j->eng->x + (long)m * k0,
                                .m = m,
                                .w = s->panel,
                                .group_stride = (long)kern->nr * ll_pad16(kl),
                                .n_groups = 1,
                                .kb = ll_pad16(kl),
                                .y = s->walk_y + r,
                                .ldy = LL_WALK_TILE,
                                .first = k0 == 0};
            if (v0 + r + 2 * kern->nr < w->n) /* the same columns of the group that comes next */
                t.next = raw + (size_t)kern->nr * w->row_bytes,
                t.next_bytes = (long)(kern->nr * ll_wtype_row_bytes(w->type, kl));
            if (r + kern->nr <= n && kl % 16 == 0)
                kern->fused[w->type](&t, raw, w->row_bytes, s->panel);
            else {
                ll_widen(kern, w, v0 + r, n - r < kern->nr ? n - r : kern->nr, k0, kl, s->panel,
                         t.group_stride);
                kern->tile(&t);
            }
        }
    j->fn(j->arg, tid, v0 / LL_WALK_TASK, v0, n, 0, m, s->walk_y, LL_WALK_TILE);
}

static void one_tile(const struct job *j, int tid, int task, int v0, int n)
{
    const struct ll_mat *w = j->w;
    struct ll_scratch *s = &j->eng->scratch[tid];
    if (j->in_registers) {
        tile_in_registers(j, tid, v0, n);
        return;
    }
    for (int k0 = 0; k0 < w->k; k0 += LL_BLOCK) {
        const int kl = w->k - k0 < LL_BLOCK ? w->k - k0 : LL_BLOCK;
        ll_widen(j->eng->kern, w, v0, n, k0, kl, s->panel + (long)LL_PANEL_ROWS * k0,
                 (long)j->eng->kern->nr * ll_pad16(kl));
    }
    /* the rows after this tile, each chunk asking for an equal part */
    const int ahead = w->n - 1 - (v0 + n) < n ? 0 : n;
    const size_t share = (size_t)ahead * w->row_bytes / (size_t)j->n_chunks;
    const uint8_t *next = w->data + (size_t)(v0 + n) * w->row_bytes;
    for (int c = 0; c < j->n_chunks; c++) {
        if (!chunk_rows(j, c))
            continue;
        chunk_product(j, tid, c, n, share ? next + (size_t)c * share : NULL, (long)share);
        j->fn(j->arg, tid, task, v0, n, j->chunk_start[c], chunk_rows(j, c), s->walk_y, LL_WALK_TILE);
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
            one_tile(j, tid, task, v, v_end - v < LL_WALK_TILE ? v_end - v : LL_WALK_TILE);
    }
}

void ll_walk(struct ll_engine *eng, const struct ll_mat *w, const float *x, long ldx, const int *chunk_start,
             int n_chunks, ll_walk_fn fn, void *arg)
{
    assert(n_chunks >= 0 && chunk_start[0] == 0 && w->k <= eng->max_k && chunk_start[n_chunks] <= eng->max_m);
    const int m = chunk_start[n_chunks];
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
    for (int c = 0; c < n_chunks; c++)
        assert(chunk_rows(&j, c) >= 0 && chunk_rows(&j, c) <= LL_WALK_CHUNK);
    atomic_init(&j.next, 0);
    j.packed = (size_t)m * (size_t)ll_pad16(w->k) <= eng->x_floats;
    j.in_registers = n_chunks == 1 && j.packed && m <= eng->kern->small_m && eng->kern->fused[w->type];
    if (j.packed)
        ll_pool_run(eng->pool, pack_work, &j);
    ll_pool_run(eng->pool, work, &j);
}
