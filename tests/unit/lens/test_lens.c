/* test_lens.c - golden vectors, top-k order, copy rule, milestones.
 * Caught: epsilon outside the root, the +1 of Gemma dropped, the sample variance for the population's, beta
 * forgotten, nats for bits, ties broken upward, blank tokens copied. */
#include "metrics.h"
#include "ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

static struct ll_engine *eng;

static void near(double got, double want, double tol)
{
    if (!(fabs(got - want) <= tol))
        fail_msg("got %.12g, expected %.12g", got, want);
}

static float rmsnorm(float *y, const float *x, const float *w, int d, float eps)
{
    const struct ll_norm norm = {.w = w, .d = d, .eps = eps, .kind = LL_NORM_RMS};
    return ll_norm_row(ll_engine_vec(eng), &norm, x, y);
}
static float layernorm(float *y, const float *x, const float *w, int d, float eps)
{
    const struct ll_norm norm = {.w = w, .d = d, .eps = eps, .kind = LL_NORM_LAYER};
    return ll_norm_row(ll_engine_vec(eng), &norm, x, y);
}

static void rmsnorm_golden(void **state)
{
    const float x[4] = {1, -2, 3, -4}, small[4] = {1e-3f, -2e-3f, 3e-3f, -4e-3f}, w[4] = {0.5f, 1, 1.5f, 2},
                w1[4] = {1.5f, 2, 2.5f, 3};
    const double want[4] = {0.18257406, -0.73029626, 1.64316658, -2.92118503},
                 gemma[4] = {0.54772219, -1.46059251, 2.73861096, -4.38177754};
    float y[4];
    (void)state;
    near((double)rmsnorm(y, x, w, 4, 1e-5f), 2.7386146132670803, 1e-6);
    for (int i = 0; i < 4; i++)
        near((double)y[i], want[i], 1e-6);
    rmsnorm(y, x, w1, 4, 1e-5f);
    for (int i = 0; i < 4; i++)
        near((double)y[i], gemma[i], 1e-6);
    near((double)rmsnorm(y, small, NULL, 4, 1e-5f), 0.0041833001, 1e-9); /* eps inside the root */
    near((double)y[0], 0.23904572, 1e-6);
}

static void layernorm_golden(void **state)
{
    const float x[4] = {1, -2, 3, -4}, w[4] = {0.5f, 1, 1.5f, 2}, b[4] = {0.1f, -0.1f, 0.2f, -0.2f};
    const double want[4] = {0.27854282, -0.55708563, 1.94979971, -2.59973294};
    const struct ll_norm rms = {.w = w, .d = 4, .eps = 1e-5f},
                         layer = {.w = w, .b = b, .d = 4, .eps = 1e-5f, .kind = LL_NORM_LAYER};
    float y[4], far[4];
    (void)state;
    near((double)layernorm(y, x, w, 4, 1e-5f), sqrt(7.25 + 1e-5), 1e-6);
    for (int i = 0; i < 4; i++)
        near((double)y[i], want[i], 1e-6);
    ll_norm_row(ll_engine_vec(eng), &layer, x, y);
    for (int i = 0; i < 4; i++)
        near((double)y[i], want[i] + (double)b[i], 1e-6);
    near((double)ll_norm_row(ll_engine_vec(eng), &rms, x, y), 2.7386146132670803, 1e-6);
    for (int i = 0; i < 4; i++) /* a large mean costs no digits: the variance is taken around it */
        far[i] = x[i] + 1048576;
    near((double)layernorm(y, far, w, 4, 1e-5f), sqrt(7.25 + 1e-5), 1e-6);
    float long_x[133], long_y[133]; /* all of a row counts, also past the last sixteen */
    double mean = 0, var = 0;
    for (int i = 0; i < 133; i++)
        mean += (double)(long_x[i] = (float)(i * i % 37) - 9) / 133;
    for (int i = 0; i < 133; i++)
        var += ((double)long_x[i] - mean) * ((double)long_x[i] - mean) / 133;
    near((double)layernorm(long_y, long_x, NULL, 133, 0), sqrt(var), 1e-5);
    near((double)long_y[132], ((double)long_x[132] - mean) / sqrt(var), 1e-6);
}

static void logits_golden(void **state)
{
    const float z[5] = {2, 1, 0, -1, -3};
    const double p[5] = {0.6411326034, 0.2358595039, 0.0867678625, 0.0319201128, 0.0043199175};
    struct ll_hit top[5];
    int n;
    double bits, lse;
    (void)state;
    ll_logits_stats(z, 5, 1, 5, top, &n, &bits, &lse);
    near(bits, 1.4012523685, 1e-9);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(top[i].id, i);
        near(ll_exp((double)top[i].v - lse), p[i], 1e-9);
    }
    ll_logits_stats(z, 5, 0.1, 5, top, &n, &bits, &lse);
    near(bits, 0.0007205120, 1e-9);
    near(ll_exp(2 / 0.1 - lse), 0.9999546001, 1e-9);
    ll_logits_stats(z, 5, 2, 5, top, &n, &bits, &lse);
    near(bits, 1.9552294297, 1e-9);
    near(ll_exp(2 / 2.0 - lse), 0.4386685907, 1e-9);
}

