/* gguf.c - see gguf.h. A cursor walks the header once; each length is compared with the bytes left before it
 * is used. */
#include "gguf.h"

#include "ckpt.h"
#include "literal.h"
#include "map.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRIDE = 32 }; /* strings between two marks */
enum { MAX_KEY = 65535, MAX_NAME = 1024, DEFAULT_ALIGNMENT = 32 };
#define MAX_ALIGNMENT ((uint64_t)1 << 30)
#define MAX_COUNT ((uint64_t)1 << 24) /* pairs, tensors: published files have some ten thousand */

static const struct {
    const char *name;
    unsigned size;
} types[LL_GGUF_N_TYPES] = {
    [LL_GGUF_U8] = {"u8", 1},      [LL_GGUF_I8] = {"i8", 1},     [LL_GGUF_U16] = {"u16", 2},
    [LL_GGUF_I16] = {"i16", 2},    [LL_GGUF_U32] = {"u32", 4},   [LL_GGUF_I32] = {"i32", 4},
    [LL_GGUF_F32] = {"f32", 4},    [LL_GGUF_BOOL] = {"bool", 1}, [LL_GGUF_STR] = {"string", 8},
    [LL_GGUF_ARR] = {"array", 12}, [LL_GGUF_U64] = {"u64", 8},   [LL_GGUF_I64] = {"i64", 8},
    [LL_GGUF_F64] = {"f64", 8},
};

struct ll_gguf {
    struct ll_map map; /* owned, when opened by path */
    const uint8_t *bytes;
    size_t size;
    uint64_t alignment, data_start;
    struct ll_gguf_kv *kv; /* owned, sorted by key; keys and marks owned one by one */
    int n_kv;
    struct ll_gguf_tensor *tensors; /* owned; names owned one by one */
    int n_tensors;
};

struct cursor {
    const char *file;
    const uint8_t *p, *end, *start;
    struct ll_err *err;
};

