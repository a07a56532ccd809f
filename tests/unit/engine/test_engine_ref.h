/* test_engine_ref.h - what the engine's tests share: the rule written straight from engine.h, data, and a
 * walk over the vector units this machine has. */
#ifndef TEST_ENGINE_REF_H
#define TEST_ENGINE_REF_H
#include "engine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))

/* counter-based random numbers, the same everywhere */
static UNUSED uint64_t mix(uint64_t z)
{
    z += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}
static UNUSED float uniform(uint64_t i)
{
    return (float)((double)(mix(i) >> 11) * 0x1p-52 - 1.0);
} /* -1..1 */

static UNUSED uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}
static UNUSED float of_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, 4);
    return f;
}

/* the same value: equal bits, or both NaN */
static UNUSED int same(float a, float b) { return bits_of(a) == bits_of(b) || (a != a && b != b); }
static UNUSED void assert_same(const float *a, const float *b, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (!same(a[i], b[i]))
            fail_msg("%s: element %zu of %zu is %.9g (%08x), expected %.9g (%08x)", what, i, n, (double)a[i],
                     bits_of(a[i]), (double)b[i], bits_of(b[i]));
}

/* sum over k of x[k] * w[k * w_stride] by rule B */
static UNUSED float ref_product(const float *x, const float *w, long w_stride, int k)
{
    float sum = 0, stretch = 0;
    for (int k0 = 0; k0 < k; k0 += 128) {
        float chain = 0;
        for (int i = k0; i < k && i < k0 + 128; i++)
            chain = fmaf(x[i], w[i * w_stride], chain);
        stretch = k0 % 2048 ? stretch + chain : chain;
        if (k0 + 128 >= k || (k0 + 128) % 2048 == 0)
            sum = k0 >= 2048 ? sum + stretch : stretch;
    }
    return sum;
}

/* an engine on the named unit, or NULL when this machine lacks it */
static UNUSED struct ll_engine *engine_on(const char *isa, int n_threads)
{
    struct ll_err err = {0};
    struct ll_engine *eng;
    assert_int_equal(setenv("LL_ENGINE_ISA", isa, 1), 0);
    int rc = ll_engine_init(&eng, n_threads, &err);
    unsetenv("LL_ENGINE_ISA");
    if (rc) {
        assert_int_equal(rc, LL_EUSAGE);
        assert_null(eng);
        return NULL;
    }
    assert_string_equal(ll_engine_isa(eng), isa);
    return eng;
}
static const char *const ISAS[] UNUSED = {"plain", "avx2", "avx512", "neon"};
enum { N_ISAS = 4 };

static UNUSED void *need(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    assert_non_null(p);
    return p;
}
#endif
