/* The original's memory estimate and device policy (docs/experiment.md 14.7): its worked examples in bytes,
 * and the choice among devices. */
#include "original_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct ll_capacity nothing = {{-1, -1, -1}};

static void test_worked_examples(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        long long cuda, mps, cpu;
        const char *cuda_dtype, *cpu_dtype;
    } rows[] = {{"mistralai/Mistral-7B-v0.1", 20590612736, 23468096384, 39334967296, "float16", "float32"},
                {"meta-llama/Meta-Llama-3-8B", 22410612736, 25358096384, 42694967296, "float16", "float32"},
                {"Qwen/Qwen3-8B", 22410612736, 25358096384, 42694967296, "float16", "float32"},
                {"google/gemma-2-9b", 25530612736, 28598096384, 48454967296, "bfloat16", "float32"},
                {"Qwen/Qwen3-14B", 38010612736, 41558096384, 71494967296, "float16", "float32"},
                {"mistralai/Mistral-Small-24B-Base-2501", 64010612736, 68558096384, 119494967296, "float16",
                 "float32"},
                {"google/gemma-2-27b", 71810612736, 76658096384, 211579869184, "bfloat16", "float32"},
                {"01-ai/Yi-34B", 90010612736, 95558096384, 85894967296, "float16", "bfloat16"},
                {"Qwen/Qwen2.5-72B", 188810612736, 198158096384, 177094967296, "float16", "bfloat16"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ll_device_estimate all[LL_N_DEVICES];
        assert_int_equal(ll_estimate_devices(rows[i].id, 0, &nothing, -1, all), -1);
        assert_int_equal(all[LL_CUDA].peak_bytes, rows[i].cuda);
        assert_int_equal(all[LL_MPS].peak_bytes, rows[i].mps);
        assert_int_equal(all[LL_CPU].peak_bytes, rows[i].cpu);
        assert_string_equal(all[LL_CUDA].dtype, rows[i].cuda_dtype);
        assert_string_equal(all[LL_MPS].dtype, "float16");
        assert_string_equal(all[LL_CPU].dtype, rows[i].cpu_dtype);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        double params;
    } rows[] = {{"x/thing-9.2b", 9.2e9},
                {"x/Thing-70B-Instruct", 70e9},
                {"Qwen/Qwen2.5-0.5B", 0.5e9},
                {"7b/thing", 0},
                {"bloom-7b1", 7e9},
                {"thing", 0},
                {"gpt2-4bit", 0},
                {"x/phi-3.5-3.8b", 3.8e9},
                {"x/1e9b", 9e9},
                {"", 0},
                {"a/b/c-1.b", 1e9}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(ll_params_of_name(rows[i].id) == rows[i].params);
}

/* Strictly below; unknown free memory and unknown size are never chosen; order cuda, mps, cpu. */
static void test_policy(void **state)
{
    (void)state;
    const char *id = "meta-llama/Meta-Llama-3-8B";
    struct ll_device_estimate all[LL_N_DEVICES];
    struct ll_capacity c = {{22410612736, 25358096384, 42694967296}};
    assert_int_equal(ll_estimate_devices(id, 0, &c, -1, all), -1); /* equal is not below */
    c.free_bytes[LL_CPU]++;
    assert_int_equal(ll_estimate_devices(id, 0, &c, -1, all), LL_CPU);
    c.free_bytes[LL_MPS]++;
    assert_int_equal(ll_estimate_devices(id, 0, &c, -1, all), LL_MPS);
    c.free_bytes[LL_CUDA]++;
    assert_int_equal(ll_estimate_devices(id, 0, &c, -1, all), LL_CUDA);
    assert_int_equal(ll_estimate_devices(id, 0, &c, LL_CPU, all), LL_CPU);
    assert_int_equal(ll_estimate_devices("x/unknown-size", 0, &c, -1, all), -1);
    assert_int_equal(ll_estimate_devices("x/unknown-size", 1e6, &c, -1, all), LL_CUDA);
    c.free_bytes[LL_CUDA] = -1;
    assert_int_equal(ll_estimate_devices(id, 0, &c, -1, all), LL_MPS);
}

static void test_capacities(void **state)
{
    (void)state;
    struct ll_capacity c;
    struct ll_err err = {0};
    assert_int_equal(ll_capacity_parse(&c, "cuda=24GiB,cpu=1.5KiB", &err), LL_OK);
    assert_int_equal(c.free_bytes[LL_CUDA], 24LL << 30);
    assert_int_equal(c.free_bytes[LL_MPS], -1);
    assert_int_equal(c.free_bytes[LL_CPU], 1536);
    static const char *const bad[] = {"cuda",     "gpu=1GiB",    "cuda=",    "cuda=x",     "cuda=-1",
                                      "cuda=1GB", "cuda=1GiB,,", "cuda=nan", "cuda=1e300", "cpu= 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ll_err why = {0};
        assert_int_equal(ll_capacity_parse(&c, bad[i], &why), LL_EUSAGE);
        assert_non_null(strstr(why.msg, "expected"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worked_examples), cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_policy), cmocka_unit_test(test_capacities)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