static uint64_t read_le(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static size_t left(const struct cursor *c) { return (size_t)(c->end - c->p); }
static size_t offset(const struct cursor *c) { return (size_t)(c->p - c->start); }

/* n bytes for `what`, or the reason why not. */
static int need(const struct cursor *c, uint64_t n, const char *what)
{
    if (n <= left(c))
        return LL_OK;
    return ll_fail(
        c->err, LL_EUSAGE,
        "%s: %s at byte %zu: expected %llu bytes, found %zu before the end of the file (is it cut short?)",
        c->file, what, offset(c), (unsigned long long)n, left(c));
}

static int take_int(struct cursor *c, unsigned size, const char *what, uint64_t *out)
{
    int rc = need(c, size, what);
    if (rc)
        return rc;
    *out = read_le(c->p, size);
    c->p += size;
    return LL_OK;
}

/* A key or a tensor's name, as an owned C string. */
static int take_name(struct cursor *c, const char *what, uint64_t most, char **out)
{
    uint64_t n = 0;
    size_t at = offset(c);
    int rc = take_int(c, 8, what, &n);
    if (rc)
        return rc;
    if (n < 1 || n > most)
        return ll_fail(c->err, LL_EUSAGE, "%s: %s at byte %zu: expected a length in 1..%llu, found %llu",
                       c->file, what, at, (unsigned long long)most, (unsigned long long)n);
    if ((rc = need(c, n, what)))
        return rc;
    const char *s = (const char *)c->p;
    if (ll_utf8_check(s, n) != n || memchr(s, 0, n))
        return ll_fail(c->err, LL_EUSAGE, "%s: %s at byte %zu: expected UTF-8 without NUL, found other bytes",
                       c->file, what, at);
    if (!(*out = strndup(s, n)))
        return ll_fail_mem(c->err, what, n);
    c->p += n;
    return LL_OK;
}

/* ---- pairs ----------------------------------------------------------------------------------- */

/* Walk n strings, leaving a mark at every STRIDE-th. */
static int walk_strings(struct cursor *c, struct ll_gguf_kv *kv)
{
    uint64_t *marks = malloc(sizeof *marks * (kv->n / STRIDE + 1));
    if (!marks)
        return ll_fail_mem(c->err, kv->key, sizeof *marks * (kv->n / STRIDE + 1));
    kv->marks = marks;
    for (uint64_t i = 0; i < kv->n; i++) {
        uint64_t n = 0;
        if (i % STRIDE == 0)
            marks[i / STRIDE] = (uint64_t)(c->p - kv->data);
        int rc = take_int(c, 8, "length of a string", &n);
        if (!rc)
            rc = need(c, n, "string");
        if (rc)
            return ll_context(c->err, "%s: key %.200s: element %llu", c->file, kv->key,
                              (unsigned long long)i);
        c->p += n;
    }
    kv->size = (size_t)(c->p - kv->data);
    return LL_OK;
}

static int check_bools(const struct cursor *c, const struct ll_gguf_kv *kv)
{
    for (uint64_t i = 0; i < kv->n; i++)
        if (kv->data[i] > 1)
            return ll_fail(c->err, LL_EUSAGE, "%s: key %.200s: expected a bool (0 or 1), found %d", c->file,
                           kv->key, kv->data[i]);
    return LL_OK;
}

static int take_type(struct cursor *c, const char *key, const char *what, enum ll_gguf_type *out)
{
    uint64_t t = 0;
    int rc = take_int(c, 4, what, &t);
    if (!rc && t >= LL_GGUF_N_TYPES)
        rc = ll_fail(c->err, LL_EUSAGE, "%s: key %.200s: %s: expected 0..%d, found %llu", c->file, key, what,
                     LL_GGUF_N_TYPES - 1, (unsigned long long)t);
    *out = (enum ll_gguf_type)t;
    return rc;
}

static int take_pair(struct cursor *c, struct ll_gguf_kv *kv)
{
    char *key = NULL;
    int rc = take_name(c, "key", MAX_KEY, &key);
    kv->key = key;
    if (rc || (rc = take_type(c, key, "value type", &kv->type)))
        return rc;
    kv->n = 1;
    if (kv->type == LL_GGUF_ARR) {
        kv->is_array = 1;
        if ((rc = take_type(c, key, "element type", &kv->type))
            || (rc = take_int(c, 8, "array length", &kv->n)))
            return rc;
        if (kv->type == LL_GGUF_ARR)
            return ll_fail(c->err, LL_EUNSUP, "%s: key %.200s: arrays of arrays are not supported", c->file,
                           key);
    }
    unsigned size = types[kv->type].size; /* of a string: what it has at least */
    if (kv->n > left(c) / size)
        return ll_fail(c->err, LL_EUSAGE,
                       "%s: key %.200s: expected room for %llu values of type %s, found %zu bytes before the "
                       "end of the file",
                       c->file, key, (unsigned long long)kv->n, types[kv->type].name, left(c));
    kv->data = c->p;
    if (kv->type == LL_GGUF_STR)
        return walk_strings(c, kv);
    kv->size = kv->n * size;
    c->p += kv->size;
    return kv->type == LL_GGUF_BOOL ? check_bools(c, kv) : LL_OK;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct ll_gguf_kv *)a)->key, ((const struct ll_gguf_kv *)b)->key);
}

