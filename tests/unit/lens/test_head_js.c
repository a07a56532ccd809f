/* test_head_js.c - the Jensen-Shannon divergence that the walk keeps of a row and the model's own output.
 * Caught: nats for bits, one side's KL to the mean only, the log-sum-exp of another row or group, a block
 * that forgets its last tile, bits that depend on how many rows a block has. */
#include "capture.h"
#include "head_pass.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

enum { N_POS = 40, TOP = 3 };
static const char *const models[] = {LL_SOURCE_DIR "/experiments/demo_models/demo-llama",
                                     LL_SOURCE_DIR "/experiments/demo_models/demo-gemma2",
                                     LL_SOURCE_DIR "/tests/fixtures/models/stablelm_parallel"};

/* A model, one sequence's residuals at every row, and a job that reads them. */
struct world {
    struct ll_model *m;
    struct ll_engine *eng;
    struct ll_stack st;
    struct ll_pass pass;
    struct ll_head_group groups[N_POS];
    struct ll_head_row *rows;
    struct ll_head_out *out, own[N_POS];
    struct ll_hit *hits;
    struct ll_head_job job;
    int n_rows; /* of all groups */
    struct ll_err err;
};

static void ok(int rc, const struct ll_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void world_open(struct world *w, const char *path, int threads)
{
    int ids[N_POS], start[2] = {0, N_POS};
    const struct ll_batch b = {1, start, ids};
    memset(w, 0, sizeof *w);
    ok(ll_model_open(&w->m, path, &w->err), &w->err);
    ok(ll_engine_init(&w->eng, threads, &w->err), &w->err);
    ok(ll_stack_init(&w->st, w->m, N_POS, NULL, 0, &w->err), &w->err);
    struct ll_listener l = ll_stack_listener(&w->st);
    const struct ll_pass_plan plan = {w->m, N_POS, N_POS, &l, 1};
    ok(ll_pass_init(&w->pass, &plan, w->eng, &w->err), &w->err);
    for (int i = 0; i < N_POS; i++)
        ids[i] = (int)((unsigned)i * 7919u % (unsigned)w->m->d_vocab);
    ok(ll_forward(&w->pass, &b, 0, w->m->n_layers, &w->err), &w->err);

    const int per = w->m->n_layers + 1;
    w->n_rows = N_POS * per;
    w->rows = calloc((size_t)w->n_rows, sizeof *w->rows);
    w->out = calloc((size_t)w->n_rows, sizeof *w->out);
    w->hits = calloc((size_t)(w->n_rows + N_POS) * TOP, sizeof *w->hits);
    for (int p = 0; p < N_POS; p++) {
        w->groups[p] = (struct ll_head_group){.model_row = w->pass.final + (size_t)p * (size_t)w->m->d_model,
                                              .first_row = p * per,
                                              .n_rows = p == 3 ? 0 : per}; /* one says its output only */
        w->own[p].top = w->hits + (size_t)(w->n_rows + p) * TOP;
    }
    int at = 0;
    for (int p = 0; p < N_POS; p++)
        for (int l2 = 0; l2 < w->groups[p].n_rows; l2++, at++) {
            w->groups[p].first_row = at - l2;
            w->rows[at] = (struct ll_head_row){ll_stack_row(&w->st, l2, p), l2};
            w->out[at].top = w->hits + (size_t)at * TOP;
        }
    w->n_rows = at;
    w->job = (struct ll_head_job){.model = w->m,
                                  .engine = w->eng,
                                  .k = TOP,
                                  .groups = w->groups,
                                  .n_groups = N_POS,
                                  .rows = w->rows,
                                  .out = w->out,
                                  .model_out = w->own};
}

static void world_close(struct world *w)
{
    free(w->hits);
    free(w->out);
    free(w->rows);
    ll_pass_free(&w->pass);
    ll_stack_free(&w->st);
    ll_engine_free(w->eng);
    ll_model_close(w->m);
}

static long double lse_of(const float *z, int n)
{
    long double max = z[0], sum = 0;
    for (int v = 1; v < n; v++)
        max = (long double)z[v] > max ? (long double)z[v] : max;
    for (int v = 0; v < n; v++)
        sum += expl((long double)z[v] - max);
    return max + logl(sum);
}

/* By the definition, in long double. */
static double js_of(const float *a, const float *b, int n)
{
    const long double la = lse_of(a, n), lb = lse_of(b, n);
    long double sum = 0;
    for (int v = 0; v < n; v++) {
        long double p = expl((long double)a[v] - la), q = expl((long double)b[v] - lb), m = (p + q) / 2;
        sum += (p > 0 ? p * log2l(p / m) : 0) + (q > 0 ? q * log2l(q / m) : 0);
    }
    return (double)(sum / 2);
}

/* Over 3000 tokens in thirds: P even over the first and second third, Q over the second and third. JS is
 * 1/2 bit: on two thirds one of them is 0, on the other both are equal. The last third ends within a tile. */
static void known_answer(void **state)
{
    enum { V = 3000, D = 3 };
    static float u[V][D];
    const float p[D] = {0, 0, -200}, q[D] = {-200, 0, 0}, even[D] = {0, 0, 0};
    (void)state;
    struct world w;
    world_open(&w, models[0], 1);
    struct ll_model m = *w.m;
    for (int v = 0; v < V; v++)
        u[v][v / (V / D)] = 1;
    m.W_U =
        (struct ll_mat){.type = LL_F32, .data = (const uint8_t *)u, .row_bytes = sizeof u[0], .n = V, .k = D};
    m.d_vocab = V;
    m.d_model = D;
    const struct ll_head_row rows[] = {{p, 0}, {q, 0}, {even, 0}};
    const struct ll_head_group groups[] = {{q, 0, 3, NULL, 0}, {p, 3, 3, NULL, 0}};
    const struct ll_head_row both[] = {rows[0], rows[1], rows[2], rows[0], rows[1], rows[2]};
    struct ll_hit hits[8][TOP];
    struct ll_head_out out[6], own[2];
    for (int i = 0; i < 6; i++)
        out[i].top = hits[i];
    own[0].top = hits[6];
    own[1].top = hits[7];
    const struct ll_head_job job = {.model = &m,
                                    .engine = w.eng,
                                    .lens = LL_LENS_RAW,
                                    .k = TOP,
                                    .groups = groups,
                                    .n_groups = 2,
                                    .rows = both,
                                    .out = out,
                                    .model_out = own};
    ok(ll_head_pass(&job, &w.err), &w.err);
    assert_true(fabs(out[0].js_to_final_bits - 0.5) < 1e-6);
    assert_true(out[1].js_to_final_bits == 0); /* Q and Q */
    assert_true(out[3].js_to_final_bits == 0);
    assert_memory_equal(&out[0].js_to_final_bits, &out[4].js_to_final_bits, sizeof(double)); /* either way */
    /* even and Q: (1/3 log2 2 + 2/3 log2 4/5 + log2 6/5) / 2 */
    assert_true(fabs(out[2].js_to_final_bits - (1.0 / 3 + 2.0 / 3 * log2(0.8) + log2(1.2)) / 2) < 1e-6);
    assert_true(own[0].js_to_final_bits == 0 && own[1].js_to_final_bits == 0);
    world_close(&w);
}

static void every_row_by_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct world w;
        world_open(&w, models[i], 2);
        const int V = w.m->d_vocab, d = w.m->d_model;
        float *x = malloc(sizeof *x * (size_t)d), *z = malloc(sizeof *z * (size_t)V * 2), *f = z + V;
        int inner = 0;
        ok(ll_head_pass(&w.job, &w.err), &w.err);
        for (int p = 0; p < N_POS; p += 9) {
            ll_head_logits(w.m, w.eng, w.groups[p].model_row, f);
            for (int l = 0; l < w.groups[p].n_rows; l++) {
                const double js = w.out[w.groups[p].first_row + l].js_to_final_bits;
                ll_lens_normalize(w.m, ll_engine_vec(w.eng), LL_LENS_FINAL, 0, l, ll_stack_row(&w.st, l, p),
                                  x);
                ll_head_logits(w.m, w.eng, x, z);
                const double want = js_of(z, f, V);
                if (!(fabs(js - want) <= 2e-7 + 1e-6 * want)) /* float terms, sums in double */
                    fail_msg("%s: row %d, position %d: %.12g, by definition %.12g", models[i], l, p, js,
                             want);
                inner += js > 0.01 && js <= 1;
                if (l == w.m->n_layers && js != 0)
                    fail_msg("%s: the last row is %.3g away from itself", models[i], js);
            }
        }
        assert_true(inner > 4); /* something was to be seen */
        free(z);
        free(x);
        world_close(&w);
    }
}

