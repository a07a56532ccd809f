/* test_dtype.c - storage types: values from bits, names, and where a tensor stops being finite. */
#include "ckpt.h"
#include "stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs the headers above */
#include <cmocka.h>

static float one_value(enum ll_dtype t, uint64_t bits)
{
    uint8_t raw[9];
    float f = 0;
    memcpy(raw + 1, &bits, 8); /* unaligned on purpose */
    ll_dtype_info(t)->to_f32(raw + 1, &f, 1);
    return f;
}

static void values_of_types(void **state)
{
    (void)state;
    const struct {
        enum ll_dtype t;
        uint64_t bits;
        double want;
    } rows[] = {
        {LL_F32, 0x3fc00000, 1.5},
        {LL_F32, 1, 0x1p-149},
        {LL_F16, 0x3c00, 1},
        {LL_F16, 0x8001, -0x1p-24},
        {LL_F16, 0x03ff, 1023 * 0x1p-24},
        {LL_F16, 0x0400, 0x1p-14},
        {LL_F16, 0x7bff, 65504},
        {LL_F16, 0xfc00, -INFINITY},
        {LL_BF16, 0x3f80, 1},
        {LL_BF16, 0x0001, 0x1p-133},
        {LL_BF16, 0xff80, -INFINITY},
        {LL_F64, 0x3ff0000010000000, 1},
        {LL_F64, 0x3ff0000030000000, 1 + 0x1p-22},
        {LL_F64, 0x7fefffffffffffff, INFINITY},
        {LL_F64, 0x3ff0000010000001, 1 + 0x1p-23},
        {LL_I64, (uint64_t)-16777217, -16777216},
        {LL_I64, 16777219, 16777220},
        {LL_I32, 0xffffffff, -1},
        {LL_I16, 0x8000, -32768},
        {LL_I8, 0xff, -1},
        {LL_U8, 0xff, 255},
        {LL_U16, 0xffff, 65535},
        {LL_U32, 0xffffffff, 4294967296.0},
        {LL_U64, UINT64_MAX, 18446744073709551616.0},
        {LL_BOOL8, 0, 0},
        {LL_BOOL8, 1, 1},
        {LL_F8_E4M3, 0x7e, 448},
        {LL_F8_E4M3, 0x01, 0x1p-9},
        {LL_F8_E4M3, 0x81, -0x1p-9},
        {LL_F8_E4M3, 0x38, 1},
        {LL_F8_E5M2, 0x7b, 57344},
        {LL_F8_E5M2, 0x01, 0x1p-16},
        {LL_F8_E5M2, 0xfc, -INFINITY},
        {LL_F8_E8M0, 0x7f, 1},
        {LL_F8_E8M0, 0, 0x1p-127},
        {LL_F8_E8M0, 0xfe, 0x1p127},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        float f = one_value(rows[i].t, rows[i].bits);
        if (f != rows[i].want)
            fail_msg("%s 0x%llx: expected %a, found %a", ll_dtype_info(rows[i].t)->name,
                     (unsigned long long)rows[i].bits, rows[i].want, (double)f);
    }
    const struct {
        enum ll_dtype t;
        uint64_t bits;
    } nans[] = {{LL_F16, 0x7c01},
                {LL_F16, 0xfe00},
                {LL_BF16, 0x7f81},
                {LL_F32, 0x7f800001},
                {LL_F64, 0x7ff8000000000000},
                {LL_F8_E4M3, 0x7f},
                {LL_F8_E4M3, 0xff},
                {LL_F8_E5M2, 0x7d},
                {LL_F8_E8M0, 0xff}};
    for (size_t i = 0; i < sizeof nans / sizeof nans[0]; i++)
        assert_true(isnan(one_value(nans[i].t, nans[i].bits)));
    assert_true(signbit(one_value(LL_F16, 0x8000)));
    assert_true(signbit(one_value(LL_F8_E4M3, 0x80)));
}

/* Every F16 against ldexp, and the mask of non-finite values against what the conversion gives. */
static void every_small_float(void **state)
{
    (void)state;
    for (uint32_t u = 0; u < 0x10000; u++) {
        int e = (int)(u >> 10 & 31), m = (int)(u & 1023);
        double want = e == 31 ? (m ? NAN : INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
        float f = one_value(LL_F16, u);
        assert_true(isnan(want) ? isnan(f) : f == (u & 0x8000 ? -want : want));
    }
    const enum ll_dtype types[] = {LL_F16, LL_BF16, LL_F8_E4M3, LL_F8_E5M2, LL_F8_E8M0};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct ll_dtype_info *d = ll_dtype_info(types[i]);
        for (uint32_t u = 0; u < (d->block_bytes == 1 ? 0x100u : 0x10000u); u++)
            assert_int_equal((u & d->nonfinite) == d->nonfinite, !isfinite(one_value(types[i], u)));
    }
}

static void types_by_name(void **state)
{
    (void)state;
    assert_int_equal(ll_dtype_by_name("BF16"), LL_BF16);
    assert_int_equal(ll_dtype_by_name("bfloat16"), LL_BF16);
    assert_int_equal(ll_dtype_by_name("torch.float16"), LL_F16);
    assert_int_equal(ll_dtype_by_name("bf16"), -1);
    assert_int_equal(ll_dtype_by_name(""), -1);
    for (int i = 0; i < LL_N_DTYPES; i++) {
        assert_int_equal(ll_dtype_by_name(ll_dtype_info((enum ll_dtype)i)->name), i);
        assert_non_null(ll_dtype_info((enum ll_dtype)i)->to_f32);
    }
    assert_null(ll_dtype_info(LL_N_DTYPES));
}

static void first_nonfinite(void **state)
{
    (void)state;
    enum { N = 10000 };
    uint8_t *raw = calloc(N + 1, 8);
    assert_non_null(raw);
    const struct {
        enum ll_dtype t;
        uint64_t big, inf;
    } rows[] = {
        {LL_F32, 0x7f7fffff, 0xff800000}, {LL_F16, 0x7bff, 0x7c00},
        {LL_BF16, 0x7f7f, 0xffc1},        {LL_F64, 0x7fefffffffffffff, 0x7ff0000000000001},
        {LL_F8_E4M3, 0x7e, 0xff},         {LL_F8_E5M2, 0x7b, 0x7c},
        {LL_I32, 0x7fffffff, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t w = (size_t)ll_dtype_info(rows[i].t)->block_bytes;
        struct ll_tensor t = {.dtype = rows[i].t, .data = raw + 1, .size = N * w}; /* unaligned */
        for (size_t k = 0; k < N; k++)
            memcpy(raw + 1 + k * w, &rows[i].big, w);
        assert_true(ll_tensor_nonfinite(&t) == -1);
        const size_t places[] = {N - 1, 4096, 4095, 0};
        for (int k = 0; k < 4 && rows[i].inf; k++) {
            memcpy(raw + 1 + places[k] * w, &rows[i].inf, w);
            assert_true(ll_tensor_nonfinite(&t) == (int64_t)places[k]);
        }
    }
    free(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_types),
        cmocka_unit_test(every_small_float),
        cmocka_unit_test(types_by_name),
        cmocka_unit_test(first_nonfinite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
