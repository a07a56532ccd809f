/* quant_check.c - see quant_check.h. Layouts: quants.h. The files to refuse are made here, a header and a few
 * bytes each. */
#include "quant_check.h"

#include "gguf.h"
#include "half.h"
#include "op_inputs.h"
#include "quants.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- quantising ------------------------------------------------------------------------------ */

/* The half nearest to d among those of magnitude |d| and more. */
static uint16_t half_away(float d)
{
    uint16_t h = ll_float_to_f16(d);
    return fabsf(ll_f16_to_float(h)) < fabsf(d) ? (uint16_t)(h + 1) : h;
}

static int clamp(float v, int lo, int hi) { return v < (float)lo ? lo : v > (float)hi ? hi : (int)v; }
static int nearest(float v, int lo, int hi) { return clamp(floorf(v + 0.5f), lo, hi); }

static float of_largest_magnitude(const float *x, int n)
{
    float top = 0;
    for (int i = 0; i < n; i++)
        top = fabsf(x[i]) > fabsf(top) ? x[i] : top;
    return top;
}

void ll_quantise_q4_0(const float x[32], uint8_t out[18])
{
    uint16_t h = half_away(of_largest_magnitude(x, 32) / -8);
    float d = ll_f16_to_float(h);
    memcpy(out, &h, 2);
    for (int i = 0; i < 16; i++) {
        int lo = d != 0 ? nearest(x[i] / d, -8, 7) : 0, hi = d != 0 ? nearest(x[i + 16] / d, -8, 7) : 0;
        out[2 + i] = (uint8_t)((lo + 8) | (hi + 8) << 4);
    }
}

/* 256 values -> 210 bytes, the scale rounded as in Q4_0: |value - dequantised| <= |d * scale|. */
static void quantise_q6_k(const float x[256], uint8_t out[210])
{
    float want[16], top;
    for (int j = 0; j < 16; j++)
        want[j] = of_largest_magnitude(x + 16 * j, 16) / -32;
    top = of_largest_magnitude(want, 16);
    uint16_t h = half_away(top / -127);
    float d = ll_f16_to_float(h);
    memset(out, 0, 208);
    memcpy(out + 208, &h, 2);
    for (int i = 0; i < 256 && d != 0; i++) {
        float s = want[i / 16] / d; /* away from zero: never too small a step */
        int scale = s < 0 ? clamp(floorf(s), -128, 0) : clamp(ceilf(s), 0, 127);
        int q = (scale ? nearest(x[i] / (d * (float)scale), -32, 31) : 0) + 32, half = i / 128,
            j = i % 128 / 32, l = i % 32;
        out[192 + i / 16] = (uint8_t)scale;
        out[64 * half + 32 * (j & 1) + l] |= (uint8_t)((q & 15) << (j < 2 ? 0 : 4));
        out[128 + 32 * half + l] |= (uint8_t)(q >> 4 << 2 * j);
    }
}

/* ---- vectors --------------------------------------------------------------------------------- */

static struct ll_quant_check *add(struct ll_quant_check *out, int *n, const char *name, int good)
{
    struct ll_quant_check *c = &out[(*n)++];
    *c = (struct ll_quant_check){.name = name, .good = good};
    return c;
}

static void vector_q4_0(struct ll_quant_check *out, int *n)
{
    static const uint8_t block[18] = {0x00, 0x38, 0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69,
                                      0x78, 0x87, 0x96, 0xa5, 0xb4, 0xc3, 0xd2, 0xe1, 0xf0};
    float v[32];
    int differ = 0;
    ll_q4_0_to_f32(block, v, 32);
    for (int i = 0; i < 16; i++)
        differ += (v[i] != 3.5f - 0.5f * (float)i) + (v[16 + i] != -4.0f + 0.5f * (float)i);
    snprintf(add(out, n, "Q4_0 vector", !differ)->detail, 200, "%d of 32 values differ", differ);
}

