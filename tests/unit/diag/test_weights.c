/* test_weights.c - the weights report: parts of fused, transposed, grouped and mixed layers against numpy
 * (float64) on the fixtures; the robust rule on the published column of Qwen2.5-0.5B; the scan against plain
 * sums, on any number of threads. Caught: rows of K taken for V, a grouped layout read as stacked, a
 * transposed split along the wrong side, an expert left out, a NaN that loses its place, an outlier rule that
 * divides by zero. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "weight_flags.h"
#include "weight_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODELS LL_SOURCE_DIR "/tests/fixtures/"
#define OK(call) \
    do { \
        struct ll_err err = {0}; \
        if (call) \
            fail_msg("%s: %s", #call, err.msg); \
    } while (0)

struct known {
    const char *model;
    int layer, part;
    int64_t n;
    double mean, std, min, max;
};
static const struct known knowns[] = {
    /* numpy, float64, from the safetensors files themselves */
    {"models/phi3_fused", 1, LL_WP_Q, 576, 0.021501554383171931, 0.31994464205165629, -1.0390625, 1.125},
    {"models/phi3_fused", 1, LL_WP_K, 576, 0.0043146080440945095, 0.32580547367944662, -0.84375, 0.86328125},
    {"models/phi3_fused", 1, LL_WP_V, 576, 0.0056601564089457197, 0.32534309012328982, -1.1171875,
     0.94921875},
    {"models/phi3_fused", 0, LL_WP_GATE, 768, 0.00078120020528634393, 0.32710990646614363, -0.87890625,
     1.15625},
    {"models/phi3_fused", 0, LL_WP_UP, 768, -0.019108812014261883, 0.3232608023248556, -0.8984375, 0.96875},
    {"models/gpt2_conv1d", 1, LL_WP_Q, 576, -0.001579564478662279, 0.32801153470678074, -1.1572265625,
     0.8837890625},
    {"models/gpt2_conv1d", 1, LL_WP_V, 576, 0.013854242033428617, 0.31589868412410721, -0.86376953125,
     1.138671875},
    {"models/gpt2_conv1d", 1, LL_WP_B_K, 24, -0.033789316813151039, 0.25684875285565567, -0.4228515625,
     0.56787109375},
    {"models/gpt2_conv1d", 0, LL_WP_DOWN, 960, 0.0078618769844373063, 0.1605887910733855, -0.49609375,
     0.51953125},
    {"models/falcon_groups", 2, LL_WP_Q, 576, -0.014056113031175401, 0.32646143122240712, -1.3125, 1.0234375},
    {"models/falcon_groups", 2, LL_WP_K, 192, -0.041168371836344399, 0.33222450360951356, -1, 0.76953125},
    {"models/falcon_groups", 2, LL_WP_V, 192, 0.014811833699544271, 0.3396598716508597, -0.8359375,
     0.87890625},
    {"models/mixtral_top2", 1, LL_WP_DOWN, 1536, 0.00078269808242718375, 0.24880240658044386, -0.84375,
     0.890625},
    /* of the same weights dequantised by the fixture's own script */
    {"quantized/gptq", 0, LL_WP_GATE, 1280, -0.0319230914116, 0.197901539079, -0.471435546875,
     0.41912841796875},
    {"quantized/awq", 0, LL_WP_GATE, 1280, -0.0283090472221, 0.287484308635, -0.89263916015625,
     0.76220703125},
    {"quantized/fp8_block", 0, LL_WP_GATE, 1280, -0.00225534119009, 0.173441975038, -0.959375262260437,
     0.8908484578132629},
};

static void scan_model(const char *path, int threads, struct ll_model **m, struct ll_weights *w)
{
    struct ll_engine *eng;
    OK(ll_model_open_settings(m, path, &err));
    OK(ll_engine_init(&eng, threads, &err));
    OK(ll_weights_find(w, *m, &err));
    OK(ll_weight_scan(w, eng, NULL, NULL, NULL, &err));
    ll_engine_free(eng);
}

