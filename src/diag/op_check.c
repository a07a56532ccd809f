/* op_check.c - see op_check.h. An operation is a row of ops[]: what it computes, and the same in double. */
#include "op_check.h"

#include "double_policy.h"
#include "head_pass.h"
#include "op_inputs.h"
#include "ops.h"
#include "rope.h"
#include "sha256.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const ll_op_sets[LL_OP_SETS] = {"seeded", "adversarial"};

enum { POS = 33, HEADS = 4, KV = 2, DH = 32, DQ = HEADS * DH, DKV = KV * DH }; /* attention, rotary */
enum { M = 5, N = 70, K = 1040 };                                              /* matmul */
enum { ROWS = 7, D = 896 };                                                    /* norm */
enum { ACT = 5000 };                                                           /* silu * up */
enum { VOCAB = 2500, DE = 256, XE = 3 };                                       /* unembedding */
enum { BLOCKS = 64, N_TYPES = 3 };                                             /* stored types */
enum { FLOATS = VOCAB * DE };                                                  /* the largest input */

struct ctx {
    const struct ll_model *m; /* NULL: none */
    const int *ids;
    int n_ids;
    int set;
    struct ll_engine *eng;
    float *a, *b, *c;                   /* inputs, FLOATS each */
    uint8_t *raw;                       /* weights as stored */
    const struct ll_pass_ops *pass_ops; /* of passes; NULL: plain */
    struct ll_err *err;
};

struct op {
    const char *name;
    double limit; /* of the error; 0: exact */
    int needs_model;
    size_t (*size)(const struct ctx *c); /* floats of the result */
    int (*run)(struct ctx *c, float *out);
    double (*error)(const struct ctx *c, const float *out); /* NULL: no known answer */
};

/* added to a scale: below the normal range of float an error is absolute, 2^-150, and is
 * multiplied by what follows */
#define TINY 1e-37

static double worst(double a, double b) { return b > a || isnan(b) ? b : a; }

/* ---- matmul, unembedding --------------------------------------------------------------------- */

static uint16_t bf16_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return (uint16_t)(u >> 16);
}
static double bf16_value(const uint8_t *raw, size_t i)
{
    uint32_t u = (uint32_t)(raw[2 * i] | raw[2 * i + 1] << 8) << 16;
    float f;
    memcpy(&f, &u, 4);
    return (double)f;
}

/* n values of b as BF16 at raw, by cutting. */
static void store_bf16(struct ctx *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t h = bf16_bits(c->b[i]);
        memcpy(c->raw + 2 * i, &h, 2);
    }
}

static double product_error(const struct ctx *c, const float *out, int m, int n, int k)
{
    double e = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0, scale = TINY;
            for (int x = 0; x < k; x++) {
                double p = (double)c->a[i * k + x] * bf16_value(c->raw, (size_t)j * (size_t)k + (size_t)x);
                sum += p;
                scale += fabs(p);
            }
            e = worst(e, fabs((double)out[i * n + j] - sum) / scale);
        }
    return e;
}

static size_t matmul_size(const struct ctx *c)
{
    (void)c;
    return M * N;
}
static int matmul_run(struct ctx *c, float *out)
{
    store_bf16(c, N * K);
    struct ll_mat w = {.type = LL_BF16, .data = c->raw, .row_bytes = 2 * K, .n = N, .k = K};
    ll_linear(c->eng, &w, c->a, K, M, NULL, out, N);
    return LL_OK;
}
static double matmul_error(const struct ctx *c, const float *out) { return product_error(c, out, M, N, K); }

static void keep_tile(void *arg, int tid, int task, int v0, int n, int r0, int m, float *y, long ldy)
{
    float *out = arg;
    (void)tid, (void)task;
    for (int r = 0; r < m; r++)
        memcpy(out + (size_t)(r0 + r) * VOCAB + v0, y + r * ldy, sizeof *y * (size_t)n);
}

