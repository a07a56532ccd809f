/* test_packed.c - checkpoints quantised with scales (FP8) and in four-bit groups (GPTQ, AWQ): every hook
 * equal bit for bit to the same model with weights that numpy dequantised (fixtures/quantized/make.py).
 * Caught: nibbles or outputs in another order, v1's zero taken as it is, g_idx ignored, a scale divided
 * instead of multiplied, blocks at the edge misread. */
#define _GNU_SOURCE
#include "capture.h"
#include "model.h"
#include "outfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIXTURES LL_SOURCE_DIR "/tests/fixtures/quantized/"
static const char *const names[] = {"gptq", "gptq_act", "awq", "fp8_block", "fp8_rows"};

static int keep_all(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    (void)err;
    for (int r = 0; r < v->n_rows; r++)
        ll_buf_add(arg, v->data + (long)r * v->stride, sizeof(float) * (size_t)v->width);
    return LL_OK;
}

/* All a pass shows, for n token ids. */
static void shown(const char *path, int n, struct ll_engine *eng, struct ll_buf *out)
{
    struct ll_model *m;
    struct ll_err err = {0};
    struct ll_pass pass;
    int ids[160], start[2] = {0, n};
    if (ll_model_open(&m, path, &err))
        fail_msg("%s", err.msg);
    for (int i = 0; i < n; i++)
        ids[i] = i * 7 % m->d_vocab;
    struct ll_listener all = {~0u, keep_all, out};
    struct ll_batch batch = {1, start, ids};
    assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){m, n, n, &all, 1}, eng, &err), LL_OK);
    if (ll_forward(&pass, &batch, 0, m->n_layers, &err))
        fail_msg("%s: %s", path, err.msg);
    ll_pass_free(&pass);
    ll_model_close(m);
}

static void same_as_dequantised(void **state)
{
    static const char *const isas[] = {"plain", "avx2", "avx512", "neon"};
    (void)state;
    for (int i = 0; i < 4; i++)
        for (size_t k = 0; k < 5; k++)
            for (int n = 3; n <= 120;
                 n += 117) { /* a few rows of x, and more than are widened in registers */
                struct ll_engine *eng;
                struct ll_err err = {0};
                struct ll_buf a = {0}, b = {0};
                char path[512];
                setenv("LL_ENGINE_ISA", isas[i], 1);
                if (ll_engine_init(&eng, 2, &err))
                    continue;
                snprintf(path, sizeof path, FIXTURES "%s", names[k]);
                shown(path, n, eng, &a);
                snprintf(path, sizeof path, FIXTURES "%s.f32", names[k]);
                shown(path, n, eng, &b);
                assert_true(a.len == b.len && a.len > 1000);
                if (memcmp(a.s, b.s, a.len))
                    fail_msg("%s on %s, %d tokens: differs from the dequantised weights", names[k], isas[i],
                             n);
                ll_buf_free(&a), ll_buf_free(&b);
                ll_engine_free(eng);
            }
    unsetenv("LL_ENGINE_ISA");
}