static void same_outs(const struct ll_head_out *a, const struct ll_head_out *b)
{
    assert_memory_equal(&a->lse, &b->lse, sizeof(double));
    assert_memory_equal(&a->entropy_bits, &b->entropy_bits, sizeof(double));
    assert_memory_equal(&a->kl_to_final_bits, &b->kl_to_final_bits, sizeof(double));
    assert_memory_equal(&a->js_to_final_bits, &b->js_to_final_bits, sizeof(double));
    assert_int_equal(a->n_top, b->n_top);
    assert_memory_equal(a->top, b->top, sizeof *a->top * (size_t)a->n_top);
}

/* One position a block, all in one, 1 and 3 threads. */
static void blocks_and_threads_change_no_bit(void **state)
{
    (void)state;
    struct world base;
    world_open(&base, models[0], 1);
    ok(ll_head_pass(&base.job, &base.err), &base.err);
    for (int threads = 1; threads <= 3; threads += 2)
        for (int tiny = 0; tiny < 2; tiny++) {
            struct world w;
            world_open(&w, models[0], threads);
            w.job.block_bytes = tiny ? 1 : 0;
            ok(ll_head_pass(&w.job, &w.err), &w.err);
            for (int r = 0; r < w.n_rows; r++)
                same_outs(&w.out[r], &base.out[r]);
            for (int p = 0; p < N_POS; p++)
                same_outs(&w.own[p], &base.own[p]);
            world_close(&w);
        }
    world_close(&base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_answer),
                                       cmocka_unit_test(every_row_by_definition),
                                       cmocka_unit_test(blocks_and_threads_change_no_bit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