static size_t unembed_size(const struct ctx *c)
{
    (void)c;
    return XE * VOCAB;
}
static int unembed_run(struct ctx *c, float *out)
{
    static const int chunks[] = {0, XE};
    store_bf16(c, (size_t)VOCAB * DE);
    struct ll_mat w = {.type = LL_BF16, .data = c->raw, .row_bytes = 2 * DE, .n = VOCAB, .k = DE};
    ll_walk(c->eng, &w, c->a, DE, chunks, 1, keep_tile, out);
    return LL_OK;
}
static double unembed_error(const struct ctx *c, const float *out)
{
    return product_error(c, out, XE, VOCAB, DE);
}

/* ---- attention, softmax ---------------------------------------------------------------------- */

/* Queries and keys of the adversarial set are made small, so that softmax stays well conditioned. */
static void make_qkv(const struct ctx *c)
{
    for (size_t i = 0; c->set && i < POS * DQ; i++)
        c->a[i] *= 0x1p-14f;
    for (size_t i = 0; c->set && i < POS * DKV; i++)
        c->b[i] *= 0x1p-14f;
}

static struct ll_attn attention_of(const struct ctx *c)
{
    return (struct ll_attn){.n_pos = POS,
                            .n_heads = HEADS,
                            .n_kv_heads = KV,
                            .d_head = DH,
                            .scale = 0.17677669f,
                            .q = c->a,
                            .k = c->b,
                            .v = c->c,
                            .ldq = DQ,
                            .ldkv = DKV,
                            .ldz = DQ};
}

static size_t attention_size(const struct ctx *c)
{
    (void)c;
    return POS * DQ;
}
static int attention_run(struct ctx *c, float *out)
{
    struct ll_attn a = attention_of(c);
    a.z = out;
    ll_attention(c->eng, &a);
    return LL_OK;
}
static double attention_error(const struct ctx *c, const float *out)
{
    double e = 0, p[POS];
    for (int h = 0; h < HEADS; h++)
        for (int t = 0; t < POS; t++) {
            double max = -INFINITY, sum = 0;
            for (int s = 0; s <= t; s++) {
                p[s] = 0;
                for (int i = 0; i < DH; i++)
                    p[s] += (double)c->a[t * DQ + h * DH + i] * (double)c->b[s * DKV + h / 2 * DH + i];
                p[s] *= (double)0.17677669f;
                max = p[s] > max ? p[s] : max;
            }
            for (int s = 0; s <= t; s++)
                sum += p[s] = ll_exp(p[s] - max);
            for (int i = 0; i < DH; i++) {
                double z = 0, scale = TINY;
                for (int s = 0; s <= t; s++) {
                    double x = p[s] / sum * (double)c->c[s * DKV + h / 2 * DH + i];
                    z += x;
                    scale += fabs(x);
                }
                e = worst(e, fabs((double)out[t * DQ + h * DH + i] - z) / scale);
            }
        }
    return e;
}

static size_t softmax_size(const struct ctx *c)
{
    (void)c;
    return HEADS * POS * POS;
}
static int softmax_run(struct ctx *c, float *out)
{
    struct ll_attn a = attention_of(c);
    a.scores_in = c->a;
    a.pattern_out = out;
    ll_attention(c->eng, &a);
    return LL_OK;
}
static double softmax_error(const struct ctx *c, const float *out)
{
    double e = 0;
    for (int r = 0; r < HEADS * POS; r++) {
        double max = -INFINITY, sum = 0;
        const float *x = c->a + r * POS;
        for (int s = 0; s < POS; s++)
            max = (double)x[s] > max ? (double)x[s] : max;
        for (int s = 0; s < POS; s++)
            sum += ll_exp((double)x[s] - max);
        for (int s = 0; s < POS; s++)
            e = worst(e, fabs((double)out[r * POS + s] - ll_exp((double)x[s] - max) / sum));
    }
    return e;
}

/* ---- rotary, norm, activation ---------------------------------------------------------------- */

static const float freq[DH / 2] = {1.0f,   0.56234133f,    0.31622776f,    0.17782794f,
                                   0.1f,   0.056234132f,   0.031622775f,   0.017782794f,
                                   0.01f,  0.0056234132f,  0.0031622776f,  0.0017782794f,
                                   0.001f, 0.00056234133f, 0.00031622776f, 0.00017782794f};
static struct ll_rope rope_of(void)
{
    return (struct ll_rope){.inv_freq = (float *)(uintptr_t)freq, .d_rot = DH, .attn_factor = 1};
} /* read only */

