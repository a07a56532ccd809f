/* safetensors.c - see safetensors.h */
#include "safetensors.h"

#include "json_tree.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER ((uint64_t)100000000) /* the format's own limit */

struct parse {
    const char *file;
    const uint8_t *data; /* the data area */
    size_t size;
    char *room; /* for the names: as much as make_room() counted */
    struct ll_err *err;
};

static int bad(const struct parse *p, const char *tensor, const char *field, const char *expected,
               const cJSON *found)
{
    char text[64];
    return ll_fail(p->err, LL_EUSAGE, "%s: tensor \"%.200s\": %s: expected %s, found %s", p->file, tensor,
                   field, expected, ll_json_show(found, text));
}

/* Types of the format that are not read here, with the bits of a value. */
static const struct {
    const char *name;
    int bits;
} unread[] = {{"F4", 4}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"C64", 64}};

static int unread_bits(const char *dtype)
{
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
        if (!strcmp(unread[i].name, dtype))
            return unread[i].bits;
    return 0;
}

/* The row of a type that is read here, else -1. torch's spellings and GGML's types do not belong to the
 * format. */
static int read_here(const char *dtype)
{
    int row = ll_dtype_by_name(dtype);
    return row >= 0 && !strcmp(ll_dtype_info((enum ll_dtype)row)->name, dtype)
            && ll_dtype_info((enum ll_dtype)row)->block == 1
        ? row
        : -1;
}

static const char *keep(struct parse *p, const char *s)
{
    size_t n = strlen(s) + 1;
    char *own = memcpy(p->room, s, n);
    p->room += n;
    return own;
}

static int read_dtype(struct parse *p, struct ll_tensor *t, const cJSON *v)
{
    if (!cJSON_IsString(v))
        return bad(p, t->name, "dtype", "a type such as \"BF16\"", v);
    const char *name = v->valuestring;
    int row = read_here(name);
    if (row < 0
        && (*name < 'A' || *name > 'Z'
            || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])) /* not even spelled like one */
        return ll_fail(p->err, LL_EUNSUP, "%s: tensor \"%.200s\": dtype \"%.40s\" is not known", p->file,
                       t->name, name);
    t->dtype = row < 0 ? LL_U8 : (enum ll_dtype)row;
    t->opaque = row < 0 ? keep(p, name) : NULL;
    return LL_OK;
}

static int read_shape(const struct parse *p, struct ll_tensor *t, const cJSON *v)
{
    if (!cJSON_IsArray(v))
        return bad(p, t->name, "shape", "a list of sizes", v);
    int n = 0;
    for (const cJSON *c = v->child; c; c = c->next, n++) {
        long long dim = 0;
        int64_t *last = &t->dims[LL_MAX_DIMS - 1];
        if (!ll_json_get_integer(c, 0, (long long)LL_JSON_EXACT, &dim))
            return bad(p, t->name, "shape", "whole numbers in 0..2^53", c);
        if (n < LL_MAX_DIMS)
            t->dims[n] = dim;
        else if (__builtin_mul_overflow(*last, (int64_t)dim, last))
            return ll_fail(p->err, LL_EUSAGE,
                           "%s: tensor \"%.200s\": shape: the product of its sizes is too large", p->file,
                           t->name);
    }
    t->n_dims = n < LL_MAX_DIMS ? n : LL_MAX_DIMS;
    return LL_OK;
}

/* Bytes the shape asks for; for a type that this program does not know, `stored`. Returns 0 when the product
 * does not fit, or its bits are no whole bytes. */
static int shape_bytes(const struct ll_tensor *t, uint64_t stored, uint64_t *bytes)
{
    uint64_t n = 1,
             bits = t->opaque ? (uint64_t)unread_bits(t->opaque)
                              : 8 * (uint64_t)ll_dtype_info(t->dtype)->block_bytes;
    for (int i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(n, (uint64_t)t->dims[i], &n))
            return 0;
    if (!bits)
        return *bytes = stored, 1;
    if (__builtin_mul_overflow(n, bits, &n) || n % 8)
        return 0;
    return *bytes = n / 8, 1;
}

