/* test_engine_math.c - elementwise functions, sums, and exp/log in double.
 *
 * Which mistake each test catches: a polynomial coefficient with a wrong digit (error), a unit that scales,
 * clamps or rounds otherwise (same bits), NaN lost in a min or max, a tail of 1..15 elements dropped or
 * overrunning its end, sums with another number of chains. Tried, each turned one of these red: a digit of a
 * coefficient of exp; the maximum's operands swapped in v_at_least; another order in d_tree; a multiplication
 * and an addition for an fma; LN2_LO = 0; the low part of log2's product left out. */
#include "unit/engine/test_engine_ref.h"

#include <float.h>

typedef void (*map_fn)(float *y, const float *x, size_t n);

/* |got - want| in units of the last place of want as a float */
static double ulps(float got, long double want)
{
    if ((double)fabsl(want) > (double)FLT_MAX) /* just above FLT_MAX: inf and FLT_MAX are both near */
        return isinf(got) || got == FLT_MAX ? 0 : INFINITY;
    int e = want == 0 ? -126 : ilogbl(want);
    return (double)(fabsl((long double)got - want) / ldexpl(1, (e < -126 ? -126 : e) - 23));
}

static long double true_exp(long double x) { return expl(x); }
static long double true_tanh(long double x) { return tanhl(x); }
static long double true_erf(long double x) { return erfl(x); }
static long double true_silu(long double x) { return x / (1 + expl(-x)); }
static long double true_quick_gelu(long double x) { return x / (1 + expl(-(long double)1.702f * x)); }
static long double true_relu(long double x) { return x > 0 ? x : 0; }
static long double true_relu2(long double x) { return x > 0 ? x * x : 0; }
static long double true_gelu_erf(long double x)
{
    return x < 0 ? x * 0.5L * erfcl(-x / sqrtl(2)) : 0.5L * x * (1 + erfl(x / sqrtl(2)));
}
static long double true_gelu_tanh(long double x)
{
    return 0.5L * x * (1 + tanhl(sqrtl(2 / 3.14159265358979323846264L) * (x + 0.044715L * x * x * x)));
}

/* all floats up to `limit` in size, every step-th */
static double worst_error(map_fn fn, long double (*truth)(long double), float low, float high, uint32_t step,
                          int absolute)
{
    double worst = 0;
    for (uint64_t u = 0; u <= 0xffffffffu; u += (uint64_t)step * 64) {
        float x[64], y[64];
        for (int i = 0; i < 64; i++) {
            x[i] = of_bits((uint32_t)(u + (uint64_t)step * (uint64_t)i));
            if (!(x[i] >= low && x[i] <= high))
                x[i] = 0.5f;
        }
        fn(y, x, 64);
        for (int i = 0; i < 64; i++) {
            long double want = truth((long double)x[i]);
            double e = absolute ? (double)fabsl((long double)y[i] - want) / (1 + fabs((double)x[i]))
                                : ulps(y[i], want);
            if (!(e <= worst))
                worst = e;
        }
    }
    return worst;
}

