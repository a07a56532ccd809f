/* packed_ckpt.c - see packed_ckpt.h and packed.h. What each method calls its tensors:
 *
 *   fp8, fbgemm_fp8, compressed-tensors (float-quantized)
 *          X.weight F8, and X.weight_scale or X.weight_scale_inv: one number, one a row ([n] or [n, 1]), or
 *          one a block of weight_block_size. Both are factors, not divisors.
 *   gptq   X.qweight I32 [k/8, n], X.qzeros I32 [groups, n/8], X.scales [groups, n], maybe X.g_idx I32 [k]
 *   awq    X.qweight I32 [k, n/8], X.qzeros I32 [groups, n/8], X.scales [groups, n]
 *
 * Activations are not quantised, even where the checkpoint has settings for it (input_scale): products are
 * float32. Sources: transformers' quantizers and integrations (finegrained_fp8, fbgemm_fp8), AutoGPTQ,
 * AutoAWQ. */
#include "packed_ckpt.h"
#include "str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG "quantization_config."

struct join {
    struct ll_ckpt *c;
    const struct ll_settings *s;
    struct ll_err *err;
    char *drop; /* [n_tensors] 1: a companion that was joined */
    int n;      /* struct ll_packed in use */
};

/* X.suffix beside t = X.own, or NULL. */
static const struct ll_tensor *beside(const struct join *j, const struct ll_tensor *t, const char *own,
                                      const char *suffix)
{
    char name[512];
    size_t stem = strlen(t->name) - strlen(own);
    if (stem + strlen(suffix) >= sizeof name)
        return NULL;
    memcpy(name, t->name, stem);
    strcpy(name + stem, suffix);
    return ll_ckpt_find(j->c, name);
}