static int take_pairs(struct cursor *c, struct ll_gguf *g, uint64_t n)
{
    enum { LEAST = 8 + 1 + 4 + 1 };
    if (n > left(c) / LEAST || n > MAX_COUNT)
        return ll_fail(
            c->err, LL_EUSAGE,
            "%s: number of key-value pairs: expected at most %zu in a file of %zu bytes, found %llu", c->file,
            left(c) / LEAST, g->size, (unsigned long long)n);
    if (!(g->kv = calloc(n ? n : 1, sizeof *g->kv)))
        return ll_fail_mem(c->err, c->file, n * sizeof *g->kv);
    for (; (uint64_t)g->n_kv < n;) {
        int rc = take_pair(c, &g->kv[g->n_kv++]); /* counted before it is whole: ll_gguf_close() takes it */
        if (rc)
            return rc;
    }
    qsort(g->kv, (size_t)g->n_kv, sizeof *g->kv, by_key);
    for (int i = 0; i + 1 < g->n_kv; i++)
        if (!by_key(&g->kv[i], &g->kv[i + 1]))
            return ll_fail(c->err, LL_EUSAGE, "%s: key %.200s: expected once, found twice", c->file,
                           g->kv[i].key);
    return LL_OK;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static int take_tensor(struct cursor *c, struct ll_gguf_tensor *t)
{
    char *name = NULL;
    uint64_t n_dims = 0, type = 0, values = 1;
    int rc = take_name(c, "tensor name", MAX_NAME, &name);
    t->name = name;
    if (rc || (rc = take_int(c, 4, "number of dimensions", &n_dims)))
        return rc;
    if (n_dims > 4)
        return ll_fail(c->err, LL_EUSAGE, "%s: tensor %.200s: expected at most 4 dimensions, found %llu",
                       c->file, name, (unsigned long long)n_dims);
    t->n_dims = (int)n_dims;
    for (int i = 0; i < t->n_dims; i++) {
        if ((rc = take_int(c, 8, "size of a tensor", &t->dims[i])))
            return rc;
        if (t->dims[i] > INT64_MAX || __builtin_mul_overflow(values, t->dims[i], &values)
            || values > INT64_MAX)
            return ll_fail(c->err, LL_EUSAGE,
                           "%s: tensor %.200s: the product of its sizes is too large (size %d is %llu)",
                           c->file, name, i, (unsigned long long)t->dims[i]);
    }
    if ((rc = take_int(c, 4, "storage type", &type)) || (rc = take_int(c, 8, "tensor offset", &t->offset)))
        return rc;
    t->type = (uint32_t)type;
    return LL_OK;
}

static int take_tensors(struct cursor *c, struct ll_gguf *g, uint64_t n)
{
    enum { LEAST = 8 + 1 + 4 + 4 + 8 };
    if (n > left(c) / LEAST || n > MAX_COUNT)
        return ll_fail(
            c->err, LL_EUSAGE,
            "%s: number of tensors: expected at most %zu in the %zu bytes left of the file, found %llu",
            c->file, left(c) / LEAST, left(c), (unsigned long long)n);
    if (!(g->tensors = calloc(n ? n : 1, sizeof *g->tensors)))
        return ll_fail_mem(c->err, c->file, n * sizeof *g->tensors);
    for (; (uint64_t)g->n_tensors < n;) {
        int rc = take_tensor(c, &g->tensors[g->n_tensors++]);
        if (rc)
            return rc;
    }
    return LL_OK;
}

/* ---- the file -------------------------------------------------------------------------------- */

static int take_version(struct cursor *c)
{
    uint64_t v = 0;
    if (ll_is_lfs_pointer(c->p, left(c)))
        return ll_fail_lfs(c->file, c->err);
    if (left(c) < 4 || !LL_BYTES_ARE(c->p, "GGUF"))
        return ll_fail(c->err, LL_EUSAGE,
                       "%s: expected a GGUF file (its first bytes are \"GGUF\"), found other bytes", c->file);
    c->p += 4;
    int rc = take_int(c, 4, "version", &v);
    if (rc)
        return rc;
    if (v && !(v & 0xffff))
        return ll_fail(c->err, LL_EUNSUP,
                       "%s: big-endian GGUF is not supported (version field %#llx); convert it with "
                       "gguf_convert_endian.py",
                       c->file, (unsigned long long)v);
    if (v != 2 && v != 3)
        return ll_fail(c->err, v == 1 ? LL_EUNSUP : LL_EUSAGE, "%s: version: expected 2 or 3, found %llu",
                       c->file, (unsigned long long)v);
    return LL_OK;
}

static int read_alignment(const struct cursor *c, struct ll_gguf *g)
{
    const struct ll_gguf_kv *kv = ll_gguf_find(g, "general.alignment");
    int64_t a = DEFAULT_ALIGNMENT;
    if (kv && (kv->is_array || kv->type != LL_GGUF_U32 || !ll_gguf_int(kv, 0, &a)))
        return ll_fail(c->err, LL_EUSAGE, "%s: key general.alignment: expected a u32, found %s%s", c->file,
                       kv->is_array ? "an array of " : "", types[kv->type].name);
    if (a < 1 || (a & (a - 1)) || (uint64_t)a > MAX_ALIGNMENT)
        return ll_fail(c->err, LL_EUSAGE,
                       "%s: key general.alignment: expected a power of two up to 2^30, found %lld", c->file,
                       (long long)a);
    g->alignment = (uint64_t)a;
    g->data_start = ((uint64_t)offset(c) + g->alignment - 1) & ~(g->alignment - 1);
    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensors[i].offset % g->alignment)
            return ll_fail(c->err, LL_EUSAGE,
                           "%s: tensor %.200s: offset: expected a multiple of the alignment %lld, found %llu",
                           c->file, g->tensors[i].name, (long long)a,
                           (unsigned long long)g->tensors[i].offset);
    return LL_OK;
}

