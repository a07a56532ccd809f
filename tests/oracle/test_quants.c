/* test_quants.c - every block type against values that ggml computes (shared/oracle/quant), bit for bit, and
 * a product with each of them against the same product with the widened floats, on every vector unit. Caught:
 * a shift, sign, codebook entry or order of operations that is wrong; a row that starts at the wrong
 * block. */
#define _GNU_SOURCE
#include "engine.h"
#include "reference.h"
#include "settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the four above */
#include <cmocka.h>

static struct reference ref;
static struct ll_settings *facts;

static const struct ll_tensor *get(const char *type, const char *what)
{
    char name[48];
    snprintf(name, sizeof name, "%s.%s", type, what);
    const struct ll_tensor *t = reference_find(&ref, name);
    assert_non_null(t);
    return t;
}

static long long fact(const char *type, const char *what)
{
    char path[48];
    snprintf(path, sizeof path, "%s.%s", type, what);
    return ll_settings_int(facts, path, -1);
}

static void values(void **state)
{
    (void)state;
    int n_types = ll_settings_len(facts, "");
    assert_true(n_types >= 25);
    for (int i = 0; i < n_types; i++) {
        const char *type = ll_settings_key(facts, "", i);
        int dtype = ll_dtype_by_ggml((uint32_t)fact(type, "ggml_type"));
        if (dtype < 0)
            fail_msg("%s: no row of GGML type %lld", type, fact(type, "ggml_type"));
        const struct ll_dtype_info *info = ll_dtype_info((enum ll_dtype)dtype);
        assert_string_equal(info->name, type);
        assert_int_equal(info->block, fact(type, "block_size"));
        assert_int_equal(info->block_bytes, fact(type, "block_bytes"));
        const struct ll_tensor *blocks = get(type, "blocks"), *want = get(type, "values");
        size_t n = want->size / 4, odd = 0;
        assert_int_equal(blocks->size / (size_t)info->block_bytes * (size_t)info->block, n);
        float *got = malloc(sizeof *got * n);
        info->to_f32(blocks->data, got, n);
        for (size_t k = 0; k < n; k++) {
            float w = reference_f32(want, k);
            if (memcmp(&w, &got[k], 4) && !odd++)
                printf("%s: value %zu: expected %.9g, found %.9g\n", type, k, (double)w, (double)got[k]);
        }
        printf("%-8s %6zu values, %zu differ\n", type, n, odd);
        assert_int_equal(odd, 0);
        free(got);
    }
}

/* Rows of `blocks` blocks of the type: y as with the floats. */
static void check_product(struct ll_engine *eng, const char *type, int m)
{
    const struct ll_tensor *blocks = get(type, "blocks");
    const struct ll_dtype_info *info =
        ll_dtype_info((enum ll_dtype)ll_dtype_by_ggml((uint32_t)fact(type, "ggml_type")));
    int per = 1280 / info->block, n = 37, k = per * info->block;
    size_t row = (size_t)per * (size_t)info->block_bytes;
    uint8_t *w = malloc(row * (size_t)n);
    float *wide = malloc(sizeof *wide * (size_t)n * (size_t)k),
          *x = malloc(sizeof *x * (size_t)m * (size_t)k), *y = malloc(sizeof *y * (size_t)(m * n)),
          *z = malloc(sizeof *z * (size_t)(m * n));
    for (size_t i = 0; i < row * (size_t)n / (size_t)info->block_bytes; i++)
        memcpy(w + i * (size_t)info->block_bytes, blocks->data + i * 7 % 8 * (size_t)info->block_bytes,
               (size_t)info->block_bytes);
    info->to_f32(w, wide, (size_t)n * (size_t)k);
    for (int i = 0; i < m * k; i++)
        x[i] = (float)((i * 7919 + i / 13) % 2001 - 1000) * 1e-3f;
    struct ll_mat q = {.type = info - ll_dtype_info(LL_F32), .data = w, .row_bytes = row, .n = n, .k = k};
    struct ll_mat f = {
        .type = LL_F32, .data = (const uint8_t *)wide, .row_bytes = sizeof *wide * (size_t)k, .n = n, .k = k};
    ll_linear(eng, &q, x, k, m, NULL, y, n);
    ll_linear(eng, &f, x, k, m, NULL, z, n);
    if (memcmp(y, z, sizeof *y * (size_t)(m * n)))
        fail_msg("%s, %s, %d rows: a product differs from that of the widened weights", ll_engine_isa(eng),
                 type, m);
    free(w), free(wide), free(x), free(y), free(z);
}

static void products(void **state)
{
    static const char *const isas[] = {"plain", "avx2", "avx512", "neon"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct ll_engine *eng;
        struct ll_err err = {0};
        setenv("LL_ENGINE_ISA", isas[i], 1);
        if (ll_engine_init(&eng, 2, &err))
            continue;
        assert_int_equal(ll_engine_reserve(eng, 130, 1280, 1, 1, &err), LL_OK);
        for (int t = 0; t < ll_settings_len(facts, ""); t++) {
            const char *type = ll_settings_key(facts, "", t);
            check_product(eng, type, 1);
            check_product(eng, type, 130);
        }
        ll_engine_free(eng);
    }
    unsetenv("LL_ENGINE_ISA");
}

int main(void)
{
    struct ll_err err = {0};
    const char *dir = LL_SHARED_DIR "/oracle/quant";
    if (!ll_is_dir(dir)) {
        printf("skipped: no shared folder\n");
        return 77;
    }
    if (reference_open(&ref, LL_SHARED_DIR "/oracle/quant/vectors.safetensors", &err)
        || ll_settings_read(&facts, LL_SHARED_DIR "/oracle/quant/vectors.json", &err)) {
        printf("%s\n", err.msg);
        return 1;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(values), cmocka_unit_test(products)};
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    reference_close(&ref);
    ll_settings_free(facts);
    return rc;
}
