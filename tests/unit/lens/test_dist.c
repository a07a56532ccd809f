/* test_dist.c - golden vectors for the functions of plain vectors, and rules that hold of any.
 * Expected values come from the specification and, where it is silent, from short sums done by hand.
 * Caught: nats for bits, KL the wrong way round, a tie that costs a rank, ranks without averaging of ties,
 * Jaccard over positions instead of ids, a block's end left out, -inf turned into NaN. */
#include "analysis_priv.h"
#include "unit/lens/logits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

static struct ll_engine *eng;
static const struct ll_vec *vec;
static const float Z[5] = {2, 1, 0, -1, -3}, F[5] = {0, 2, 1, 0, -1};

static void near(double got, double want, double tol)
{
    if (!(fabs(got - want) <= tol))
        fail_msg("got %.15g, expected %.15g", got, want);
}

static void golden(void **state)
{
    const double p[5] = {0.6411326034, 0.2358595039, 0.0867678625, 0.0319201128, 0.0043199175};
    double z = logits_lse(Z, 5), f = logits_lse(F, 5);
    (void)state;
    for (int i = 0; i < 5; i++)
        near(ll_exp((double)Z[i] - z), p[i], 1e-10);
    near(logits_entropy_bits(Z, 5, z), 1.4012523685, 1e-10);
    near(logits_entropy_bits(F, 5, f), 1.6601679997, 1e-10);
    near(ll_dist_kl_bits(Z, z, F, f, 5), 1.4402467653, 1e-10);
    near(ll_dist_kl_bits(F, f, Z, z, 5), 1.0240061221, 1e-10);
    near(logits_js_bits(vec, Z, z, F, f, 5), 0.2726642615, 1e-10);
    near(logits_js_bits(vec, F, f, Z, z, 5), 0.2726642615, 1e-10);
    near(logits_l1(Z, z, F, f, 5), 1.1219473590, 1e-10);
    near(ll_dist_cosine_without(Z, F, NULL, 5), 0.5270462767, 1e-10);
    assert_int_equal(logits_rank(Z, 5, 2), 3);
}

/* The formula as the sources write it, 1e-30 inside the logarithms. */
static void formula_of_the_sources(void **state)
{
    double z = logits_lse(Z, 5), f = logits_lse(F, 5), kl = 0, h = 0;
    (void)state;
    for (int i = 0; i < 5; i++) {
        double a = ll_exp((double)Z[i] - z), b = ll_exp((double)F[i] - f);
        kl += a * (ll_log(a + 1e-30) - ll_log(b + 1e-30)) / ll_log(2);
        h -= a * ll_log2(a + 1e-30);
    }
    near(ll_dist_kl_bits(Z, z, F, f, 5), kl, 1e-12);
    near(logits_entropy_bits(Z, 5, z), h, 1e-12);
}