static int parse(struct ll_gguf *g, const char *file, struct ll_err *err)
{
    struct cursor c = {file, g->bytes, g->bytes + g->size, g->bytes, err};
    uint64_t n_tensors = 0, n_kv = 0;
    int rc = take_version(&c);
    if (rc || (rc = take_int(&c, 8, "number of tensors", &n_tensors))
        || (rc = take_int(&c, 8, "number of key-value pairs", &n_kv)) || (rc = take_pairs(&c, g, n_kv))
        || (rc = take_tensors(&c, g, n_tensors)))
        return rc;
    return read_alignment(&c, g);
}

int ll_gguf_parse(struct ll_gguf **out, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err)
{
    static const uint8_t none[1];
    struct ll_gguf *g = calloc(1, sizeof *g);
    *out = NULL;
    if (!g)
        return ll_fail_mem(err, file, sizeof *g);
    g->bytes = n ? bytes : none;
    g->size = n;
    int rc = parse(g, file, err);
    if (rc)
        ll_gguf_close(g);
    else
        *out = g;
    return rc;
}

int ll_is_gguf(const char *path)
{
    char b[4] = {0};
    FILE *f = ll_is_file(path) ? fopen(path, "rb") : NULL;
    int is = f && fread(b, 1, sizeof b, f) == sizeof b && !memcmp(b, "GGUF", sizeof b);
    if (f)
        fclose(f);
    return is;
}

int ll_gguf_open(struct ll_gguf **g, const char *path, struct ll_err *err)
{
    struct ll_map map = {0};
    char *name = ll_path_base(path);
    *g = NULL;
    int rc = name ? ll_map_open(&map, path, err) : ll_fail_mem(err, path, strlen(path));
    if (!rc)
        rc = ll_gguf_parse(g, name, map.data, map.size, err);
    if (rc)
        ll_map_close(&map);
    else
        (*g)->map = map;
    free(name);
    return rc;
}

void ll_gguf_close(struct ll_gguf *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->n_kv; i++) {
        free((void *)(uintptr_t)g->kv[i].key);
        free((void *)(uintptr_t)g->kv[i].marks);
    }
    for (int i = 0; i < g->n_tensors; i++)
        free((void *)(uintptr_t)g->tensors[i].name);
    free(g->kv);
    free(g->tensors);
    ll_map_close(&g->map);
    free(g);
}

/* ---- looking things up ----------------------------------------------------------------------- */

int ll_gguf_n_kv(const struct ll_gguf *g) { return g->n_kv; }
const struct ll_gguf_kv *ll_gguf_kv_at(const struct ll_gguf *g, int i)
{
    return i >= 0 && i < g->n_kv ? &g->kv[i] : NULL;
}
uint64_t ll_gguf_data_start(const struct ll_gguf *g) { return g->data_start; }
const char *ll_gguf_type_name(enum ll_gguf_type t)
{
    return (unsigned)t < LL_GGUF_N_TYPES ? types[t].name : "unknown";
}

const struct ll_gguf_kv *ll_gguf_find(const struct ll_gguf *g, const char *key)
{
    const struct ll_gguf_kv want = {.key = key};
    return g->n_kv ? bsearch(&want, g->kv, (size_t)g->n_kv, sizeof want, by_key) : NULL;
}

int ll_gguf_int(const struct ll_gguf_kv *kv, uint64_t i, int64_t *out)
{
    if (!kv || i >= kv->n || kv->type == LL_GGUF_F32 || kv->type == LL_GGUF_F64 || kv->type == LL_GGUF_STR)
        return 0;
    unsigned size = types[kv->type].size;
    uint64_t v = read_le(kv->data + i * size, size);
    switch (kv->type) {
    case LL_GGUF_I8: *out = (int8_t)v; return 1;
    case LL_GGUF_I16: *out = (int16_t)v; return 1;
    case LL_GGUF_I32: *out = (int32_t)v; return 1;
    case LL_GGUF_I64: *out = (int64_t)v; return 1;
    default: *out = (int64_t)v; return v <= INT64_MAX;
    }
}