struct rows {
    const struct ctx *c;
    float *out;
    const float *cos, *sin;
};

static void rotate_some(void *arg, int p0, int p1)
{
    struct rows *j = arg;
    struct ll_rope rope = rope_of();
    for (int p = p0; p < p1; p++)
        ll_rope_apply(&rope, j->out + p * DQ, HEADS, DH, j->cos + p * (DH / 2), j->sin + p * (DH / 2));
}

static size_t rotary_size(const struct ctx *c)
{
    (void)c;
    return POS * DQ;
}
static int rotary_run(struct ctx *c, float *out)
{
    float cosines[POS * DH / 2], sines[POS * DH / 2];
    struct ll_rope rope = rope_of();
    struct rows j = {c, out, cosines, sines};
    ll_rope_table(&rope, 0, POS, cosines, sines);
    memcpy(out, c->a, sizeof *out * POS * DQ);
    ll_engine_rows(c->eng, POS, rotate_some, &j);
    return LL_OK;
}
static double rotary_error(const struct ctx *c, const float *out)
{
    double e = 0;
    for (int p = 0; p < POS; p++)
        for (int h = 0; h < HEADS; h++)
            for (int i = 0; i < DH / 2; i++) {
                size_t at = (size_t)(p * DQ + h * DH + i);
                double angle = (double)((float)p * freq[i]), x = (double)c->a[at],
                       y = (double)c->a[at + DH / 2], r = sqrt(x * x + y * y) + TINY;
                e = worst(e, fabs((double)out[at] - (x * cos(angle) - y * sin(angle))) / r);
                e = worst(e, fabs((double)out[at + DH / 2] - (y * cos(angle) + x * sin(angle))) / r);
            }
    return e;
}

static size_t norm_size(const struct ctx *c)
{
    (void)c;
    return ROWS * D;
}
static int norm_run(struct ctx *c, float *out)
{
    struct ll_norm norm = {.w = c->b, .d = D, .eps = 1e-5f, .kind = LL_NORM_RMS};
    ll_norm_rows(c->eng, &norm, ll_rows(c->a, ROWS, D), ll_rows(out, ROWS, D), NULL);
    return LL_OK;
}
static double norm_error(const struct ctx *c, const float *out)
{
    double e = 0;
    for (int r = 0; r < ROWS; r++) {
        double sq = 0;
        for (int i = 0; i < D; i++)
            sq += (double)c->a[r * D + i] * (double)c->a[r * D + i];
        double rms = sqrt(sq / D + (double)1e-5f);
        for (int i = 0; i < D; i++) {
            double y = (double)c->a[r * D + i] / rms * (double)c->b[i];
            e = worst(e, fabs((double)out[r * D + i] - y) / (fabs(y) + TINY * (1 + fabs((double)c->b[i]))));
        }
    }
    return e;
}

static void act_some(void *arg, int i0, int i1)
{
    struct rows *j = arg;
    const struct ll_vec *vec = ll_engine_vec(j->c->eng);
    vec->silu(j->out + i0, j->c->a + i0, (size_t)(i1 - i0));
    vec->mul(j->out + i0, j->out + i0, j->c->b + i0, (size_t)(i1 - i0));
}

static size_t act_size(const struct ctx *c)
{
    (void)c;
    return ACT;
}
static int act_run(struct ctx *c, float *out)
{
    struct rows j = {c, out, NULL, NULL};
    ll_engine_rows(c->eng, ACT, act_some, &j);
    return LL_OK;
}
static double act_error(const struct ctx *c, const float *out)
{
    double e = 0;
    for (int i = 0; i < ACT; i++) {
        double x = (double)c->a[i], y = x / (1 + ll_exp(-x)) * (double)c->b[i];
        e = worst(e, fabs((double)out[i] - y) / (fabs(y) + TINY * (1 + fabs((double)c->b[i]))));
    }
    return e;
}

/* ---- dequantisation -------------------------------------------------------------------------- */

/* BLOCKS runs of 256 values of each type; scales are halves of moderate size. */
static const struct {
    enum ll_dtype type;
    int scale_at;
} types[N_TYPES] = {{LL_Q4_0, 0}, {LL_Q8_0, 0}, {LL_Q6_K, 208}};