static int read_offsets(const struct parse *p, struct ll_tensor *t, const cJSON *v)
{
    const cJSON *a = cJSON_IsArray(v) ? v->child : NULL, *b = a ? a->next : NULL;
    long long begin = 0, end = 0, most = (long long)LL_JSON_EXACT;
    if (!b || b->next || !ll_json_get_integer(a, 0, most, &begin) || !ll_json_get_integer(b, 0, most, &end))
        return bad(p, t->name, "data_offsets", "two whole numbers in 0..2^53",
                   b && !b->next ? (ll_json_get_integer(a, 0, most, &begin) ? b : a) : v);
    if (begin > end)
        return ll_fail(p->err, LL_EUSAGE,
                       "%s: tensor \"%.200s\": data_offsets: expected begin <= end, found [%lld, %lld]",
                       p->file, t->name, begin, end);
    if ((uint64_t)end > p->size)
        return ll_fail(p->err, LL_EUSAGE,
                       "%s: tensor \"%.200s\": data_offsets: expected an end within the %zu bytes of data, "
                       "found %lld (is the file cut short?)",
                       p->file, t->name, p->size, end);
    uint64_t want = 0;
    if (!shape_bytes(t, (uint64_t)(end - begin), &want))
        return ll_fail(p->err, LL_EUSAGE,
                       "%s: tensor \"%.200s\": shape: the product of its sizes is too large, or no whole "
                       "number of bytes of %s",
                       p->file, t->name, ll_tensor_type(t));
    if (want != (uint64_t)(end - begin))
        return ll_fail(
            p->err, LL_EUSAGE,
            "%s: tensor \"%.200s\": data_offsets: expected %llu bytes for its shape and dtype %s, found %lld",
            p->file, t->name, (unsigned long long)want, ll_tensor_type(t), end - begin);
    t->data = p->data + begin;
    t->size = (size_t)want;
    return LL_OK;
}

static int read_tensor(struct parse *p, struct ll_tensor *t, const cJSON *item)
{
    const cJSON *dtype = NULL, *shape = NULL, *offsets = NULL;
    if (!cJSON_IsObject(item))
        return bad(p, t->name, "entry", "an object with dtype, shape and data_offsets", item);
    for (const cJSON *c = item->child; c; c = c->next) {
        const cJSON **slot = !strcmp(c->string, "dtype") ? &dtype
            : !strcmp(c->string, "shape")                ? &shape
            : !strcmp(c->string, "data_offsets")         ? &offsets
                                                         : NULL;
        if (slot)
            *slot = c;
    }
    int rc = read_dtype(p, t, dtype);
    if (!rc)
        rc = read_shape(p, t, shape);
    if (!rc)
        rc = read_offsets(p, t, offsets);
    return rc;
}

static int check_metadata(const struct parse *p, const cJSON *meta)
{
    char text[64];
    if (cJSON_IsNull(meta)) /* as some writers without metadata leave it; the reference reads it so */
        return LL_OK;
    if (!cJSON_IsObject(meta))
        return ll_fail(p->err, LL_EUSAGE, "%s: __metadata__: expected an object of texts, found %s", p->file,
                       ll_json_show(meta, text));
    for (const cJSON *c = meta->child; c; c = c->next)
        if (!cJSON_IsString(c))
            return ll_fail(p->err, LL_EUSAGE, "%s: __metadata__: %.200s: expected a text, found %s", p->file,
                           c->string, ll_json_show(c, text));
    return LL_OK;
}

/* By place in the file; empty tensors before the one that starts where they lie. */
static int by_data(const void *a, const void *b)
{
    const struct ll_tensor *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

/* From the first byte to the last, each byte belongs to exactly one tensor. */
static int check_coverage(const struct parse *p, const struct ll_tensor *t, int n)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        size_t begin = (size_t)(t[i].data - p->data);
        if (begin < at)
            return ll_fail(p->err, LL_EUSAGE,
                           "%s: tensor \"%.200s\": data_offsets: expected a begin at %zu, found %zu: it "
                           "overlaps \"%.200s\"",
                           p->file, t[i].name, at, begin, t[i - 1].name);
        if (begin > at)
            return ll_fail(p->err, LL_EUSAGE,
                           "%s: tensor \"%.200s\": data_offsets: expected a begin at %zu, found %zu: a hole "
                           "that belongs to no tensor",
                           p->file, t[i].name, at, begin);
        at = begin + t[i].size;
    }
    if (at != p->size)
        return ll_fail(p->err, LL_EUSAGE,
                       "%s: expected %zu bytes of data (the end of the last tensor), found %zu", p->file, at,
                       p->size);
    return LL_OK;
}