int ll_gguf_num(const struct ll_gguf_kv *kv, uint64_t i, double *out)
{
    int64_t whole;
    float f;
    if (!kv || i >= kv->n || kv->type == LL_GGUF_BOOL)
        return 0;
    if (kv->type == LL_GGUF_F32)
        return memcpy(&f, kv->data + 4 * i, 4), *out = (double)f, 1;
    if (kv->type == LL_GGUF_F64)
        return memcpy(out, kv->data + 8 * i, 8), 1;
    return ll_gguf_int(kv, i, &whole) ? *out = (double)whole, 1 : 0;
}

int ll_gguf_bool(const struct ll_gguf_kv *kv, uint64_t i, int *out)
{
    return kv && i < kv->n && kv->type == LL_GGUF_BOOL ? *out = kv->data[i], 1 : 0;
}

struct ll_gguf_iter ll_gguf_iter(const struct ll_gguf_kv *kv)
{
    return kv && kv->type == LL_GGUF_STR ? (struct ll_gguf_iter){kv->data, kv->n}
                                         : (struct ll_gguf_iter){NULL, 0};
}

int ll_gguf_next(struct ll_gguf_iter *it, const char **s, size_t *len)
{
    if (!it->left)
        return 0;
    *len = (size_t)read_le(it->at, 8);
    *s = (const char *)it->at + 8;
    it->at += 8 + *len;
    it->left--;
    return 1;
}

int ll_gguf_str(const struct ll_gguf_kv *kv, uint64_t i, const char **s, size_t *len)
{
    if (!kv || i >= kv->n || kv->type != LL_GGUF_STR)
        return 0;
    struct ll_gguf_iter it = {kv->data + kv->marks[i / STRIDE], STRIDE};
    for (uint64_t k = 0; k <= i % STRIDE; k++)
        ll_gguf_next(&it, s, len);
    return 1;
}

static const struct ll_gguf_kv *single(const struct ll_gguf *g, const char *key)
{
    const struct ll_gguf_kv *kv = ll_gguf_find(g, key);
    return kv && !kv->is_array ? kv : NULL;
}

int64_t ll_gguf_get_int(const struct ll_gguf *g, const char *key, int64_t fallback)
{
    int64_t v;
    return ll_gguf_int(single(g, key), 0, &v) ? v : fallback;
}

int ll_gguf_get_str(const struct ll_gguf *g, const char *key, const char **s, size_t *len)
{
    return ll_gguf_str(single(g, key), 0, s, len);
}

/* ---- tensors as a checkpoint wants them ------------------------------------------------------ */

enum { TYPE_NAME = 24 }; /* "GGML type 4294967295" */

/* A type without a row: its first byte for now, its name into `type`. */
static int list_opaque(const struct ll_gguf *g, const char *file, const struct ll_gguf_tensor *src,
                       char type[TYPE_NAME], struct ll_tensor *t, struct ll_err *err)
{
    const char *name = ll_ggml_name(src->type);
    uint64_t room = g->data_start < g->size ? g->size - g->data_start : 0;
    if (src->offset > room)
        return ll_fail(err, LL_EUSAGE,
                       "%s: tensor %.200s: expected an offset within the data, %llu bytes, found %llu (is "
                       "the file cut short?)",
                       file, src->name, (unsigned long long)room, (unsigned long long)src->offset);
    if (name)
        snprintf(type, TYPE_NAME, "%s", name);
    else
        snprintf(type, TYPE_NAME, "GGML type %u", src->type);
    *t = (struct ll_tensor){.name = src->name,
                            .dtype = LL_U8,
                            .opaque = type,
                            .n_dims = src->n_dims,
                            .data = g->bytes + g->data_start + src->offset};
    for (int i = 0; i < src->n_dims; i++)
        t->dims[i] = (int64_t)src->dims[src->n_dims - 1 - i];
    return LL_OK;
}