static size_t run_bytes(int t)
{
    const struct ll_dtype_info *i = ll_dtype_info(types[t].type);
    return (size_t)(256 / i->block) * (size_t)i->block_bytes;
}

static void make_blocks(const struct ctx *c)
{
    uint32_t state = LL_OP_SEED + (uint32_t)c->set;
    uint8_t *at = c->raw;
    for (int t = 0; t < N_TYPES; t++) {
        size_t bytes = BLOCKS * run_bytes(t), step = (size_t)ll_dtype_info(types[t].type)->block_bytes;
        for (size_t i = 0; i < bytes; i++)
            at[i] = (uint8_t)(ll_op_bits(&state) >> 11);
        for (size_t b = 0; b < bytes;
             b += step) { /* any finite half; the seeded ones of magnitude 2^-7 .. 2 */
            uint16_t h = (uint16_t)((ll_op_bits(&state) & 0x83ff)
                                    | (c->set ? ll_op_bits(&state) % 31 : 8 + ll_op_bits(&state) % 8) << 10);
            memcpy(at + b + types[t].scale_at, &h, 2);
        }
        at += bytes;
    }
}

static void dequant_some(void *arg, int r0, int r1)
{
    struct rows *j = arg;
    for (int r = r0; r < r1; r++) {
        const uint8_t *at = j->c->raw;
        int t = r / BLOCKS;
        for (int k = 0; k < t; k++)
            at += BLOCKS * run_bytes(k);
        ll_dtype_info(types[t].type)->to_f32(at + (size_t)(r % BLOCKS) * run_bytes(t), j->out + 256 * r, 256);
    }
}

static size_t dequant_size(const struct ctx *c)
{
    (void)c;
    return 256 * BLOCKS * N_TYPES;
}
static int dequant_run(struct ctx *c, float *out)
{
    struct rows j = {c, out, NULL, NULL};
    make_blocks(c);
    ll_engine_rows(c->eng, BLOCKS * N_TYPES, dequant_some, &j);
    return LL_OK;
}

/* A half by its definition, in double. */
static double half_value(const uint8_t *p)
{
    int u = p[0] | p[1] << 8, e = u >> 10 & 31, m = u & 1023;
    double v = e ? (1024 + m) * 0x1p-25 : m * 0x1p-24;
    for (int i = 0; i < e; i++)
        v *= 2;
    return u & 0x8000 ? -v : v;
}

static double q4_0_value(const uint8_t *b, int i)
{
    return half_value(b) * ((i < 16 ? b[2 + i] & 15 : b[2 + i - 16] >> 4) - 8);
}
static double q8_0_value(const uint8_t *b, int i) { return half_value(b) * (int8_t)b[2 + i]; }
static double q6_k_value(const uint8_t *b, int i)
{
    int h = i / 128, j = i % 128 / 32, l = i % 32;
    int low = b[64 * h + 32 * (j & 1) + l], high = b[128 + 32 * h + l] >> 2 * j & 3;
    int q = ((j < 2 ? low & 15 : low >> 4) | high << 4) - 32;
    return half_value(b + 208) * (int8_t)b[192 + 8 * h + 2 * j + l / 16] * q;
}

static double dequant_error(const struct ctx *c, const float *out)
{
    static double (*const value[N_TYPES])(const uint8_t *, int) = {q4_0_value, q8_0_value, q6_k_value};
    const uint8_t *at = c->raw;
    double e = 0;
    for (int t = 0; t < N_TYPES; t++) {
        const struct ll_dtype_info *info = ll_dtype_info(types[t].type);
        for (int i = 0; i < 256 * BLOCKS; i++)
            e = worst(e,
                      fabs((double)out[256 * BLOCKS * t + i]
                           - value[t](at + (size_t)(i / info->block) * (size_t)info->block_bytes,
                                      i % info->block)));
        at += BLOCKS * run_bytes(t);
    }
    return e;
}

/* ---- with a model ---------------------------------------------------------------------------- */

