/* test_engine_divergence.c - the terms of KL and JS of a tile against the definition in long double.
 * Caught: the two directions swapped, the polynomials' end at s = 1, a tail that adds something, another
 * result on another vector unit, a KL of equal rows that is not exactly 0. */
#include "engine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

enum { N = 1000 };
static uint32_t state_of_rng = 316;
static float uniform(void) /* -1..1 */
{
    state_of_rng = state_of_rng * 1664525u + 1013904223u;
    return (float)(state_of_rng >> 8) / 8388608.0f - 1.0f;
}

static double lse(const float *l, int n)
{
    long double s = 0;
    for (int i = 0; i < n; i++)
        s += expl((long double)l[i]);
    return (double)logl(s);
}

static struct ll_engine *open_isa(const char *isa)
{
    struct ll_engine *eng = NULL;
    struct ll_err err = {0};
    setenv("LL_ENGINE_ISA", isa, 1);
    int rc = ll_engine_init(&eng, 1, &err);
    unsetenv("LL_ENGINE_ISA");
    return rc ? NULL : eng;
}

static void whole(const struct ll_engine *eng, const float *a, const float *b, int n, double la, double lb,
                  double out[3])
{
    out[0] = out[1] = out[2] = 0;
    for (int v = 0; v < n; v += LL_WALK_TILE) {
        struct ll_tile_div t;
        ll_engine_tile_ops(eng)->divergence(a + v, b + v, n - v < LL_WALK_TILE ? n - v : LL_WALK_TILE, la, lb,
                                            &t);
        out[0] += (double)t.kl_ab;
        out[1] += (double)t.kl_ba;
        out[2] += (double)t.js;
        float js = ll_engine_tile_ops(eng)->js(a + v, b + v, n - v < LL_WALK_TILE ? n - v : LL_WALK_TILE, la,
                                               lb),
              back = ll_engine_tile_ops(eng)->js(b + v, a + v, n - v < LL_WALK_TILE ? n - v : LL_WALK_TILE,
                                                 lb, la);
        assert_memory_equal(&js, &t.js, sizeof js); /* alone, and the other way round */
        assert_memory_equal(&js, &back, sizeof js);
    }
}

static void reference(const float *a, const float *b, int n, double out[3])
{
    long double la = 0, lb = 0, sum[3] = {0, 0, 0};
    for (int i = 0; i < n; i++) {
        la += expl((long double)a[i]);
        lb += expl((long double)b[i]);
    }
    la = logl(la);
    lb = logl(lb);
    for (int i = 0; i < n; i++) {
        long double u = (long double)a[i] - la, w = (long double)b[i] - lb, p = expl(u), q = expl(w),
                    m = logl((p + q) / 2);
        sum[0] += p * (u - w) - p + q;
        sum[1] += q * (w - u) - q + p;
        sum[2] += (p * (u - m) + q * (w - m)) / 2;
    }
    for (int k = 0; k < 3; k++)
        out[k] = (double)sum[k];
}

/* Logits that differ by up to `apart`, from rounding noise to other worlds. */
static void against_definition(void **state)
{
    static const double aparts[] = {1e-5, 1e-3, 0.1, 0.9, 1.1, 5, 40};
    struct ll_engine *plain = open_isa("plain"), *best = NULL;
    struct ll_err err = {0};
    (void)state;
    assert_non_null(plain);
    assert_int_equal(ll_engine_init(&best, 1, &err), LL_OK);
    for (size_t k = 0; k < sizeof aparts / sizeof *aparts; k++) {
        float a[N], b[N];
        double want[3], got[3], other[3];
        for (int i = 0; i < N; i++) {
            a[i] = 12 * uniform();
            b[i] = a[i] + 3.0f + (float)aparts[k] * uniform(); /* a common shift changes no distribution */
        }
        reference(a, b, N, want);
        whole(plain, a, b, N, lse(a, N), lse(b, N), got);
        for (int m = 0; m < 3; m++)
            if (!(fabs(got[m] - want[m]) <= 3e-6 * want[m] + 1e-13))
                fail_msg("apart %g, measure %d: got %.12g, expected %.12g", aparts[k], m, got[m], want[m]);
        /* a log-sum-exp that is off by 1e-7, as float tiles leave it, hardly shows */
        whole(plain, a, b, N, lse(a, N) + 1e-7, lse(b, N), got);
        for (int m = 0; m < 3; m++)
            assert_true(fabs(got[m] - want[m]) <= 3e-6 * want[m] + 1e-7 * sqrt(want[m]) * 2 + 1e-13);
        static const char *const units[] = {"avx2", "avx512", "neon"};
        for (int u = 0; u < 3; u++) {
            struct ll_engine *eng = open_isa(units[u]);
            if (!eng)
                continue;
            whole(plain, a, b, N, lse(a, N), lse(b, N), got);
            whole(eng, a, b, N, lse(a, N), lse(b, N), other);
            assert_memory_equal(got, other, sizeof got);
            ll_engine_free(eng);
        }
    }
    ll_engine_free(plain);
    ll_engine_free(best);
}

static void equal_rows(void **state)
{
    float a[37];
    double got[3];
    struct ll_engine *eng;
    struct ll_err err = {0};
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 1, &err), LL_OK);
    for (int i = 0; i < 37; i++)
        a[i] = 80 * uniform();
    whole(eng, a, a, 37, lse(a, 37), lse(a, 37), got);
    for (int m = 0; m < 3; m++)
        assert_true(got[m] == 0 && !signbit(got[m]));
    ll_engine_free(eng);
}

/* Disjoint: JS is one bit; KL is the gap itself. */
static void far_apart(void **state)
{
    const float a[3] = {200, 0, 0}, b[3] = {0, 200, 0};
    double got[3];
    struct ll_engine *eng;
    struct ll_err err = {0};
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 1, &err), LL_OK);
    whole(eng, a, b, 3, 200, 200, got);
    assert_true(fabs(got[0] - 200) < 1e-4 && fabs(got[1] - 200) < 1e-4 && fabs(got[2] - log(2)) < 1e-6);
    ll_engine_free(eng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_definition), cmocka_unit_test(equal_rows),
                                       cmocka_unit_test(far_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