static int list_one(const struct ll_gguf *g, const char *file, const struct ll_gguf_tensor *src, char **type,
                    struct ll_tensor *t, struct ll_err *err)
{
    int dtype = ll_dtype_by_ggml(src->type);
    if (dtype < 0) {
        int rc = list_opaque(g, file, src, *type, t, err);
        *type += TYPE_NAME;
        return rc;
    }
    const struct ll_dtype_info *d = ll_dtype_info((enum ll_dtype)dtype);
    uint64_t values = 1, bytes = 0, row = src->n_dims ? src->dims[0] : 1;
    for (int i = 0; i < src->n_dims; i++)
        values *= src->dims[i]; /* does not overflow: take_tensor() */
    if (row % (uint64_t)d->block)
        return ll_fail(err, LL_EUSAGE,
                       "%s: tensor %.200s: expected rows of whole %s blocks (%d values), found rows of %llu",
                       file, src->name, d->name, d->block, (unsigned long long)row);
    if (__builtin_mul_overflow(values / (uint64_t)d->block, (uint64_t)d->block_bytes, &bytes))
        return ll_fail(err, LL_EUSAGE, "%s: tensor %.200s: the product of its sizes is too large", file,
                       src->name);
    uint64_t room = g->data_start < g->size ? g->size - g->data_start : 0;
    if (src->offset > room || bytes > room - src->offset)
        return ll_fail(err, LL_EUSAGE,
                       "%s: tensor %.200s: expected %llu bytes at offset %llu of the data, found a data area "
                       "of %llu (is the file cut short?)",
                       file, src->name, (unsigned long long)bytes, (unsigned long long)src->offset,
                       (unsigned long long)room);
    *t = (struct ll_tensor){.name = src->name,
                            .dtype = (enum ll_dtype)dtype,
                            .n_dims = src->n_dims,
                            .data = g->bytes + (bytes ? g->data_start + src->offset : 0),
                            .size = (size_t)bytes};
    for (int i = 0; i < src->n_dims; i++)
        t->dims[i] = (int64_t)src->dims[src->n_dims - 1 - i];
    return LL_OK;
}

static int by_data(const void *a, const void *b)
{
    const struct ll_tensor *x = a, *y = b;
    return x->data != y->data ? (x->data < y->data ? -1 : 1) : (x->size > y->size) - (x->size < y->size);
}

/* The sizes of opaque tensors in the sorted list: up to where the next data begin, or to the end. */
static void size_opaque(const struct ll_gguf *g, struct ll_tensor *t)
{
    const uint8_t *end = g->bytes + g->size;
    for (int i = g->n_tensors - 1; i >= 0; i--) {
        if (i + 1 < g->n_tensors && t[i + 1].data > t[i].data)
            end = t[i + 1].data;
        if (t[i].opaque)
            t[i].size = (size_t)(end - t[i].data);
    }
}

int ll_gguf_list(const struct ll_gguf *g, const char *file, struct ll_tensor **out, int *n, char **type_names,
                 struct ll_err *err)
{
    size_t n_opaque = 0;
    for (int i = 0; i < g->n_tensors; i++)
        n_opaque += ll_dtype_by_ggml(g->tensors[i].type) < 0;
    struct ll_tensor *t = calloc((size_t)g->n_tensors + 1, sizeof *t);
    char *names = n_opaque ? calloc(n_opaque, TYPE_NAME) : NULL, *name = names;
    int rc = t && (names || !n_opaque) ? LL_OK : ll_fail_mem(err, file, (size_t)g->n_tensors * sizeof *t);
    for (int i = 0; i < g->n_tensors && !rc; i++)
        rc = list_one(g, file, &g->tensors[i], &name, &t[i], err);
    if (!rc) {
        qsort(t, (size_t)g->n_tensors, sizeof *t, by_data);
        size_opaque(g, t);
    }
    for (int i = 0; i + 1 < g->n_tensors && !rc; i++)
        if (t[i].data + t[i].size > t[i + 1].data && t[i + 1].size)
            rc = ll_fail(err, LL_EUSAGE,
                         "%s: tensor %.200s: offset: expected data of its own, found an overlap with %.200s",
                         file, t[i + 1].name, t[i].name);
    if (rc) {
        free(t);
        free(names);
        return rc;
    }
    *out = t;
    *n = g->n_tensors;
    *type_names = names;
    return LL_OK;
}