static void vector_q6_k(struct ll_quant_check *out, int *n)
{
    static const struct {
        int at;
        float v;
    } known[] = {{0, -8.0f},     {1, -0.5f},     {15, 8.5f},      {16, -7.0f},    {31, 7.4375f},
                 {32, 12.0f},    {47, -11.625f}, {48, 10.0f},     {63, -9.6875f}, {64, 8.0f},
                 {95, 2.8125f},  {96, 3.75f},    {127, -1.1875f}, {128, 0.0f},    {160, -4.0f},
                 {191, 5.8125f}, {192, 1.0f},    {224, 8.25f},    {255, 3.0625f}};
    uint8_t block[210];
    float v[256];
    double sum = 0, sq = 0, lo = 0, hi = 0;
    int differ = 0;
    for (int i = 0; i < 128; i++)
        block[i] = (uint8_t)i;
    for (int i = 0; i < 64; i++)
        block[128 + i] = (uint8_t)(7 * i + 3);
    for (int i = 0; i < 16; i++)
        block[192 + i] = (uint8_t)(i - 8);
    block[208] = 0x00;
    block[209] = 0x2c;
    ll_q6_k_to_f32(block, v, 256);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        differ += v[known[i].at] != known[i].v;
    for (int i = 0; i < 256; i++) {
        sum += (double)v[i];
        sq += (double)v[i] * (double)v[i];
        lo = fmin(lo, (double)v[i]);
        hi = fmax(hi, (double)v[i]);
    }
    int good = !differ && sum == 82.0 && lo == -14.0 && hi == 14.5 && sqrt(sq) == 82.78209347437404;
    snprintf(add(out, n, "Q6_K vector", good)->detail, 200,
             "%d of 19 known values differ; sum %.17g, min %g, max %g, L2 %.17g", differ, sum, lo, hi,
             sqrt(sq));
}

/* ---- back and forth -------------------------------------------------------------------------- */

enum { TRIPS = 2000 };

/* Both sets of inputs; worst error over its bound. */
static void trips_q4_0(struct ll_quant_check *out, int *n)
{
    double worst = 0;
    int minus_8 = 0, trips = 0;
    for (int t = 0; t < TRIPS; t++) {
        float x[32], y[32];
        uint8_t block[18];
        ll_op_fill(x, 32, t % 2, 1000u + (uint32_t)t);
        ll_quantise_q4_0(x, block);
        ll_q4_0_to_f32(block, y, 32);
        double d = fabs((double)ll_f16_to_float((uint16_t)(block[0] | block[1] << 8)));
        int top = 0;
        for (int i = 0; i < 32; i++) {
            worst = fmax(worst, fabs((double)x[i] - (double)y[i]) / (d > 0 ? d : 1));
            top = fabsf(x[i]) > fabsf(x[top]) ? i : top;
        }
        trips += d > 1e-4; /* below, a half's steps are coarse */
        minus_8 += d > 1e-4 && (top < 16 ? block[2 + top] & 15 : block[2 + top - 16] >> 4) == 0;
    }
    snprintf(add(out, n, "Q4_0 back and forth: error at most |d|", worst <= 1)->detail, 200,
             "%d blocks, worst error %.4f |d|", TRIPS, worst);
    snprintf(add(out, n, "Q4_0: the largest magnitude is stored as -8", minus_8 == trips)->detail, 200,
             "%d of %d blocks", minus_8, trips);
}

static void trips_q6_k(struct ll_quant_check *out, int *n)
{
    double worst = 0;
    for (int t = 0; t < TRIPS / 4; t++) {
        float x[256], y[256];
        uint8_t block[210];
        ll_op_fill(x, 256, t % 2, 5000u + (uint32_t)t);
        quantise_q6_k(x, block);
        ll_q6_k_to_f32(block, y, 256);
        double d = (double)ll_f16_to_float((uint16_t)(block[208] | block[209] << 8));
        for (int i = 0; i < 256; i++) {
            double step = fabs(d * (int8_t)block[192 + i / 16]), err = fabs((double)x[i] - (double)y[i]);
            worst = fmax(worst, step > 0 ? err / step : err > 0 ? INFINITY : 0);
        }
    }
    snprintf(add(out, n, "Q6_K back and forth: error at most |d * scale|", worst <= 1)->detail, 200,
             "%d blocks, worst error %.4f of a step", TRIPS / 4, worst);
}

/* ---- files to refuse ------------------------------------------------------------------------- */

struct file {
    uint8_t b[512];
    size_t n;
};

static void put(struct file *f, const void *p, size_t n)
{
    memcpy(f->b + f->n, p, n);
    f->n += n;
}

static void put_u64(struct file *f, uint64_t v) { put(f, &v, 8); }
static void put_u32(struct file *f, uint32_t v) { put(f, &v, 4); }

/* A GGUF file of one tensor "blk.0.w": so many values of a type, so many bytes of data. */
static void make_gguf(struct file *f, uint32_t type, uint64_t values, size_t data, uint16_t d)
{
    static const uint8_t zeros[64] = {0};
    memset(f, 0, sizeof *f);
    put(f, "GGUF", 4);
    put_u32(f, 3);
    put_u64(f, 1);
    put_u64(f, 0);
    put_u64(f, 7);
    put(f, "blk.0.w", 7);
    put_u32(f, 1);
    put_u64(f, values);
    put_u32(f, type);
    put_u64(f, 0);
    put(f, zeros, (32 - f->n % 32) % 32);
    size_t at = f->n;
    for (; data > 0; data -= data < 64 ? data : 64)
        put(f, zeros, data < 64 ? data : 64);
    if (f->n >= at + 2)
        memcpy(f->b + at, &d, 2);
}

