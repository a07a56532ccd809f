/* test_op_check.c - the checks themselves: what must differ does, hashes do not depend on threads, quantised
 * blocks by the published rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "op_check.h"
#include "op_inputs.h"
#include "quant_check.h"
#include "quants.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void operations(void **state)
{
    (void)state;
    struct ll_op_result r[LL_OP_MAX];
    struct ll_err err = {0};
    int n = 0;
    assert_int_equal(ll_op_check(&(struct ll_op_job){.runs = 2}, r, &n, &err), LL_OK);
    assert_true(n >= 32);
    for (int i = 0; i < n; i++) {
        assert_true(r[i].deterministic && r[i].max_diff == 0 && r[i].n > 0 && r[i].runs == 2);
        if (!(r[i].error <= r[i].limit))
            fail_msg("%s %s: error %g, limit %g", r[i].op, r[i].set, r[i].error, r[i].limit);
        for (int k = 0; k < i; k++) { /* the same operation and inputs: the same hash; others: another */
            int same = !strcmp(r[i].op, r[k].op) && !strcmp(r[i].set, r[k].set);
            assert_int_equal(!strcmp(r[i].sha256, r[k].sha256), same);
        }
    }
}

/* Whole layers and passes of models that differ in what they do, against products and attention in float64:
 * float32 alone makes a few 1e-7; a wrong mask, head or layout makes 1e-2 and more. */
static void models_against_double(void **state)
{
    (void)state;
    static const char *const models[] = {"experiments/demo_models/demo-gemma2",
                                         "tests/fixtures/models/gpt2_conv1d",
                                         "tests/fixtures/models/falcon_groups",
                                         "tests/fixtures/models/qwen2_moe"};
    static const int ids[] = {1, 5, 9, 2, 30, 7};
    for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
        struct ll_op_result r[LL_OP_MAX];
        struct ll_err err = {0};
        struct ll_model *m;
        char path[600];
        int n = 0, whole = 0;
        snprintf(path, sizeof path, "%s/%s", LL_SOURCE_DIR, models[k]);
        assert_int_equal(ll_model_open(&m, path, &err), LL_OK);
        assert_int_equal(ll_op_check(&(struct ll_op_job){m, ids, 6, 2, NULL, NULL}, r, &n, &err), LL_OK);
        for (int i = 0; i < n; i++) {
            int is_whole = !strncmp(r[i].op, "whole", 5);
            whole += is_whole;
            if (is_whole && !(r[i].error > 0 && r[i].error < 2e-6 && r[i].deterministic))
                fail_msg("%s: %s: %g", models[k], r[i].op, r[i].error);
        }
        assert_true(whole >= 4);
        ll_model_close(m);
    }
}

static void adversarial_inputs(void **state)
{
    (void)state;
    float x[10000];
    int zeros = 0, denormals = 0, large = 0, tiny = 0;
    ll_op_fill(x, 10000, 1, LL_OP_SEED);
    for (int i = 0; i < 10000; i++) {
        zeros += x[i] == 0 && signbit(x[i]);
        denormals += fpclassify(x[i]) == FP_SUBNORMAL;
        large += fabsf(x[i]) > 1000;
        tiny += fpclassify(x[i]) == FP_NORMAL && fabsf(x[i]) < 1e-7f;
        assert_true(fabsf(x[i]) <= 8192);
    }
    assert_true(zeros > 300 && denormals > 100 && large > 100 && tiny > 100);
    ll_op_fill(x, 10000, 0, LL_OP_SEED);
    for (int i = 0; i < 10000; i++)
        assert_true(fabsf(x[i]) <= 1);
}

static void blocks(void **state)
{
    (void)state;
    struct ll_quant_check r[LL_QUANT_CHECKS];
    int n = ll_quant_check(r);
    assert_true(n >= 10 && n <= LL_QUANT_CHECKS);
    for (int i = 0; i < n; i++)
        if (!r[i].good)
            fail_msg("%s: %s", r[i].name, r[i].detail);
    /* the published vector comes back from its own values: d = 0.5, -4.0 is the value of largest magnitude */
    static const uint8_t block[18] = {0x00, 0x38, 0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69,
                                      0x78, 0x87, 0x96, 0xa5, 0xb4, 0xc3, 0xd2, 0xe1, 0xf0};
    uint8_t made[18];
    float v[32];
    ll_q4_0_to_f32(block, v, 32);
    ll_quantise_q4_0(v, made);
    assert_memory_equal(made, block, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(operations), cmocka_unit_test(models_against_double),
                                       cmocka_unit_test(adversarial_inputs), cmocka_unit_test(blocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
