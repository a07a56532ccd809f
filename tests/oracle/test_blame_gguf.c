/* test_blame_gguf.c - unit/test_blame.c's sweep over GGUF files (shared/oracle/gguf): rows of q and k in
 * pairs, block types, tensors with the names of llama.cpp. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

#include "unit/model/blame_sweep.h"

static void every_tensor_of_a_gguf(void **state)
{
    (void)state;
    static const char *const files[] = {"llama_f32",  "llama_f16",  "qwen2_q8_0",
                                        "qwen3_bf16", "gemma2_f16", "llama_q4_0"};
    struct ll_engine *eng = NULL;
    struct ll_err err = {0};
    assert_int_equal(ll_engine_init(&eng, 2, &err), LL_OK);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512];
        struct ll_model *m = NULL;
        snprintf(path, sizeof path, LL_SHARED_DIR "/oracle/gguf/%s.gguf", files[i]);
        if (access(path, R_OK)) {
            ll_engine_free(eng);
            skip();
        }
        if (ll_model_open(&m, path, &err))
            fail_msg("%s", err.msg);
        struct sweep_counts n = blame_sweep(m, eng, files[i]);
        assert_true(n.named > 10);
        ll_model_close(m);
    }
    ll_engine_free(eng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_tensor_of_a_gguf)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