static int bad(const struct join *j, const struct ll_tensor *t, const char *what)
{
    struct ll_buf found = {0};
    for (int i = 0; i < t->n_dims; i++)
        ll_buf_addf(&found, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
    int rc = ll_fail(j->err, LL_EUSAGE, "%s: tensor %.200s: expected %s, found %s [%s]",
                     j->c->files[t->file].name, t->name, what, ll_tensor_type(t), ll_buf_str(&found));
    ll_buf_free(&found);
    return rc;
}

static int is_scale_type(const struct ll_tensor *t)
{
    return t->dtype == LL_F32 || t->dtype == LL_F16 || t->dtype == LL_BF16 || t->dtype == LL_F8_E8M0;
}

static int has_shape(const struct ll_tensor *t, int64_t a, int64_t b)
{
    return t->n_dims == 2 && t->dims[0] == a && t->dims[1] == b;
}

static struct ll_packed *attach(struct join *j, struct ll_tensor *t, const struct ll_tensor *scales)
{
    struct ll_packed *p = &j->c->packed[j->n++];
    p->scales = scales->data;
    p->scale_type = scales->dtype;
    p->scale_bytes = scales->size;
    t->packed = p;
    j->drop[scales - j->c->tensors] = 1;
    return p;
}

/* ---- scaled ---------------------------------------------------------------------------------- */

static int join_scaled(struct join *j, struct ll_tensor *t)
{
    if ((t->dtype != LL_F8_E4M3 && t->dtype != LL_F8_E5M2) || !ll_ends_with(t->name, ".weight"))
        return LL_OK;
    const struct ll_tensor *s = beside(j, t, "weight", "weight_scale_inv");
    if (!s)
        s = beside(j, t, "weight", "weight_scale");
    if (!s)
        return ll_fail(j->err, LL_EUSAGE,
                       "%s: tensor %.200s: expected a weight_scale or weight_scale_inv beside it, found none",
                       j->c->files[t->file].name, t->name);
    if (t->n_dims != 2 || t->dims[0] > INT32_MAX || t->dims[1] > INT32_MAX || t->dims[0] < 1
        || t->dims[1] < 1)
        return bad(j, t, "a matrix");
    int64_t n = t->dims[0], k = t->dims[1], bn = ll_settings_int(j->s, CONFIG "weight_block_size.0", 128),
            bk = ll_settings_int(j->s, CONFIG "weight_block_size.1", 128);
    if (bn < 1 || bk < 1 || bn > INT32_MAX || bk > INT32_MAX)
        return ll_fail(j->err, LL_EUSAGE,
                       "config.json: quantization_config.weight_block_size: expected two positive numbers, "
                       "found %lld and %lld",
                       (long long)bn, (long long)bk);
    int one = s->size == (size_t)ll_dtype_info(s->dtype)->block_bytes;
    int rows = (s->n_dims == 1 && s->dims[0] == n) || has_shape(s, n, 1),
        blocks = has_shape(s, (n + bn - 1) / bn, (k + bk - 1) / bk);
    if (!is_scale_type(s) || (!one && !rows && !blocks))
        return bad(j, s, "a scale for the matrix, for each row, or for each block of weight_block_size");
    struct ll_packed *p = attach(j, t, s);
    p->kind = LL_SCALED;
    p->type = t->dtype;
    p->n = (int)n;
    p->k = (int)k;
    p->block_n = one ? (int)n : rows ? 1 : (int)bn;
    p->block_k = one || rows ? (int)k : (int)bk;
    return LL_OK;
}

/* ---- four bits ------------------------------------------------------------------------------- */

static int check_groups(const struct join *j, const struct ll_tensor *g_idx, int64_t groups)
{
    for (int64_t i = 0; i < g_idx->dims[0]; i++) {
        int32_t g;
        memcpy(&g, g_idx->data + 4 * i, 4);
        if (g < 0 || g >= groups)
            return ll_fail(j->err, LL_EUSAGE,
                           "%s: tensor %.200s: value %lld: expected a group in 0..%lld, found %d",
                           j->c->files[g_idx->file].name, g_idx->name, (long long)i, (long long)groups - 1,
                           g);
    }
    return LL_OK;
}

static int join_int4(struct join *j, struct ll_tensor *t, enum ll_packing kind, int zero_plus)
{
    if (!ll_ends_with(t->name, ".qweight"))
        return LL_OK;
    const struct ll_tensor *zeros = beside(j, t, "qweight", "qzeros"),
                           *scales = beside(j, t, "qweight", "scales"),
                           *g_idx = kind == LL_GPTQ ? beside(j, t, "qweight", "g_idx") : NULL;
    if (!zeros || !scales || beside(j, t, "qweight", "weight"))
        return ll_fail(j->err, LL_EUSAGE,
                       "%s: tensor %.200s: expected qzeros and scales beside it and no weight, found %s",
                       j->c->files[t->file].name, t->name,
                       !zeros        ? "no qzeros"
                           : !scales ? "no scales"
                                     : "a weight");
    if (t->n_dims != 2 || t->dtype != LL_I32 || t->dims[0] < 1 || t->dims[1] < 1 || t->dims[0] > INT32_MAX / 8
        || t->dims[1] > INT32_MAX / 8)
        return bad(j, t, "a matrix of I32");
    int64_t n = t->dims[1] * (kind == LL_AWQ ? 8 : 1), k = t->dims[0] * (kind == LL_GPTQ ? 8 : 1),
            group = ll_settings_int(j->s, CONFIG "group_size", -1);
    if (group == -1)
        group = k;
    if (group < 1 || group > INT32_MAX || n % 8)
        return ll_fail(j->err, LL_EUSAGE,
                       "%s: tensor %.200s: expected a positive group_size and outputs in eights, found "
                       "group_size %lld and %lld outputs",
                       j->c->files[t->file].name, t->name, (long long)group, (long long)n);
    int64_t groups = (k + group - 1) / group;
    if (scales->n_dims != 2 || !is_scale_type(scales) || !has_shape(scales, groups, n))
        return bad(j, scales, "one floating scale a group and output");
    if (zeros->dtype != LL_I32 || !has_shape(zeros, groups, n / 8))
        return bad(j, zeros, "I32, one word a group and eight outputs");
    if (g_idx && (g_idx->dtype != LL_I32 || g_idx->n_dims != 1 || g_idx->dims[0] != k))
        return bad(j, g_idx, "I32, one group number an input");
    int rc = g_idx ? check_groups(j, g_idx, groups) : LL_OK;
    if (rc)
        return rc;
    struct ll_packed *p = attach(j, t, scales);
    p->kind = kind;
    p->n = (int)n;
    p->k = (int)k;
    p->block_k = (int)group;
    p->zeros = zeros->data;
    p->zero_plus = zero_plus;
    j->drop[zeros - j->c->tensors] = 1;
    if (g_idx) {
        p->g_idx = g_idx->data;
        j->drop[g_idx - j->c->tensors] = 1;
    }
    t->dtype = kind == LL_GPTQ ? LL_INT4_GPTQ : LL_INT4_AWQ;
    t->dims[0] = n;
    t->dims[1] = k;
    return LL_OK;
}

/* A setting that must be one of a few words, "" standing for its absence. */
static int only(const struct join *j, const char *key, const char *const *words)
{
    const char *found = ll_settings_str(j->s, key, "");
    for (int i = 0; words[i]; i++)
        if (!strcmp(found, words[i]))
            return LL_OK;
    return ll_fail(j->err, LL_EUNSUP, "config.json: %s: \"%s\" is not supported (known: %s)", key, found,
                   words[0]);
}
#define ONLY(j, key, ...) only(j, CONFIG key, (const char *const[]){__VA_ARGS__, NULL})

static int four_bits(const struct join *j)
{
    long long bits = ll_settings_int(j->s, CONFIG "bits", ll_settings_int(j->s, CONFIG "w_bit", 0));
    return bits == 4
        ? LL_OK
        : ll_fail(j->err, LL_EUNSUP,
                  "config.json: quantization_config.bits: only 4 bits are supported, found %lld", bits);
}

static int join_gptq(struct join *j, struct ll_tensor *t)
{
    int v2 = !strcmp(ll_settings_str(j->s, CONFIG "checkpoint_format", ""), "gptq_v2");
    return join_int4(j, t, LL_GPTQ, !v2); /* v1 stores one less than the zero */
}
static int join_awq(struct join *j, struct ll_tensor *t) { return join_int4(j, t, LL_AWQ, 0); }

static int allow_gptq(const struct join *j)
{
    int rc = four_bits(j);
    return rc ? rc : ONLY(j, "checkpoint_format", "gptq", "gptq_v2", "");
}
static int allow_awq(const struct join *j)
{
    int rc = four_bits(j);
    if (!rc && !ll_settings_bool(j->s, CONFIG "zero_point", 1))
        rc =
            ll_fail(j->err, LL_EUNSUP, "config.json: quantization_config.zero_point: false is not supported");
    return rc ? rc : ONLY(j, "version", "gemm", "GEMM", "");
}
static int allow_compressed(const struct join *j) { return ONLY(j, "format", "float-quantized"); }
static int allow_all(const struct join *j) { return (void)j, LL_OK; }

/* ---- public ---------------------------------------------------------------------------------- */

static const struct method {
    const char *name;
    int (*allow)(const struct join *j);
    int (*join)(struct join *j, struct ll_tensor *t);
} methods[] = {
    {"fp8", allow_all, join_scaled},
    {"fbgemm_fp8", allow_all, join_scaled},
    {"compressed-tensors", allow_compressed, join_scaled},
    {"gptq", allow_gptq, join_gptq},
    {"awq", allow_awq, join_awq},
};
enum { N_METHODS = sizeof methods / sizeof *methods };

/* Companions off the list, "X.qweight" called "X.weight": its name lies in the file's own block of names. */
static void tidy(struct join *j)
{
    struct ll_ckpt *c = j->c;
    int n = 0;
    for (int i = 0; i < c->n_tensors; i++) {
        struct ll_tensor t = c->tensors[i];
        if (j->drop[i])
            continue;
        if (t.packed && t.packed->kind != LL_SCALED) {
            char *names = c->files[t.file].tensor_names,
                 *tail = names + (t.name - names) + strlen(t.name) - strlen("qweight");
            strcpy(tail, "weight");
        }
        c->tensors[n++] = t;
    }
    c->n_tensors = n;
    qsort(c->tensors, (size_t)n, sizeof *c->tensors, ll_tensor_by_name);
}

int ll_ckpt_join_packed(struct ll_ckpt *c, struct ll_err *err)
{
    struct join j = {.c = c, .s = c->settings, .err = err};
    const struct method *m = NULL;
    if (!ll_settings_has(c->settings, "quantization_config"))
        return LL_OK;
    const char *name = ll_settings_str(c->settings, CONFIG "quant_method", NULL);
    for (int i = 0; name && i < N_METHODS; i++)
        if (!strcmp(methods[i].name, name))
            m = &methods[i];
    if (!m)
        return ll_fail(err, LL_EUNSUP,
                       "config.json: quantization_config: method \"%s\" is not supported (known: fp8, "
                       "fbgemm_fp8, compressed-tensors, gptq, awq)",
                       name ? name : "unnamed");
    int rc = m->allow(&j);
    if (rc)
        return rc;
    c->packed = calloc((size_t)c->n_tensors + 1, sizeof *c->packed);
    j.drop = calloc((size_t)c->n_tensors + 1, 1);
    if (!c->packed || !j.drop)
        rc = ll_fail_mem(err, "quantised weights", (size_t)c->n_tensors * sizeof *c->packed);
    for (int i = 0; i < c->n_tensors && !rc; i++)
        rc = m->join(&j, &c->tensors[i]);
    if (!rc)
        tidy(&j);
    free(j.drop);
    return rc;
}