static void test_error(void **state)
{
    (void)state;
    struct ll_engine *eng =
        engine_on("avx512", 1); /* bits are the same everywhere (test_bits): the fastest will do */
    eng = eng ? eng : engine_on("avx2", 1);
    eng = eng ? eng : engine_on("plain", 1);
    const struct ll_vec *v = ll_engine_vec(eng);
    const uint32_t step = 1009;
    const struct {
        const char *name;
        map_fn fn;
        long double (*truth)(long double);
        float low, high;
        int absolute;
        double bound;
    } rows[] = {
        {"exp", v->exp, true_exp, -130, 100, 0, 1.2},
        {"tanh", v->tanh, true_tanh, -FLT_MAX, FLT_MAX, 0, 1.2},
        {"erf", v->erf, true_erf, -FLT_MAX, FLT_MAX, 0, 1.25},
        {"silu", v->silu, true_silu, -130, FLT_MAX, 0, 2.6},
        {"quick_gelu", v->quick_gelu, true_quick_gelu, -70, FLT_MAX, 1, 2e-7},
        {"relu", v->relu, true_relu, -FLT_MAX, FLT_MAX, 0, 0.5},
        {"relu2", v->relu2, true_relu2, -FLT_MAX, 1e19f, 0, 0.51},
        /* 1 + tanh and 1 + erf cancel for negative x, as in every float implementation: error against 1 +
         * |x| */
        {"gelu_tanh", v->gelu_tanh, true_gelu_tanh, -1e6f, 1e6f, 1, 2e-7},
        {"gelu_erf", v->gelu_erf, true_gelu_erf, -1e6f, 1e6f, 1, 2e-7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double e = worst_error(rows[i].fn, rows[i].truth, rows[i].low, rows[i].high, step, rows[i].absolute);
        print_message("%s: worst error %.3g (bound %.3g)\n", rows[i].name, e, rows[i].bound);
        assert_true(e <= rows[i].bound);
    }
    ll_engine_free(eng);
}

/* corner values and a spread over all floats */
static size_t fill(float *x, size_t n)
{
    static const float corners[] = {0.0f,       -0.0f,      INFINITY, -INFINITY, NAN,        1e-45f,
                                    -1e-45f,    1e-39f,     -1e-39f,  FLT_MIN,   FLT_MAX,    -FLT_MAX,
                                    1,          -1,         88.7f,    88.8f,     -87.4f,     -103.9f,
                                    -104.1f,    -110,       -116,     0.625f,    0.6250001f, 4,
                                    4.0000005f, 1.0000001f, 9.1f,     -9.1f,     1e30f,      2e30f};
    for (size_t i = 0; i < n; i++)
        x[i] = i < sizeof corners / sizeof *corners ? corners[i]
            : i % 2                                 ? of_bits((uint32_t)mix(i))
                                                    : 12 * uniform(i);
    return n;
}

static void test_bits(void **state) /* every unit like plain, every length, in place, nothing past the end */
{
    (void)state;
    enum { N = 4099 };
    static float x[N], b[N], y[N + 1], want[N];
    struct ll_engine *plain = engine_on("plain", 1);
    const struct ll_vec *p = ll_engine_vec(plain);
    fill(x, N);
    for (size_t i = 0; i < N; i++)
        b[i] = of_bits((uint32_t)mix(i + 31337));
    for (int isa = 0; isa < N_ISAS; isa++) {
        struct ll_engine *eng = engine_on(ISAS[isa], 1);
        if (!eng)
            continue;
        const struct ll_vec *v = ll_engine_vec(eng);
        const struct {
            const char *name;
            map_fn fn, plain;
        } maps[] = {
            {"exp", v->exp, p->exp},
            {"silu", v->silu, p->silu},
            {"gelu_tanh", v->gelu_tanh, p->gelu_tanh},
            {"gelu_erf", v->gelu_erf, p->gelu_erf},
            {"tanh", v->tanh, p->tanh},
            {"erf", v->erf, p->erf},
            {"quick_gelu", v->quick_gelu, p->quick_gelu},
            {"relu", v->relu, p->relu},
            {"relu2", v->relu2, p->relu2},
        };
        for (size_t n = 0; n <= N; n = n < 70 ? n + 1 : n < N ? N : N + 1)
            for (size_t f = 0; f < sizeof maps / sizeof *maps; f++) {
                maps[f].plain(want, x, n);
                memcpy(y, x, sizeof(float) * n);
                y[n] = 55.0f;
                maps[f].fn(y, y, n);
                assert_same(y, want, n, maps[f].name);
                assert_true(y[n] == 55.0f);
                for (size_t i = 0; i < n; i++)
                    assert_true(!isnan(x[i]) || isnan(y[i]));
            }
        for (size_t n = 0; n < 70; n++) {
            static const float caps[] = {30, 0.5f, 1e-3f};
            for (int c = 0; c < 3; c++) {
                p->softcap(want, x, n, caps[c]);
                v->softcap(y, x, n, caps[c]);
                assert_same(y, want, n, "softcap");
                for (size_t i = 0; i < n; i++)
                    assert_true(isnan(x[i]) ? isnan(y[i]) : fabsf(y[i]) <= caps[c]);
            }
            v->scale(y, x, n, 1.7f);
            for (size_t i = 0; i < n; i++)
                want[i] = x[i] * 1.7f;
            assert_same(y, want, n, "scale");
            v->mul(y, x, b, n);
            for (size_t i = 0; i < n; i++)
                want[i] = x[i] * b[i];
            assert_same(y, want, n, "mul");
            v->add(y, x, b, n);
            for (size_t i = 0; i < n; i++)
                want[i] = x[i] + b[i];
            assert_same(y, want, n, "add");
        }
        ll_engine_free(eng);
    }
    ll_engine_free(plain);
}

static void test_corners(void **state)
{
    (void)state;
    struct ll_engine *eng = engine_on("plain", 1);
    const struct ll_vec *v = ll_engine_vec(eng);
    const float x[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, -200.0f, -95.0f};
    float y[7];
    v->exp(y, x, 7);
    assert_true(y[0] == 1 && y[1] == 1 && y[2] == INFINITY && y[3] == 0 && isnan(y[4]) && y[5] == 0
                && y[6] > 0);
    v->tanh(y, x, 7);
    assert_true(same(y[0], 0.0f) && same(y[1], -0.0f) && y[2] == 1 && y[3] == -1 && isnan(y[4])
                && y[5] == -1);
    v->erf(y, x, 7);
    assert_true(same(y[0], 0.0f) && same(y[1], -0.0f) && y[2] == 1 && y[3] == -1 && isnan(y[4])
                && y[5] == -1);
    v->silu(y, x, 7);
    assert_true(same(y[0], 0.0f) && same(y[1], -0.0f) && y[2] == INFINITY && same(y[3], -0.0f) && isnan(y[4])
                && same(y[5], -0.0f) && y[6] < 0);
    v->quick_gelu(y, x, 7);
    assert_true(same(y[0], 0.0f) && same(y[1], -0.0f) && y[2] == INFINITY && same(y[3], -0.0f) && isnan(y[4])
                && same(y[5], -0.0f));
    v->relu2(y, x, 7);
    assert_true(y[0] == 0 && y[1] == 0 && y[2] == INFINITY && y[3] == 0 && isnan(y[4]) && y[5] == 0);
    ll_engine_free(eng);
}

/* 16 double chains and the tree, kind 0: a, 1: a * a, 2: a * b */
static double ref_sum(const float *a, const float *b, size_t n, int kind)
{
    double c[16] = {0};
    for (size_t i = 0; i < n; i++)
        c[i % 16] += kind == 0 ? (double)a[i] : (double)a[i] * (double)(kind == 1 ? a[i] : b[i]);
    for (int h = 8; h; h /= 2)
        for (int j = 0; j < h; j++)
            c[j] += c[j + h];
    return c[0];
}

static void test_sums(void **state)
{
    (void)state;
    enum { N = 5000 };
    static float a[N], b[N];
    for (size_t i = 0; i < N; i++) {
        a[i] = uniform(i) * (i % 5 ? 1 : 1e6f);
        b[i] = i % 7 ? uniform(i + N) : 1e-30f;
    }
    for (int isa = 0; isa < N_ISAS; isa++) {
        struct ll_engine *eng = engine_on(ISAS[isa], 1);
        if (!eng)
            continue;
        const struct ll_vec *v = ll_engine_vec(eng);
        for (size_t n = 0; n <= N; n += n < 70 ? 1 : 493) {
            double got[3] = {v->sum(a, n), v->sum_sq(a, n), v->dot(a, b, n)};
            for (int k = 0; k < 3; k++) {
                double want = ref_sum(a, b, n, k);
                assert_memory_equal(&got[k], &want, sizeof want);
            }
            float max = -INFINITY;
            for (size_t i = 0; i < n; i++)
                max = a[i] > max ? a[i] : max;
            if (n)
                assert_true(v->max(a, n) == max);
        }
        float odd[40];
        for (size_t i = 0; i < 40; i++)
            odd[i] = NAN;
        assert_true(isnan(v->max(odd, 40)) && isnan(v->max(odd, 3)));
        odd[37] = -INFINITY;
        assert_true(v->max(odd, 40) == -INFINITY);
        odd[3] = -0.0f;
        assert_true(same(v->max(odd, 40), 0.0f));
        odd[20] = -5;
        assert_true(v->max(odd + 4, 36) == -5);
        ll_engine_free(eng);
    }
}

static double d_ulps(double got, long double want)
{
    int e = want == 0 ? -1022 : ilogbl(want);
    return (double)(fabsl((long double)got - want) / ldexpl(1, (e < -1022 ? -1022 : e) - 52));
}

static void test_double(void **state)
{
    (void)state;
    double worst[3] = {0};
    for (uint64_t i = 0; i < 400000; i++) {
        double u = (double)uniform(i) + (double)uniform(i + 1000000000) * 0x1p-24,
               x = u
            * (i % 3 == 0       ? 745
                   : i % 3 == 1 ? 3
                                : 0.01);
        double e = expl((long double)x) > DBL_MAX ? 0 : d_ulps(ll_exp(x), expl((long double)x));
        worst[0] = e > worst[0] ? e : worst[0];
        double y = i % 3 == 0 ? expl(x) : i % 3 == 1 ? 1 + u * 0.5 : 1 + u * 1e-5;
        if (!(y > 0) || y > DBL_MAX)
            continue;
        e = d_ulps(ll_log(y), logl((long double)y));
        worst[1] = e > worst[1] ? e : worst[1];
        e = d_ulps(ll_log2(y), log2l((long double)y));
        worst[2] = e > worst[2] ? e : worst[2];
    }
    print_message("double: exp %.3f, log %.3f, log2 %.3f ulp\n", worst[0], worst[1], worst[2]);
    for (int k = 0; k < 3; k++)
        assert_true(worst[k] <= 1);
    assert_true(ll_exp(0) == 1 && ll_exp(-INFINITY) == 0 && ll_exp(INFINITY) == INFINITY && isnan(ll_exp(NAN))
                && ll_exp(-800) == 0 && ll_exp(709.9) == INFINITY && ll_exp(-745) > 0);
    assert_true(ll_log(1) == 0 && ll_log(0) == -INFINITY && ll_log(INFINITY) == INFINITY && isnan(ll_log(-1))
                && isnan(ll_log(NAN)) && ll_log2(0) == -INFINITY);
    for (int e = -1074; e < 1024; e++)
        assert_true(ll_log2(ldexp(1, e)) == e);
}

/* Against the C library in long double. */
static void test_rotary_functions(void **state)
{
    (void)state;
    double worst[3] = {0};
    for (uint64_t i = 0; i < 400000; i++) {
        double u = (double)uniform(i) + (double)uniform(i + 1000000000) * 0x1p-24;
        double x = u * (i % 4 == 0 ? 0x1p25 : i % 4 == 1 ? 1e5 : i % 4 == 2 ? 40 : 1e-3);
        const long double truth[2] = {sinl((long double)x), cosl((long double)x)};
        const double got[2] = {ll_sin(x), ll_cos(x)};
        for (int k = 0; k < 2; k++) {
            double e = fabsl(got[k] - truth[k]) < 0x1p-70L ? 0 : d_ulps(got[k], truth[k]);
            worst[k] = e > worst[k] ? e : worst[k];
        }
        double base = 1 + fabs(u) * (i % 2 ? 1e7 : 1), y = (double)uniform(i + 7) * (i % 2 ? -1 : 20);
        double e = d_ulps(ll_pow(base, y), powl((long double)base, (long double)y));
        worst[2] = e > worst[2] ? e : worst[2];
    }
    print_message("double: sin %.3f, cos %.3f, pow %.3f ulp\n", worst[0], worst[1], worst[2]);
    assert_true(worst[0] <= 1 && worst[1] <= 1 && worst[2] <= 2);
    assert_true(ll_sin(0) == 0 && ll_cos(0) == 1);
    assert_true(isnan(ll_sin(NAN)) && isnan(ll_cos(INFINITY)) && isnan(ll_sin(0x1p26))
                && isnan(ll_pow(-1, 2)));
    assert_true(ll_pow(10000, 0) == 1 && ll_pow(2, 10) == 1024 && ll_pow(2, -3) == 0.125
                && ll_pow(1, 5) == 1);
}

static void test_double_arrays(
    void **state) /* the bits of ll_exp and ll_log, in place, whatever stands beside a value */
{
    (void)state;
    enum { N = 4001 };
    static double x[N], y[N + 1];
    static const double corners[] = {0,      -0.0,     1,         -1,     706.9,  -706.9, 707.1,
                                     -707.1, -708.5,   -740,      -745.2, -746.5, -800,   709.7,
                                     710,    INFINITY, -INFINITY, NAN,    5e-324, 1e-310};
    for (size_t i = 0; i < N; i++) /* long runs without, then some among them */
        x[i] = i % 97 < sizeof corners / sizeof *corners && i > 1000
            ? corners[i % 97]
            : ((double)uniform(i) + (double)uniform(i + N) * 0x1p-24) * (i % 2 ? 700 : 20);
    for (int isa = 0; isa < N_ISAS; isa++) {
        struct ll_engine *eng = engine_on(ISAS[isa], 1);
        if (!eng)
            continue;
        const struct ll_vec *v = ll_engine_vec(eng);
        const struct {
            void (*many)(double *, const double *, size_t);
            double (*one)(double);
        } maps[] = {{v->exp_double, ll_exp}, {v->log_double, ll_log}};
        for (int f = 0; f < 2; f++)
            for (size_t n = 0; n <= N; n = n < 20 ? n + 1 : n < N ? N : N + 1) {
                memcpy(y, x, sizeof x);
                y[n] = 55;
                maps[f].many(y, y, n);
                for (size_t i = 0; i < n; i++) {
                    double want = maps[f].one(x[i]);
                    if (memcmp(&y[i], &want, sizeof want) && !(isnan(want) && isnan(y[i])))
                        fail_msg("%s: %s of %a: %a, expected %a", ISAS[isa], f ? "log" : "exp", x[i], y[i],
                                 want);
                }
                assert_true(y[n] == 55);
            }
        ll_engine_free(eng);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error),         cmocka_unit_test(test_bits),
        cmocka_unit_test(test_corners),       cmocka_unit_test(test_sums),
        cmocka_unit_test(test_double),        cmocka_unit_test(test_rotary_functions),
        cmocka_unit_test(test_double_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