static void parts_as_numpy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof knowns / sizeof *knowns; i++) {
        const struct known *k = &knowns[i];
        char path[512];
        struct ll_model *m;
        struct ll_weights w;
        snprintf(path, sizeof path, "%s%s", MODELS, k->model);
        scan_model(path, 2, &m, &w);
        const struct ll_tensor_stats *s = &w.layers[k->layer].cell[k->part].stats;
        const char *part = ll_weight_part(k->part)->name;
        if (s->n != k->n || w.layers[k->layer].cell[k->part].n != k->n)
            fail_msg("%s %s: %lld values", k->model, part, (long long)s->n);
        if (fabs(ll_tensor_mean(s) - k->mean) > 1e-9 || fabs(ll_tensor_std(s) - k->std) > 1e-9)
            fail_msg("%s %s: mean %.17g std %.17g", k->model, part, ll_tensor_mean(s), ll_tensor_std(s));
        if (fabs(s->min - k->min) > 1e-7 || fabs(s->max - k->max) > 1e-7
            || s->max_abs != fmax(-s->min, s->max))
            fail_msg("%s %s: min %.17g max %.17g", k->model, part, s->min, s->max);
        assert_int_equal(w.layers[k->layer].missing.len + w.layers[k->layer].wrong_shapes.len, 0);
        ll_weights_free(&w);
        ll_model_close(m);
    }
}

static void seeds_column(void **state)
{
    (void)state;
    static const double q_std[24] = {0.0667, 0.0287, 0.0256, 0.0230, 0.0231, 0.0221, 0.0229, 0.0229,
                                     0.0258, 0.0226, 0.0214, 0.0206, 0.0215, 0.0220, 0.0211, 0.0208,
                                     0.0249, 0.0219, 0.0211, 0.0216, 0.0216, 0.0213, 0.0212, 0.0220};
    double z[24];
    struct ll_robust of;
    OK(ll_robust_z(q_std, 24, z, &of, &err));
    assert_true(fabs(of.median - 0.0220) < 1e-12 && fabs(of.mad - 0.0009) < 1e-12);
    assert_true(fabs(z[0] - 33.5) < 0.01 && fabs(z[1] - 5.02) < 0.01 && fabs(z[2] - 2.698) < 0.001
                && fabs(z[22] + 0.5996) < 0.001 && fabs(z[23]) < 1e-9);
    int flagged = 0;
    for (int i = 0; i < 24; i++)
        flagged += fabs(z[i]) > LL_ROBUST_LIMIT;
    assert_int_equal(flagged, 2);
}

/* More than half are equal: the MAD is 0. */
static void mad_of_zero(void **state)
{
    (void)state;
    double v[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 7}, z[12];
    struct ll_robust of;
    OK(ll_robust_z(v, 12, z, &of, &err));
    assert_true(of.mad == 0 && z[0] == 0 && fabs(z[11] - 6 / (1.2533 * 0.5)) < 1e-9);
    v[11] = 1 + 1e-12; /* rounding is no deviation */
    OK(ll_robust_z(v, 12, z, &of, &err));
    assert_true(z[11] == 0);
    v[11] = NAN;
    OK(ll_robust_z(v, 12, z, &of, &err));
    assert_true(z[11] == 0 && of.median == 1);
    OK(ll_robust_z(v, 0, z, &of, &err));
}

/* The stretches against one value after the other. */
/* A tensor that only one layer has makes that layer another, whether the family reads it or not. */
static void one_extra_tensor(void **state)
{
    (void)state;
    struct ll_weight_layer layers[4] = {0};
    struct ll_weights w = {.n_layers = 3, .layers = layers};
    struct ll_weight_flags f;
    for (int l = 0; l < 3; l++)
        ll_buf_adds(&layers[l].extra, "attn.bias");
    OK(ll_weight_flags_find(&f, &w, &err));
    assert_true(!f.differs[0] && !f.differs[1] && !f.differs[2]);
    ll_weight_flags_free(&f);
    ll_buf_adds(&layers[1].extra, "; self_attn.q_proj.bias");
    OK(ll_weight_flags_find(&f, &w, &err));
    assert_true(!f.differs[0] && f.differs[1] && !f.differs[2]);
    ll_weight_flags_free(&f);
    for (int l = 0; l < 3; l++)
        ll_buf_free(&layers[l].extra);
}

