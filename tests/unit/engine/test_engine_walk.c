/* test_engine_walk.c - the walk over the unembedding and the statistics of a tile.
 *
 * Which mistake each test catches: a tile left out or seen twice, a last tile shorter than the others, tasks
 * cut elsewhere than at multiples of 1024, chunks out of order, another sum than ll_linear's, x too large for
 * the packed form; for the statistics: lanes of a tail counted as e^0, a tree in another order, NaN dropped
 * by a maximum, ties counted as greater. Tried, each turned one of these red: missing lanes of the tail left
 * at e^0 = 1; chunks packed at unpadded offsets; the maximum that drops NaN. */
#include "unit/engine/test_engine_ref.h"

struct visits {
    const float *want; /* [m, n] */
    int m, n, n_chunks;
    const int *chunk_start;
    uint8_t *seen;      /* [m, n] */
    int v[8], chunk[8]; /* where each thread is */
    int task[8];
    int wrong; /* cmocka's asserts are for the main thread only */
};

static void visit(void *arg, int tid, int task, int v0, int n, int r0, int m, float *y, long ldy)
{
    struct visits *s = arg;
    int c = 0;
    while (s->chunk_start[c] != r0 || s->chunk_start[c + 1] == r0)
        c++;
    s->wrong |= m != s->chunk_start[c + 1] - r0 || v0 / LL_WALK_TASK != task || v0 % LL_WALK_TILE
        || (v0 + n - 1) / LL_WALK_TASK != task || n < 1 || n > LL_WALK_TILE;
    if (s->task[tid] == task) /* rising tiles, in them rising chunks */
        s->wrong |= v0 < s->v[tid] || (v0 == s->v[tid] && c <= s->chunk[tid]);
    s->task[tid] = task;
    s->v[tid] = v0;
    s->chunk[tid] = c;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            s->wrong |= s->seen[(r0 + i) * s->n + v0 + j]++
                || !same(y[i * ldy + j], s->want[(r0 + i) * s->n + v0 + j]);
            y[i * ldy + j] = -1; /* the tile is ours to write to */
        }
}

static void walk_once(int m, int n, int k, const int *chunk_start, int n_chunks, int max_m, int max_k)
{
    size_t cells = (size_t)m * (size_t)n;
    uint16_t *w = need(sizeof *w * (size_t)n * (size_t)k);
    float *x = need(sizeof *x * (size_t)m * (size_t)k), *want = need(sizeof *want * cells);
    for (size_t i = 0; i < (size_t)n * (size_t)k; i++)
        w[i] = (uint16_t)(bits_of(uniform(i)) >> 16);
    for (size_t i = 0; i < (size_t)m * (size_t)k; i++)
        x[i] = uniform(i + 999999);
    struct ll_mat mat = {
        .type = LL_BF16, .data = (const uint8_t *)w, .row_bytes = sizeof *w * (size_t)k, .n = n, .k = k};
    for (int i = 0; i < N_ISAS; i++)
        for (int threads = 1; threads <= 3; threads++) {
            struct ll_engine *eng = engine_on(ISAS[i], threads);
            if (!eng)
                continue;
            struct ll_err err = {0};
            assert_int_equal(ll_engine_reserve(eng, max_m, max_k, 0, 0, &err), LL_OK);
            if (threads == 1)
                ll_linear(eng, &mat, x, k, m, NULL, want, n);
            struct visits s = {.want = want,
                               .m = m,
                               .n = n,
                               .n_chunks = n_chunks,
                               .chunk_start = chunk_start,
                               .seen = calloc(cells, 1),
                               .task = {-1, -1, -1}};
            ll_walk(eng, &mat, x, k, chunk_start, n_chunks, visit, &s);
            assert_false(s.wrong);
            for (size_t c = 0; c < cells; c++)
                assert_int_equal(s.seen[c], 1);
            free(s.seen);
            ll_engine_free(eng);
        }
    free(w);
    free(x);
    free(want);
}

static void test_walk(void **state)
{
    (void)state;
    const int one[] = {0, 17}, several[] = {0, 5, 5, 29, 40};
    walk_once(17, 2500, 40, one, 1, 17, 40);
    walk_once(40, 1100, 1050, several, 4, 40, 1050);
    walk_once(40, 1027, 33, several, 4, 200, 100);
    walk_once(5, 3, 20, several, 1, 5, 20);
}
static void test_walk_many_rows(void **state) /* as many as a walk takes, in chunks of odd sizes */
{
    (void)state;
    int chunks[11];
    for (int i = 0; i <= 10; i++)
        chunks[i] = i * LL_WALK_ROWS / 10;
    walk_once(LL_WALK_ROWS, 300, 20, chunks, 10, LL_WALK_ROWS, 20);
    const int one[] = {0, 130};
    walk_once(130, 200, 2200, one, 1, 130, 2200); /* more than a stretch of columns */
}

