/* engine.c - the engine's life: kernels, threads, scratch. */
#include "engine_priv.h"

#include "lines.h"

#include <stdatomic.h>
#include <stdlib.h>

int ll_engine_init(struct ll_engine **eng, int n_threads, struct ll_err *err)
{
    *eng = NULL;
    const struct ll_kernels *kern = ll_kernels_choose(err);
    if (!kern)
        return LL_EUSAGE;
    struct ll_pool *pool;
    int rc = ll_pool_init(&pool, n_threads, err);
    if (rc)
        return rc;
    struct ll_engine *e = calloc(1, sizeof *e);
    struct ll_scratch *scratch = calloc((size_t)ll_pool_size(pool), sizeof *scratch);
    if (!e || !scratch) {
        free(e);
        free(scratch);
        ll_pool_free(pool);
        return ll_fail_mem(err, "engine", sizeof *e + sizeof *scratch * (size_t)ll_pool_size(pool));
    }
    e->kern = kern;
    e->pool = pool;
    e->n_threads = ll_pool_size(pool);
    e->scratch = scratch;
    *eng = e;
    return LL_OK;
}

static void scratch_free(struct ll_scratch *s)
{
    float *all[] = {s->panel,  s->y,      s->more,   s->k_panel,  s->v_panel,
                    s->scores, s->attn_x, s->attn_z, s->attn_more};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    *s = (struct ll_scratch){0};
}

void ll_engine_free(struct ll_engine *eng)
{
    if (!eng)
        return;
    for (int t = 0; t < eng->n_threads; t++)
        scratch_free(&eng->scratch[t]);
    free(eng->scratch);
    free(eng->x);
    ll_pool_free(eng->pool);
    free(eng);
}

const char *ll_engine_isa(const struct ll_engine *eng) { return eng->kern->name; }
int ll_engine_threads(const struct ll_engine *eng) { return eng->n_threads; }
struct ll_pool *ll_engine_pool(struct ll_engine *eng) { return eng->pool; }
const struct ll_vec *ll_engine_vec(const struct ll_engine *eng) { return &eng->kern->vec; }
const struct ll_tile_ops *ll_engine_tile_ops(const struct ll_engine *eng) { return &eng->kern->ops; }

/* room for rows x cols floats on a cache line, old content not kept */
static int room(float **p, size_t rows, size_t cols, struct ll_err *err)
{
    size_t bytes = rows * cols * sizeof **p + 64; /* never 0 */
    free(*p);
    *p = ll_lines_alloc(bytes);
    return *p ? LL_OK : ll_fail_mem(err, "engine scratch", bytes);
}

static int room_for_products(struct ll_engine *eng, struct ll_err *err)
{
    const size_t k = (size_t)eng->max_k, m = (size_t)ll_min(eng->max_m, LL_M_BLOCK);
    int rc = room(&eng->x, m, k, err);
    for (int t = 0; t < eng->n_threads && !rc; t++) {
        struct ll_scratch *s = &eng->scratch[t];
        if ((rc = room(&s->panel, LL_TASK_N, LL_PANEL_K, err)) || (rc = room(&s->y, m, LL_TASK_N, err))
            || (rc = room(&s->more, m, k > LL_STRETCH ? LL_TASK_N : 0, err)))
            break;
    }
    return rc;
}

static int room_for_attention(struct ll_engine *eng, struct ll_err *err)
{
    const size_t pos = (size_t)ll_round_up(eng->max_pos, LL_CHAIN),
                 d = (size_t)ll_round_up(eng->max_d_head, LL_MAX_NR);
    const size_t x = d > LL_S_BLOCK ? d : LL_S_BLOCK;
    int rc = LL_OK;
    for (int t = 0; t < eng->n_threads && !rc; t++) {
        struct ll_scratch *s = &eng->scratch[t];
        if ((rc = room(&s->k_panel, pos, d, err)) || (rc = room(&s->v_panel, pos, d, err))
            || (rc = room(&s->scores, LL_Q_BLOCK, pos, err)) || (rc = room(&s->attn_x, LL_Q_BLOCK, x, err))
            || (rc = room(&s->attn_z, LL_Q_BLOCK, d, err)) || (rc = room(&s->attn_more, LL_Q_BLOCK, d, err)))
            break;
    }
    return rc;
}

static int larger(int *bound, int value)
{
    if (value <= *bound)
        return 0;
    *bound = value;
    return 1;
}

int ll_engine_reserve(struct ll_engine *eng, int max_m, int max_k, int max_pos, int max_d_head,
                      struct ll_err *err)
{
    int grew = larger(&eng->max_m, max_m) | larger(&eng->max_k, max_k);
    int rc = grew && eng->max_m && eng->max_k ? room_for_products(eng, err) : LL_OK;
    grew = larger(&eng->max_pos, max_pos) | larger(&eng->max_d_head, max_d_head);
    if (!rc && grew && eng->max_pos && eng->max_d_head)
        rc = room_for_attention(eng, err);
    if (rc) {
        eng->max_m = eng->max_k = eng->max_pos = eng->max_d_head = 0;
        for (int t = 0; t < eng->n_threads; t++)
            scratch_free(&eng->scratch[t]);
    }
    return rc;
}

struct rows_job {
    void (*fn)(void *arg, int row0, int row1);
    void *arg;
    int n, step;
    _Atomic int next;
};

static void rows_work(void *arg, int tid, int n_threads)
{
    (void)tid, (void)n_threads;
    struct rows_job *job = arg;
    for (int row; (row = atomic_fetch_add(&job->next, job->step)) < job->n;)
        job->fn(job->arg, row, job->n - row < job->step ? job->n : row + job->step);
}

void ll_engine_rows(struct ll_engine *eng, int n, void (*fn)(void *arg, int row0, int row1), void *arg)
{
    if (n <= 0)
        return;
    if (n == 1 || eng->n_threads == 1) {
        fn(arg, 0, n);
        return;
    }
    const int parts = 4 * eng->n_threads; /* some more than threads, for when one of them is held up */
    struct rows_job job = {.fn = fn, .arg = arg, .n = n, .step = (n + parts - 1) / parts};
    atomic_init(&job.next, 0);
    ll_pool_run(eng->pool, rows_work, &job);
}