static void temperatures(void **state)
{
    (void)state;
    struct ll_reader r = ll_reader_of(eng, 5, 2);
    struct ll_reading out;
    struct ll_weights w;
    double e[5];
    ll_reading_of(&r, Z, 10, e, &w, &out); /* T = 0.1 */
    near(out.entropy_bits, 0.0007205120, 1e-10);
    near(out.p_top1, 0.9999546001, 1e-10);
    near(out.answer_logit, 0, 0);
    ll_reading_of(&r, Z, 0.5, e, &w, &out); /* T = 2 */
    near(out.entropy_bits, 1.9552294297, 1e-10);
    near(out.p_top1, 0.4386685907, 1e-10);
    assert_int_equal(out.answer_rank, 3);
    near((double)out.top[1].v, 0.5, 0);
    ll_reading_of(&r, Z, 1, e, &w, &out);
    near(out.entropy_bits, 1.4012523685, 1e-10);
    near(out.p_top5, 1, 1e-12); /* five of five */
    near(out.p_answer, 0.0867678625, 1e-10);
    assert_int_equal(out.n_top, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(out.top[i].id, i);
    const float three[3] = {0, 1, 0}; /* fewer than five words, ties share the better rank */
    r = ll_reader_of(eng, 3, 2);
    ll_reading_of(&r, three, 1, e, &w, &out);
    near(out.p_top5, 1, 1e-12);
    assert_int_equal(out.answer_rank, 2);
    const float broken[3] = {0, NAN, 1};
    ll_reading_of(&r, broken, 1, e, &w, &out);
    assert_true(out.is_set && isnan(out.entropy_bits) && isnan(out.p_answer) && out.answer_rank == -1);
}

static void copy_example(void **state)
{
    const float z[5] = {0.1f, 0.2f, 5, -1, 0}; /* p of id 2: 0.9757115830 */
    (void)state;
    near(ll_exp(5 - logits_lse(z, 5)), 0.9757115830, 1e-8);
}

static void uniform(void **state)
{
    const int sizes[] = {128256, 32000, 151936, 256000, 64000, 1};
    const double bits[] = {16.968667, 14.965784, 17.213104, 17.965784, 15.965784, 0};
    float *z = calloc(256000, sizeof *z), *one = calloc(256000, sizeof *one);
    (void)state;
    for (int i = 0; i < 6; i++) {
        double lse = logits_lse(z, sizes[i]);
        near(logits_entropy_bits(z, sizes[i], lse), bits[i], 1e-6);
        assert_true(logits_entropy_bits(z, sizes[i], lse) >= 0
                    && !signbit(logits_entropy_bits(z, sizes[i], lse)));
        near(ll_dist_kl_bits(z, lse, z, lse, sizes[i]), 0, 0); /* exactly */
        near(logits_js_bits(vec, z, lse, z, lse, sizes[i]), 0, 0);
        near(logits_l1(z, lse, z, lse, sizes[i]), 0, 0);
        assert_int_equal(logits_rank(z, sizes[i], sizes[i] - 1), 1);
    }
    one[31999] = 50; /* all on one word, the last: KL to uniform is log2 n, JS to it near 1 */
    double a = logits_lse(one, 32000), b = logits_lse(z, 32000);
    near(ll_dist_kl_bits(one, a, z, b, 32000), 14.965784, 1e-6);
    near(logits_l1(one, a, z, b, 32000), 2 - 2 / 32000.0, 1e-9);
    assert_true(logits_js_bits(vec, one, a, z, b, 32000) > 0.99
                && logits_js_bits(vec, one, a, z, b, 32000) <= 1);
    free(z);
    free(one);
}

static void without_mass(void **state)
{
    const float a[3] = {0, -INFINITY, 0}, b[3] = {-INFINITY, 0, -INFINITY}, c[3] = {0, 0, 0};
    double la = logits_lse(a, 3), lb = logits_lse(b, 3), lc = logits_lse(c, 3);
    (void)state;
    near(logits_entropy_bits(a, 3, la), 1, 1e-12);
    near(ll_dist_kl_bits(a, la, c, lc, 3), 0.58496250072115618, 1e-12); /* log2(3/2) */
    assert_true(isinf(ll_dist_kl_bits(a, la, b, lb, 3)));
    near(logits_js_bits(vec, a, la, b, lb, 3), 1, 1e-12);
    near(logits_l1(a, la, b, lb, 3), 2, 1e-12);
}

static void angles(void **state)
{
    const float a[3] = {1, 2, 3}, b[3] = {3, 2, 1}, bias[3] = {1, 1, 1}, bad[3] = {1, INFINITY, 0},
                zero[3] = {0};
    (void)state;
    near(ll_dist_cosine_without(a, b, NULL, 3), 10.0 / 14, 1e-12);
    near(ll_dist_cosine_without(a, b, bias, 3), 1.0 / 5, 1e-12); /* (0,1,2) . (2,1,0) / 5 */
    near(ll_dist_cosine_without(a, a, NULL, 3), 1, 1e-12);
    assert_true(isnan(ll_dist_cosine_without(a, bad, NULL, 3)));
    near(ll_dist_cosine_without(a, zero, NULL, 3), 0, 0);
}

static void lists(void **state)
{
    const struct ll_hit a[4] = {{9, 1}, {8, 2}, {7, 3}, {6, 4}}, b[3] = {{5, 4}, {4, 3}, {3, 7}};
    const double up[5] = {1, 2, 3, 4, 5}, down[5] = {9, 7, 5, 3, 1}, mixed[5] = {2, 1, 4, 3, 5},
                 ties[5] = {1, 1, 2, 2, 3}, flat[5] = {1, 1, 1, 1, 1};
    (void)state;
    near(ll_topk_jaccard(a, 4, b, 3, 10), 2.0 / 5, 0);
    near(ll_topk_jaccard(a, 4, b, 3, 2), 0, 0);
    near(ll_topk_jaccard(a, 4, b, 3, 3), 1.0 / 5, 0);
    near(ll_topk_jaccard(a, 4, a, 4, 4), 1, 0);
    near(ll_topk_jaccard(a, 0, b, 0, 10), 1, 0);
    near(ll_topk_jaccard(a, 4, b, 0, 10), 0, 0);
    near(ll_spearman(up, up, 5), 1, 0);
    near(ll_spearman(up, down, 5), -1, 0);
    near(ll_spearman(up, mixed, 5), 0.8, 1e-12);         /* 1 - 6 * 4 / (5 * 24) */
    near(ll_spearman(up, ties, 5), 9 / sqrt(90), 1e-12); /* ranks 1.5 1.5 3.5 3.5 5: 9 / sqrt(10 * 9) */
    assert_true(isnan(ll_spearman(up, flat, 5)) && isnan(ll_spearman(up, up, 1)));
}

static void grid(void **state)
{
    (void)state;
    near(ll_temperature(5, 12), 1, 0);
    near(ll_temperature(5, 0), 0.2, 1e-15);
    near(ll_temperature(5, 24), 5, 1e-14);
    near(ll_temperature(10, 18), 3.16227766016837933, 1e-14);
}

static int start(void **state)
{
    (void)state;
    int rc = ll_engine_init(&eng, 1, NULL);
    if (!rc)
        vec = ll_engine_vec(eng);
    return rc;
}

static int stop(void **state)
{
    (void)state;
    ll_engine_free(eng);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),       cmocka_unit_test(formula_of_the_sources),
        cmocka_unit_test(temperatures), cmocka_unit_test(copy_example),
        cmocka_unit_test(uniform),      cmocka_unit_test(without_mass),
        cmocka_unit_test(angles),       cmocka_unit_test(lists),
        cmocka_unit_test(grid),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