/* Companions are joined: the model sees one matrix of the right shape. */
static void joined(void **state)
{
    struct ll_model *m;
    struct ll_err err = {0};
    float row[40];
    (void)state;
    assert_int_equal(ll_model_open(&m, FIXTURES "gptq", &err), LL_OK);
    assert_int_equal(m->ckpt->n_tensors, 12);
    const struct ll_tensor *t = ll_ckpt_find(m->ckpt, "model.layers.0.mlp.down_proj.weight");
    assert_true(t && t->packed && t->dtype == LL_INT4_GPTQ && t->dims[0] == 32 && t->dims[1] == 40
                && t->size == 32 * 40 / 2);
    assert_null(ll_ckpt_find(m->ckpt, "model.layers.0.mlp.down_proj.qzeros"));
    ll_mat_row(&m->layers[0].mlp.W_out, 31, row);
    assert_true(row[0] != 0 || row[39] != 0);
    assert_int_equal(m->n_params, 2 * 16 * 32 + 3 * 32 + 2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 40);
    ll_model_close(m);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static char folder[] = "/tmp/ll_packed_XXXXXX";

static void put(const char *name, const void *p, size_t n)
{
    struct ll_err err = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(ll_file_write(path, p, n, &err), LL_OK);
}

/* The fixture with `from` replaced by `to` (of the same length in the weights) in one of its files. */
static void change(const char *fixture, const char *file, const char *from, const char *to)
{
    static const char *const files[] = {"config.json", "model.safetensors"};
    for (int i = 0; i < 2; i++) {
        struct ll_buf b = {0}, c = {0};
        struct ll_err err = {0};
        char path[512];
        snprintf(path, sizeof path, FIXTURES "%s/%s", fixture, files[i]);
        assert_int_equal(ll_file_read(path, 1 << 20, &b, &err), LL_OK);
        char *at = strcmp(file, files[i]) ? NULL : memmem(b.s, b.len, from, strlen(from));
        assert_true(at || strcmp(file, files[i]));
        size_t before = at ? (size_t)(at - b.s) : b.len, skip = at ? strlen(from) : 0;
        ll_buf_add(&c, b.s, before);
        ll_buf_adds(&c, at ? to : "");
        ll_buf_add(&c, b.s + before + skip, b.len - before - skip);
        put(files[i], c.s, c.len);
        ll_buf_free(&b), ll_buf_free(&c);
    }
}

static void refused(int code, const char *what)
{
    struct ll_model *m = NULL;
    struct ll_err err = {0};
    int rc = ll_model_open(&m, folder, &err);
    if (rc != code || !strstr(err.msg, what))
        fail_msg("expected %d and \"%s\", found %d: %s", code, what, rc, err.msg);
}

static void bad_ones(void **state)
{
    static const struct {
        const char *fixture, *file, *from, *to;
        int code;
        const char *what;
    } rows[] = {
        {"gptq", "config.json", "\"gptq\"", "\"hqq\"", LL_EUNSUP, "method \"hqq\" is not supported"},
        {"gptq", "config.json", "\"quant_method\"", "\"other\"", LL_EUNSUP, "method \"unnamed\""},
        {"gptq", "config.json", "\"bits\": 4", "\"bits\": 3", LL_EUNSUP,
         "only 4 bits are supported, found 3"},
        {"gptq_act", "config.json", "gptq_v2", "marlin", LL_EUNSUP, "checkpoint_format: \"marlin\""},
        {"awq", "config.json", "\"gemm\"", "\"gemv\"", LL_EUNSUP, "version: \"gemv\""},
        {"awq", "config.json", "\"zero_point\": true", "\"zero_point\": false", LL_EUNSUP, "zero_point"},
        {"fp8_rows", "config.json", "float-quantized", "pack-quantized", LL_EUNSUP,
         "format: \"pack-quantized\""},
        {"gptq", "config.json", "\"group_size\": 16", "\"group_size\": 0", LL_EUSAGE, "found group_size 0"},
        {"gptq", "config.json", "\"group_size\": 16", "\"group_size\": 8", LL_EUSAGE,
         "expected one floating scale a group and output"},
        {"fp8_block", "config.json", "[\n   16,", "[\n   8,", LL_EUSAGE, "expected a scale for the matrix"},
        {"gptq", "model.safetensors", "o_proj.qzeros", "o_proj.pzeros", LL_EUSAGE,
         "o_proj.qweight: expected qzeros and scales beside it"},
        {"awq", "model.safetensors", "o_proj.scales", "o_proj.scalez", LL_EUSAGE, "found no scales"},
        {"fp8_block", "model.safetensors", "up_proj.weight_scale_inv", "up_proj.weight_scale_out", LL_EUSAGE,
         "expected a weight_scale"},
        {"gptq", "model.safetensors", "o_proj.g_idx\":{\"dtype\":\"I32\"",
         "o_proj.g_idx\":{\"dtype\":\"F32\"", LL_EUSAGE, "g_idx: expected I32"},
    };
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        change(rows[i].fixture, rows[i].file, rows[i].from, rows[i].to);
        refused(rows[i].code, rows[i].what);
    }
    /* a group that does not exist, in the data */
    struct ll_ckpt *c;
    struct ll_err err = {0};
    change("gptq_act", "config.json", "gptq_v2", "gptq_v2");
    assert_int_equal(ll_ckpt_open(&c, folder, &err), LL_OK);
    const struct ll_tensor *t = ll_ckpt_find(c, "model.layers.0.mlp.up_proj.weight");
    struct ll_buf all = {0};
    ll_buf_add(&all, c->files[0].map.data, c->files[0].map.size);
    all.s[t->packed->g_idx - c->files[0].map.data + 8] = 2;
    ll_ckpt_close(c);
    put("model.safetensors", all.s, all.len);
    refused(LL_EUSAGE, "up_proj.g_idx: value 2: expected a group in 0..1, found 2");
    ll_buf_free(&all);
    char cmd[64];
    snprintf(cmd, sizeof cmd, "rm -r '%s'", folder);
    assert_int_equal(system(cmd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_dequantised), cmocka_unit_test(joined),
                                       cmocka_unit_test(bad_ones)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