/* Room for the tensors of the tree and one copy of all names. */
static int make_room(struct ll_st_header *h, const cJSON *tree, struct parse *p)
{
    size_t n = 0, bytes = 1;
    for (const cJSON *c = tree->child; c; c = c->next, n++) {
        bytes += strlen(c->string) + 1;
        for (const cJSON *m = c->child; m; m = m->next)
            if (cJSON_IsString(m) && m->string && !strcmp(m->string, "dtype")
                && read_here(m->valuestring) < 0)
                bytes += strlen(m->valuestring) + 1;
    }
    h->tensors = calloc(n ? n : 1, sizeof *h->tensors);
    h->names = p->room = malloc(bytes);
    return h->tensors && h->names ? LL_OK : ll_fail_mem(p->err, p->file, n * sizeof *h->tensors + bytes);
}

static int read_tree(struct ll_st_header *h, const cJSON *tree, struct parse *p)
{
    int rc = make_room(h, tree, p);
    for (const cJSON *c = tree->child; c && !rc; c = c->next) {
        if (!strcmp(c->string, "__metadata__")) {
            rc = check_metadata(p, c);
            continue;
        }
        struct ll_tensor *t = &h->tensors[h->n_tensors++];
        t->name = keep(p, c->string);
        rc = read_tensor(p, t, c);
    }
    if (rc)
        return rc;
    qsort(h->tensors, (size_t)h->n_tensors, sizeof *h->tensors, by_data);
    return check_coverage(p, h->tensors, h->n_tensors);
}

/* The length in the first 8 bytes, checked. */
static int read_length(const char *file, const uint8_t *bytes, size_t n, size_t *len, struct ll_err *err)
{
    if (ll_is_lfs_pointer(bytes, n))
        return ll_fail_lfs(file, err);
    if (n < 8)
        return ll_fail(err, LL_EUSAGE, "%s: expected at least the 8 bytes of a header length, found %zu",
                       file, n);
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | bytes[i];
    if (v > MAX_HEADER)
        return ll_fail(err, LL_EUSAGE,
                       "%s: header length: expected at most %llu, found %llu (is it a safetensors file?)",
                       file, (unsigned long long)MAX_HEADER, (unsigned long long)v);
    if (v < 2 || v > n - 8)
        return ll_fail(err, LL_EUSAGE,
                       "%s: header length: expected 2..%zu in a file of %zu bytes, found %llu", file,
                       n - 8 < 2 ? 2 : n - 8, n, (unsigned long long)v);
    *len = (size_t)v;
    return LL_OK;
}

int ll_st_parse(struct ll_st_header *h, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err)
{
    size_t len = 0, blank = 0;
    cJSON *tree = NULL;
    memset(h, 0, sizeof *h);
    int rc = read_length(file, bytes, n, &len, err);
    if (rc)
        return rc;
    char *text = malloc(len); /* a copy: what was checked must not change before it is read */
    if (!text)
        return ll_fail_mem(err, file, len);
    memcpy(text, bytes + 8, len);
    while (blank < len && text[blank] && strchr(" \t\r\n", text[blank]))
        blank++;
    struct parse p = {.file = file, .data = bytes + 8 + len, .size = n - 8 - len, .err = err};
    if (blank == len || text[blank] != '{')
        rc = ll_fail(err, LL_EUSAGE, "%s: header: expected '{' at byte %zu, found 0x%02x", file,
                     8 + (blank < len ? blank : 0), text[blank < len ? blank : 0] & 0xff);
    else
        rc = ll_json_tree(&tree, file, text, len, LL_KEYS_UNIQUE, err);
    free(text);
    if (!rc)
        rc = read_tree(h, tree, &p);
    cJSON_Delete(tree);
    if (rc)
        ll_st_free(h);
    h->size = rc ? 0 : 8 + len;
    return rc;
}

void ll_st_free(struct ll_st_header *h)
{
    free(h->tensors);
    free(h->names);
    memset(h, 0, sizeof *h);
}