static void uniform_entropy(void **state)
{
    const int sizes[] = {128256, 32000, 151936, 256000, 64000};
    const double bits_of[] = {16.968667, 14.965784, 17.213104, 17.965784, 15.965784};
    float *z = calloc(256000, sizeof *z);
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct ll_hit top[3];
        int n;
        double bits, lse;
        ll_logits_stats(z, sizes[i], 1, 3, top, &n, &bits, &lse);
        near(bits, bits_of[i], 1e-6);
        for (int k = 0; k < 3; k++)
            assert_int_equal(top[k].id, k); /* all equal: lower ids first */
    }
    free(z);
}

static void topk_order(void **state)
{
    struct ll_hit h[4];
    const float v[] = {1, 5, 3, 5, 5, 2, 5, 5};
    const int order[] = {7, 2, 0, 6, 3, 1, 5, 4}; /* any order of arrival */
    int n = 0;
    (void)state;
    for (int i = 0; i < 8; i++)
        ll_topk_add(h, &n, 4, (struct ll_hit){v[order[i]], order[i]});
    ll_topk_sort(h, n);
    assert_int_equal(n, 4);
    const int want[] = {1, 3, 4, 6};
    for (int i = 0; i < 4; i++)
        assert_int_equal(h[i].id, want[i]);
    n = 0;
    ll_topk_add(h, &n, 4, (struct ll_hit){NAN, 9});
    assert_int_equal(n, 0);
}

static int copies(const struct ll_head_out *o, const int *ctx, int n_ctx, int blank,
                  const struct ll_copy_opts *opts)
{
    const struct ll_copy_labels none = {0};
    struct ll_row_flags flags = {0};
    ll_copy_flags(o, &(struct ll_copy_place){NULL, 0, ctx, n_ctx, blank}, opts, &none, &flags);
    return flags.copy_collapse;
}

static void copy_rule(void **state)
{
    /* logits (0.1, 0.2, 5, -1, 0), p1 = 0.9757115830 (id 2) */
    const float z[5] = {0.1f, 0.2f, 5, -1, 0};
    struct ll_hit top[5];
    struct ll_head_out o = {.top = top};
    struct ll_copy_opts opts = {LL_COPY_STRICT, 0.6, 0.2};
    const int with[] = {7, 2}, without[] = {4};
    (void)state;
    ll_logits_stats(z, 5, 1, 5, top, &o.n_top, &o.entropy_bits, &o.lse);
    near(ll_head_p(&o, top[0].v), 0.9757115830, 1e-7);
    assert_true(copies(&o, with, 2, 0, &opts));
    assert_false(copies(&o, without, 1, 0, &opts));
    assert_false(copies(&o, with, 2, 1, &opts)); /* blank text */
    opts.threshold = 0.98;
    assert_false(copies(&o, with, 2, 0, &opts));
    opts.rule = LL_COPY_LEGACY; /* the early rule fires on any confident row */
    assert_true(copies(&o, without, 1, 0, &opts));
}

static void blank_text(void **state)
{
    (void)state;
    assert_true(ll_text_is_blank(" ,.\n", 4));
    assert_true(ll_text_is_blank("", 0));
    assert_true(ll_text_is_blank("\xe2\x96\x81", 3)); /* U+2581 */
    assert_true(ll_text_is_blank("\xc4\xa0", 2));     /* U+0120 */
    assert_false(ll_text_is_blank(" a", 2));
    assert_false(ll_text_is_blank("\xe2\x80\x94", 3)); /* a dash that is no ASCII punctuation */
}

static void milestones(void **state)
{
    const struct ll_row_flags rows[] = {{.entropy_collapse = 1},
                                        {0},
                                        {.copy_collapse = 1, .is_answer = 1},
                                        {.copy_collapse = 1, .entropy_collapse = 1},
                                        {.is_answer = 1}};
    int copy, copy_h, semantic;
    (void)state;
    ll_first_layers(rows, 5, &copy, &copy_h, &semantic);
    assert_int_equal(copy, 2);
    assert_int_equal(copy_h, 0);
    assert_int_equal(semantic, 2);
    ll_first_layers(rows, 2, &copy, &copy_h, &semantic);
    assert_int_equal(copy, -1);
    assert_int_equal(semantic, -1);
}

static int make(void **state)
{
    (void)state;
    return ll_engine_init(&eng, 1, NULL);
}
static int drop(void **state)
{
    (void)state;
    ll_engine_free(eng);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rmsnorm_golden), cmocka_unit_test(layernorm_golden),
        cmocka_unit_test(logits_golden),  cmocka_unit_test(uniform_entropy),
        cmocka_unit_test(topk_order),     cmocka_unit_test(copy_rule),
        cmocka_unit_test(blank_text),     cmocka_unit_test(milestones),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
