/* test_logit_health.c - verdicts on logits with known answers, and the software rounding to binary16 and
 * bfloat16. Caught: the last layer's rule at earlier rows, an infinity taken for health, ties rounded up,
 * subnormals flushed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dtype.h"
#include "half.h"
#include "logit_health.h"

#include <math.h>
#include <string.h>

/* The published sick row: five values, the rest between 0.89 and the lowest of these. */
static void the_published_row(void **state)
{
    (void)state;
    enum { V = 32000 };
    static float z[V];
    static const struct {
        int id;
        float v;
    } top[] = {{1314, 1.0107422f},
               {29145, 0.97509766f},
               {22771, 0.94189453f},
               {27734, 0.92333984f},
               {12116, 0.8911133f}};
    for (int i = 0; i < V; i++)
        z[i] = (float)(1000 + i % 800) / 2048; /* multiples of 2^-11 below 0.8911 */
    for (int i = 0; i < 5; i++)
        z[top[i].id] = top[i].v;
    struct ll_logit_health h;
    ll_logit_health(z, V, 1, &h);
    assert_int_equal(h.health, LL_HEALTH_COLLAPSED);
    for (int i = 0; i < 5; i++)
        assert_int_equal(h.top[i].id, top[i].id);
    assert_true(fabs(h.gap - 0.0356) < 5e-5);
    assert_true(fabs((double)h.top[0].v - (double)h.top[4].v - 0.1196) < 5e-5);
    assert_int_equal(h.is_f16, 1);
    ll_logit_health(z, V, 0, &h); /* an early row may look like this */
    assert_int_equal(h.health, LL_HEALTHY);
    z[7] = 1.0f / 3;
    ll_logit_health(z, V, 1, &h);
    assert_int_equal(h.is_f16, 0);
}

static void verdicts(void **state)
{
    (void)state;
    struct ll_logit_health h;
    float z[1024];
    for (int i = 0; i < 1024; i++)
        z[i] = 3;
    ll_logit_health(z, 1024, 0, &h);
    assert_int_equal(h.health, LL_HEALTH_BROKEN); /* constant */
    for (int i = 0; i < 1024; i++)
        z[i] = (float)(i % 64) / 8;
    ll_logit_health(z, 1024, 1, &h);
    assert_int_equal(h.health,
                     LL_HEALTH_WEAK); /* 16 equal winners, p = 0.0073 each: sum over 64 steps of 1/8 */
    z[5] = 18;
    ll_logit_health(z, 1024, 1, &h);
    assert_int_equal(h.health, LL_HEALTHY);
    z[9] = INFINITY;
    ll_logit_health(z, 1024, 1, &h);
    assert_int_equal(h.health, LL_HEALTH_BROKEN);
    assert_int_equal(h.n_top, 0);
    z[9] = NAN;
    ll_logit_health(z, 1024, 0, &h);
    assert_int_equal(h.health, LL_HEALTH_BROKEN);
    /* wide and clear, but nearly uniform in bits: 2^16 words, one 4 above, std small */
    float two[2] = {0, 0.0f};
    two[1] = 10;
    ll_logit_health(two, 2, 1, &h);
    assert_int_equal(h.health, LL_HEALTHY);
}

static float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* Nearest by search: both neighbours of f among the codes of one sign, in double (exact). */
static uint16_t nearest(float f, float (*value)(uint16_t), uint16_t inf)
{
    uint16_t sign = signbit(f) ? 0x8000 : 0, lo = 0, hi = inf;
    double a = fabs((double)f);
    while (hi - lo > 1) {
        uint16_t mid = (uint16_t)((lo + hi) / 2);
        *((double)value(mid) <= a ? &lo : &hi) = mid;
    }
    double below = (double)value(lo),
           step = hi == inf ? below - (double)value((uint16_t)(lo - 1))
                            : (double)value(hi) - below; /* infinity stands one step on */
    double over = a - below;
    return (uint16_t)(sign | (2 * over > step || (2 * over == step && (lo & 1)) ? hi : lo));
}

static float f16_value(uint16_t c) { return ll_f16_to_float(c); }
static float bf16_value(uint16_t c) { return from_bits((uint32_t)c << 16); }

/* The code of the value that ll_round_bf16 gives, which must be one of the format. */
static uint16_t bf16_code(float f)
{
    float r = ll_round_bf16(f);
    uint32_t u;
    memcpy(&u, &r, sizeof u);
    assert_int_equal(u & 0xffff, 0);
    return (uint16_t)(u >> 16);
}

static void every_code(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 65536; c++) {
        float f = f16_value((uint16_t)c), b = bf16_value((uint16_t)c);
        if (isnan(f))
            assert_true(isnan(ll_round_f16(f)));
        else
            assert_int_equal(ll_float_to_f16(f), c);
        if (isnan(b))
            assert_true(isnan(ll_round_bf16(b)));
        else
            assert_int_equal(bf16_code(b), c);
        /* halfway to the next code, and a hair to either side */
        if (c & 0x8000 || c >= 0x7bff)
            continue;
        double mid = ((double)f + (double)f16_value((uint16_t)(c + 1))) / 2;
        assert_int_equal(ll_float_to_f16((float)mid), c + (c & 1));
        assert_int_equal(ll_float_to_f16(nextafterf((float)mid, 0)), c);
        assert_int_equal(ll_float_to_f16(nextafterf((float)mid, INFINITY)), c + 1);
        assert_int_equal(ll_float_to_f16(-(float)mid), 0x8000 | (c + (c & 1)));
    }
    assert_int_equal(ll_float_to_f16(65519.996f), 0x7bff);
    assert_int_equal(ll_float_to_f16(65520.0f), 0x7c00);
    assert_int_equal(ll_float_to_f16(-INFINITY), 0xfc00);
    uint32_t u = 316;
    for (int i = 0; i < 200000; i++) {
        u = u * 1664525u + 1013904223u;
        float f = from_bits(u ^ u >> 13);
        if (!isfinite(f))
            continue;
        assert_int_equal(bf16_code(f), nearest(f, bf16_value, 0x7f80));
        float g = from_bits((u & 0x807fffff) | (0x66u + (u >> 8) % 0x2cu) << 23); /* where binary16 lives */
        assert_int_equal(ll_float_to_f16(g), nearest(g, f16_value, 0x7c00));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_published_row), cmocka_unit_test(verdicts),
                                       cmocka_unit_test(every_code)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