static void scan_as_plain(void **state)
{
    (void)state;
    enum { N = 10007 };
    float *x = malloc(sizeof *x * N);
    struct ll_engine *eng;
    OK(ll_engine_init(&eng, 1, &err));
    unsigned u = 316;
    for (int i = 0; i < N; i++) {
        u = u * 1664525u + 1013904223u;
        x[i] = ((float)(u >> 8) / 8388608.0f - 1) * (i % 7 ? 1 : 1e-3f);
    }
    x[5] = 0;
    x[4100] = -0.0f;
    x[77] = 1e-41f;
    x[8200] = -3;
    for (int bad = 0; bad < 3; bad++) {
        struct ll_tensor_stats a, b;
        ll_tensor_stats_init(&a);
        ll_tensor_stats_init(&b);
        if (bad == 1)
            x[9001] = NAN;
        if (bad == 2)
            x[9000] = -INFINITY;
        ll_tensor_stats_add(&a, x, N);
        ll_scan_values(ll_engine_vec(eng), x, 4096, &b);
        ll_scan_values(ll_engine_vec(eng), x + 4096, N - 4096, &b);
        assert_true(a.n == b.n && a.min == b.min && a.max == b.max && a.max_abs == b.max_abs
                    && a.max_abs_at == b.max_abs_at && b.max_abs_at == 8200);
        assert_true(a.n_zero == 2 && b.n_zero == 2 && a.n_subnormal == 1 && b.n_subnormal == 1
                    && a.n_nan == b.n_nan && a.n_neg_inf == b.n_neg_inf);
        assert_int_equal(a.first_bad, b.first_bad);
        assert_true(fabs(a.sum - b.sum) < 1e-9 && fabs(a.sum_sq - b.sum_sq) < 1e-9);
    }
    ll_engine_free(eng);
    free(x);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    struct ll_model *m1, *m3;
    struct ll_weights a, b;
    scan_model(MODELS "models/falcon_groups", 1, &m1, &a);
    scan_model(MODELS "models/falcon_groups", 3, &m3, &b);
    for (int l = 0; l <= a.n_layers; l++)
        for (int p = 0; p < LL_N_WEIGHT_PARTS; p++)
            assert_memory_equal(&a.layers[l].cell[p].stats, &b.layers[l].cell[p].stats,
                                sizeof a.layers[l].cell[p].stats);
    ll_weights_free(&a);
    ll_weights_free(&b);
    ll_model_close(m1);
    ll_model_close(m3);
}

/* The shape of Qwen2.5-0.5B gives the published count: a settings-only model whose tensors are all there in
 * name. */
static void published_params(void **state)
{
    (void)state;
    long long d = 896, dh = 64, q = 14, kv = 2, f = 4864;
    long long n = d * q * dh + q * dh + 2 * (d * kv * dh + kv * dh) + q * dh * d + 3 * d * f + 2 * d;
    assert_int_equal(n, 14912384);
    struct ll_model *m;
    struct ll_weights w;
    scan_model(MODELS "models/qwen2_tied", 1, &m, &w);
    d = m->d_model, dh = m->d_head, q = m->n_heads, kv = m->n_kv_heads, f = m->d_mlp;
    n = d * q * dh + q * dh + 2 * (d * kv * dh + kv * dh) + q * dh * d + 3 * d * f + 2 * d;
    for (int l = 0; l < w.n_layers; l++)
        assert_int_equal(w.layers[l].params, n);
    ll_weights_free(&w);
    ll_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_as_numpy),   cmocka_unit_test(seeds_column),
        cmocka_unit_test(mad_of_zero),      cmocka_unit_test(one_extra_tensor),
        cmocka_unit_test(scan_as_plain),    cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(published_params),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