/* the statistics, straight from the header */
static void ref_sums(const struct ll_vec *vec, const float *l, int n, float m, const float *ef,
                     const float *lf, float *e_out, struct ll_tile_sums *out)
{
    float c[4][16] = {{0}};
    for (int i = 0; i < (n + 15) / 16 * 16; i++) {
        float d = 0, e = 0, g = 0, f = 0;
        if (i < n) {
            d = l[i] - m < -115.0f ? -115.0f : l[i] - m;
            vec->exp(&e, &d, 1);
            g = lf ? l[i] - lf[i] : 0;
            f = ef ? ef[i] : 0;
            e_out[i] = e;
        }
        c[0][i % 16] += e;
        c[1][i % 16] = fmaf(e, d, c[1][i % 16]);
        c[2][i % 16] = fmaf(f, g, c[2][i % 16]);
        c[3][i % 16] = fmaf(e, g, c[3][i % 16]);
    }
    for (int q = 0; q < 4; q++)
        for (int h = 8; h; h /= 2)
            for (int j = 0; j < h; j++)
                c[q][j] += c[q][j + h];
    *out = (struct ll_tile_sums){c[0][0], c[1][0], c[2][0], c[3][0]};
}

static void check_sums(const struct ll_engine *eng, const float *l, int n, const float *ef, const float *lf,
                       int with_e)
{
    struct ll_tile_sums want, got;
    float want_e[300], got_e[300], m = ll_engine_vec(eng)->max(l, (size_t)n);
    ref_sums(ll_engine_vec(eng), l, n, m, ef, lf, want_e, &want);
    ll_engine_tile_ops(eng)->sums(l, n, m, ef, lf, with_e ? got_e : NULL, &got);
    assert_same(&got.s, &want.s, 4, ll_engine_isa(eng));
    if (with_e)
        assert_same(got_e, want_e, (size_t)n, ll_engine_isa(eng));
}

static void test_tile_ops(void **state)
{
    (void)state;
    float l[300], lf[300], ef[300];
    for (int i = 0; i < N_ISAS; i++) {
        struct ll_engine *eng = engine_on(ISAS[i], 1);
        if (!eng)
            continue;
        const struct ll_tile_ops *ops = ll_engine_tile_ops(eng);
        for (int n = 1; n < 300; n += n < 40 ? 1 : 37) {
            for (int j = 0; j < n; j++) {
                l[j] = roundf(20 * uniform((uint64_t)(j + 1000 * n)))
                    + (j % 3 ? 0.0f : -90.0f); /* rounded: ties */
                lf[j] = j % 4 ? l[j] : 15 * uniform((uint64_t)j);
                ef[j] = (1 + uniform((uint64_t)(j + 7))) * (j % 5 ? 1 : 1e-40f);
            }
            for (int with_e = 0; with_e < 2; with_e++) {
                check_sums(eng, l, n, NULL, NULL, with_e);
                check_sums(eng, l, n, ef, lf, with_e);
            }
            struct ll_tile_sums own;
            ops->sums(l, n, 20, ef, l, NULL, &own);
            assert_true(own.c == 0 && own.d == 0); /* a row equal to the final one */
            int idx[300], want_idx[300], gt = 0, ge = 0;
            for (int j = 0; j < n; j++) {
                gt += l[j] > l[n / 2];
                if (l[j] >= l[n / 2])
                    want_idx[ge++] = j;
            }
            assert_int_equal(ops->count_gt(l, n, l[n / 2]), gt);
            assert_int_equal(ops->find_ge(l, n, l[n / 2], idx), ge);
            assert_memory_equal(idx, want_idx, sizeof *idx * (size_t)ge);
            struct ll_tile_sums before, after;
            ops->sums(l, n, 20, NULL, NULL, NULL, &before);
            l[n] = -INFINITY; /* a word that cannot come adds nothing */
            ops->sums(l, n + 1, 20, NULL, NULL, NULL, &after);
            assert_true(before.s == after.s && before.t == after.t);
            l[n / 3] = NAN; /* NaN shows */
            ops->sums(l, n, 20, NULL, NULL, NULL, &after);
            assert_true(isnan(after.s) && isnan(after.t));
        }
        ll_engine_free(eng);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk), cmocka_unit_test(test_walk_many_rows),
                                       cmocka_unit_test(test_tile_ops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