static int pass_over(struct ctx *c, int to, float *out)
{
    struct ll_pass pass = {0};
    int start[2] = {0, c->n_ids};
    struct ll_batch batch = {1, start, c->ids};
    size_t n = (size_t)c->n_ids * (size_t)c->m->d_model;
    int rc = ll_pass_init(&pass, &(struct ll_pass_plan){c->m, c->n_ids, c->n_ids, NULL, 0}, c->eng, c->err);
    if (c->pass_ops)
        pass.ops = c->pass_ops;
    if (!rc && !(rc = ll_forward(&pass, &batch, 0, to, c->err)))
        memcpy(out, to == c->m->n_layers ? pass.final : pass.resid, sizeof *out * n);
    ll_pass_free(&pass);
    return rc;
}

static size_t layer_size(const struct ctx *c) { return (size_t)c->n_ids * (size_t)c->m->d_model; }
static int layer_run(struct ctx *c, float *out) { return pass_over(c, 1, out); }
/* |out - reference| / |reference| of n values, the reference with float64 products; NAN when it could not be
 * made. */
static double far_from_double(const struct ctx *c, int to, const float *out, size_t n)
{
    struct ll_double_policy policy;
    struct ctx other = *c;
    float *want = malloc(sizeof *want * n);
    double d = 0, s = 0;
    ll_double_policy_init(&policy);
    other.pass_ops = &policy.ops;
    int good = want && !pass_over(&other, to, want) && !policy.no_memory;
    for (size_t i = 0; i < n && good; i++) {
        d += ((double)out[i] - (double)want[i]) * ((double)out[i] - (double)want[i]);
        s += (double)want[i] * (double)want[i];
    }
    free(want);
    return good ? sqrt(d) / (sqrt(s) + TINY) : NAN;
}

static double layer_error(const struct ctx *c, const float *out)
{
    return far_from_double(c, 1, out, layer_size(c));
}
static double pass_error(const struct ctx *c, const float *out)
{
    return far_from_double(c, c->m->n_layers, out, layer_size(c));
}
static size_t pass_size(const struct ctx *c)
{
    return (size_t)c->n_ids * (size_t)c->m->d_model + (size_t)c->m->d_vocab;
}
static int pass_run(struct ctx *c, float *out)
{
    size_t n = (size_t)c->n_ids * (size_t)c->m->d_model;
    int rc = pass_over(c, c->m->n_layers, out);
    if (!rc)
        ll_head_logits(c->m, c->eng, out + n - (size_t)c->m->d_model, out + n);
    return rc;
}

/* Limits of products: the roundings of a chain, the tree and the blocks, half an ulp each; the others: a few
 * roundings. */
static const struct op ops[] = {
    {"matmul", 70 * 0x1p-24, 0, matmul_size, matmul_run, matmul_error},
    {"attention products", 2e-6, 0, attention_size, attention_run, attention_error},
    {"softmax", 1e-6, 0, softmax_size, softmax_run, softmax_error},
    {"rotary", 4e-7, 0, rotary_size, rotary_run, rotary_error},
    {"RMSNorm", 4e-7, 0, norm_size, norm_run, norm_error},
    {"silu * up", 6e-7, 0, act_size, act_run, act_error},
    {"unembedding", 21 * 0x1p-24, 0, unembed_size, unembed_run, unembed_error},
    {"dequantisation", 0, 0, dequant_size, dequant_run, dequant_error},
    {"whole layer", 1e-5, 1, layer_size, layer_run, layer_error},
    {"whole pass", 1e-4, 1, pass_size, pass_run,
     pass_error}, /* errors of a layer spread through the others */
};
enum { N_OPS = sizeof ops / sizeof *ops };

/* ---- runs ------------------------------------------------------------------------------------ */

static void make_inputs(struct ctx *c)
{
    ll_op_fill(c->a, FLOATS, c->set, LL_OP_SEED);
    ll_op_fill(c->b, FLOATS, c->set, LL_OP_SEED + 1);
    ll_op_fill(c->c, FLOATS, c->set, LL_OP_SEED + 2);
}

static void compare(const float *first, const float *now, size_t n, struct ll_op_result *r)
{
    if (!memcmp(first, now, n * sizeof *now))
        return;
    for (size_t i = 0; i < n; i++)
        if (memcmp(&first[i], &now[i], sizeof *now)) {
            double d = fabs((double)first[i] - (double)now[i]);
            r->n_diff++;
            r->max_diff = d > r->max_diff || isnan(d) ? d : r->max_diff;
        }
}

