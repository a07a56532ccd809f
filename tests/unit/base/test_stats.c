/* test_stats.c - doubles as text, order statistics, clocks, memory. */
#define _GNU_SOURCE
#include "buf.h"
#include "json_write.h"
#include "provenance.h"
#include "stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void doubles_as_text(void **state)
{
    (void)state;
    const struct {
        double v;
        const char *s;
    } rows[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {1e21, "1e+21"},
        {5e-324, "4.94065645841247e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    char s[32];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ll_fmt_double(s, rows[i].v), (int)strlen(rows[i].s));
        assert_string_equal(s, rows[i].s);
    }
}

static void doubles_read_back(void **state)
{
    (void)state;
    uint64_t x = 316;
    for (int i = 0; i < 200000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        double v, w;
        char s[32];
        memcpy(&v, &x, sizeof v);
        if (i % 2)
            v = (double)(float)v;
        if (!isfinite(v))
            continue;
        assert_true(ll_fmt_double(s, v) < 32);
        w = strtod(s, NULL);
        assert_true(v == w);
    }
}

static void percentiles(void **state)
{
    (void)state;
    double v[] = {4, 1, 3, 2}, one[] = {7}, inf[] = {INFINITY, 1, INFINITY};
    assert_true(ll_median(v, 4) == 2.5); /* numpy.percentile([1,2,3,4], 50) */
    assert_true(ll_percentile(v, 4, 0.25) == 1.75);
    assert_true(ll_percentile(v, 4, 0) == 1 && ll_percentile(v, 4, 1) == 4);
    assert_true(ll_percentile(one, 1, 0.9) == 7);
    assert_true(ll_median(inf, 3) == INFINITY);
}

static void clocks_and_memory(void **state)
{
    (void)state;
    double t = ll_now_s();
    assert_true(ll_now_s() >= t);
    assert_true(ll_peak_rss_bytes() > 100000);
#ifdef __linux__
    assert_true(ll_available_bytes() > 0);
#endif
}

static void provenance(void **state)
{
    (void)state;
    assert_string_equal(ll_tool_version(), "logitlens " LL_VERSION);
    assert_true(strlen(ll_compiler()) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_as_text), cmocka_unit_test(doubles_read_back),
        cmocka_unit_test(percentiles),     cmocka_unit_test(clocks_and_memory),
        cmocka_unit_test(provenance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