/* What reading says: NULL when all is well, else the message. */
static const char *read_gguf(const struct file *f, struct ll_err *err, int64_t *nonfinite)
{
    struct ll_gguf *g = NULL;
    struct ll_tensor *t = NULL;
    int n = 0;
    *nonfinite = -1;
    memset(err, 0, sizeof *err);
    uint8_t *bytes = malloc(f->n); /* its own allocation: a read beyond the end shows */
    if (!bytes)
        return "no memory";
    memcpy(bytes, f->b, f->n);
    char *types = NULL;
    if (!ll_gguf_parse(&g, "made.gguf", bytes, f->n, err)
        && !ll_gguf_list(g, "made.gguf", &t, &n, &types, err) && n == 1) {
        *nonfinite = ll_tensor_nonfinite(&t[0]);
        if (t[0].opaque)
            ll_fail(err, LL_EUNSUP, "made.gguf: tensor %s: values stored as %s are not supported", t[0].name,
                    t[0].opaque);
    }
    free(types);
    free(t);
    ll_gguf_close(g);
    free(bytes);
    return err->code ? err->msg : NULL;
}

static void refusals(struct ll_quant_check *out, int *n)
{
    static const struct {
        const char *name;
        uint32_t type;
        uint64_t values;
        size_t data;
    } bad[] = {
        {"refused by name: values are no whole blocks", 2, 33, 36},
        {"refused by name: file shorter than its header says", 2, 64, 20},
        {"refused by name: unknown type number", 99, 32, 64},
    };
    struct file f;
    struct ll_err err;
    int64_t at;
    make_gguf(&f, 2, 64, 36, 0x3800);
    const char *said = read_gguf(&f, &err, &at);
    snprintf(add(out, n, "two blocks of Q4_0 are read", !said && at < 0)->detail, 200, "%s",
             said ? said : "64 values in 36 bytes");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        make_gguf(&f, bad[i].type, bad[i].values, bad[i].data, 0x3800);
        said = read_gguf(&f, &err, &at);
        snprintf(add(out, n, bad[i].name, said && strstr(said, "blk.0.w"))->detail, 200, "%.190s",
                 said ? said : "it was read");
    }
    static const struct {
        const char *name;
        uint16_t d;
    } scales[] = {{"found by name: a scale that is NaN", 0x7e00},
                  {"found by name: a scale that is infinite", 0x7c00}};
    for (int i = 0; i < 2; i++) {
        make_gguf(&f, 2, 64, 36, scales[i].d);
        said = read_gguf(&f, &err, &at);
        snprintf(add(out, n, scales[i].name, !said && at == 0)->detail, 200, "tensor blk.0.w, value %lld",
                 (long long)at);
    }
}

int ll_quant_check(struct ll_quant_check out[LL_QUANT_CHECKS])
{
    int n = 0;
    vector_q4_0(out, &n);
    vector_q6_k(out, &n);
    trips_q4_0(out, &n);
    trips_q6_k(out, &n);
    refusals(out, &n);
    return n;
}

/* ---- a checkpoint ---------------------------------------------------------------------------- */

int ll_count_blocks(const struct ll_ckpt *c, struct ll_block_count out[LL_N_DTYPES],
                    const struct ll_tensor **bad, int64_t *bad_at, const struct ll_tensor **other_size)
{
    int n = 0;
    *bad = *other_size = NULL;
    *bad_at = -1;
    for (int i = 0; i < c->n_tensors; i++) {
        const struct ll_tensor *t = &c->tensors[i];
        const struct ll_dtype_info *info = ll_dtype_info(t->dtype);
        long long values = 1;
        int k = 0;
        for (int d = 0; d < t->n_dims; d++)
            values *= t->dims[d];
        while (k < n && out[k].type != t->dtype)
            k++;
        if (k == n)
            out[n++] = (struct ll_block_count){.type = t->dtype};
        out[k].n_tensors++;
        out[k].n_values += values;
        out[k].n_blocks += values / info->block;
        if (!*other_size && !t->packed
            && (values % info->block
                || (size_t)(values / info->block) * (size_t)info->block_bytes != t->size))
            *other_size = t;
        int64_t at = *bad ? -1 : ll_tensor_nonfinite(t);
        if (at >= 0) {
            *bad = t;
            *bad_at = at;
        }
    }
    return n;
}