/* One operation with one number of threads; first: the result to compare with, made here when is_first. */
static int repeat(struct ctx *c, const struct op *op, int runs, float *first, float *now, int is_first,
                  struct ll_op_result *r)
{
    size_t n = op->size(c);
    struct ll_sha256 sha;
    int rc = LL_OK;
    r->n = (long long)n;
    for (int i = 0; i < runs && !rc; i++) {
        float *out = is_first && !i ? first : now;
        if ((rc = op->run(c, out)))
            break;
        if (!i) {
            ll_sha256_init(&sha);
            ll_sha256_add(&sha, out, n * sizeof *out);
            ll_sha256_hex(&sha, r->sha256);
            if (is_first)
                r->error = op->error ? op->error(c, out) : NAN;
        }
        compare(first, out, n, r);
    }
    r->deterministic = !rc && !r->n_diff;
    return rc;
}

/* The engines that everything runs on: one, two and all threads. */
struct engines {
    struct ll_engine *eng[3];
    int threads[3], n;
};

static int check_op(struct ctx *c, const struct op *op, const struct engines *e, int runs,
                    struct ll_op_result *results, int *n_results)
{
    size_t n = op->size(c);
    float *first = malloc(sizeof *first * n), *now = malloc(sizeof *now * n);
    int rc = first && now ? LL_OK : ll_fail_mem(c->err, op->name, 2 * sizeof *now * n);
    make_inputs(c);
    if (op->run == attention_run)
        make_qkv(c);
    for (int i = 0; i < e->n && !rc; i++) {
        struct ll_op_result *r = &results[(*n_results)++];
        *r = (struct ll_op_result){.op = op->name,
                                   .set = op->needs_model ? "tokens" : ll_op_sets[c->set],
                                   .threads = e->threads[i],
                                   .runs = runs,
                                   .limit = op->error ? op->limit : NAN,
                                   .error = NAN};
        c->eng = e->eng[i];
        rc = repeat(c, op, runs, first, now, i == 0, r);
        if (i) /* of the same bits, or found to differ */
            r->error = r[-1].error;
    }
    if (rc && *n_results) /* the one that could not be run */
        --*n_results;
    free(first);
    free(now);
    return rc;
}

static int check_all(struct ctx *c, const struct ll_op_job *job, const struct engines *e,
                     struct ll_op_result *results, int *n_results)
{
    int rc = LL_OK;
    for (int i = 0; i < N_OPS && !rc; i++)
        for (c->set = 0; c->set < (ops[i].needs_model ? 1 : LL_OP_SETS) && !rc; c->set++) {
            if (!ops[i].needs_model || c->m)
                rc = check_op(c, &ops[i], e, job->runs, results, n_results);
            if (job->progress)
                job->progress(job->progress_arg, (i + 1.0) / N_OPS);
        }
    return rc;
}

int ll_op_check(const struct ll_op_job *job, struct ll_op_result *results, int *n_results, struct ll_err *err)
{
    struct engines e = {.threads = {1, 2, ll_cpu_count()}};
    struct ctx c = {.m = job->model, .ids = job->ids, .n_ids = job->n_ids, .err = err};
    int rc = LL_OK;
    e.n = e.threads[2] > 2 ? 3 : 2;
    *n_results = 0;
    c.a = malloc(sizeof *c.a * FLOATS);
    c.b = malloc(sizeof *c.b * FLOATS);
    c.c = malloc(sizeof *c.c * FLOATS);
    c.raw = malloc(2 * FLOATS);
    if (!c.a || !c.b || !c.c || !c.raw)
        rc = ll_fail_mem(err, "inputs", sizeof *c.a * FLOATS);
    for (int i = 0; i < e.n && !rc; i++)
        if (!(rc = ll_engine_init(&e.eng[i], e.threads[i], err)))
            rc = ll_engine_reserve(e.eng[i], 64, K, POS, DH, err);
    if (!rc)
        rc = check_all(&c, job, &e, results, n_results);
    for (int i = 0; i < 3; i++)
        ll_engine_free(e.eng[i]);
    free(c.a);
    free(c.b);
    free(c.c);
    free(c.raw);
    return rc;
}
