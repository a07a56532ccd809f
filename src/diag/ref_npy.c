/* ref_npy.c - numpy's array files, alone and in .npz archives (see ref.h).
 *
 *     "\x93NUMPY", major, minor, header length (2 bytes in version 1, 4 in 2 and 3), then
 *     a Python dictionary as text: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, then the
 * values
 *
 * Only what numpy itself writes is read: three keys in any order, plain types. Nothing is evaluated. */
#include "literal.h"
#include "ref.h"

#include "dtype.h"
#include "zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER = 1 << 16 }; /* bytes, of an array in an archive */

struct npy {
    char kind;
    int bytes, fortran, n_dims;
    int64_t dims[16];
    const uint8_t *data;
    size_t size;
};

static const char *skip(const char *p, const char *end, const char *what)
{
    size_t n = strlen(what);
    while (p && p < end && *p == ' ')
        p++;
    return p && (size_t)(end - p) >= n && !memcmp(p, what, n) ? p + n : NULL;
}

/* The value after 'key': in the header; NULL: not there. */
static const char *value_of(const char *p, const char *end, const char *key)
{
    size_t n = strlen(key);
    for (; p + n + 2 <= end; p++)
        if ((*p == '\'' || *p == '"') && !memcmp(p + 1, key, n) && p[n + 1] == *p)
            return skip(p + n + 2, end, ":");
    return NULL;
}

static int read_shape(struct npy *a, const char *p, const char *end)
{
    p = skip(p, end, "(");
    while (p && p < end) {
        const char *close = skip(p, end, ")");
        if (close)
            return 1;
        while (p < end && *p == ' ')
            p++;
        int64_t v = 0;
        int digits = 0;
        for (; p < end && *p >= '0' && *p <= '9' && v < (int64_t)1 << 40; p++, digits++)
            v = 10 * v + (*p - '0');
        if (!digits || a->n_dims == 16)
            return 0;
        a->dims[a->n_dims++] = v;
        const char *comma = skip(p, end, ",");
        p = comma ? comma : p;
        if (!comma && !skip(p, end, ")"))
            return 0;
    }
    return 0;
}

static int read_header(struct npy *a, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err)
{
    memset(a, 0, sizeof *a);
    if (n < 10 || !LL_BYTES_ARE(bytes, "\x93NUMPY"))
        return ll_fail(err, LL_EUSAGE, "%s: expected a numpy array, found something else", file);
    size_t wide = bytes[6] == 1 ? 2 : 4, len = 0;
    if (bytes[6] < 1 || bytes[6] > 3)
        return ll_fail(err, LL_EUNSUP, "%s: expected numpy format 1 to 3, found %d", file, bytes[6]);
    if (n < 8 + wide)
        return ll_fail(err, LL_EUSAGE, "%s: the header is cut short", file);
    for (size_t i = wide; i-- > 0;)
        len = len << 8 | bytes[8 + i];
    if (len > n - 8 - wide)
        return ll_fail(err, LL_EUSAGE, "%s: header: expected at most %zu bytes, found %zu", file,
                       n - 8 - wide, len);
    const char *text = (const char *)bytes + 8 + wide, *end = text + len;
    const char *descr = value_of(text, end, "descr"), *order = value_of(text, end, "fortran_order"),
               *shape = value_of(text, end, "shape");
    const char *q = skip(descr, end, "'");
    if (!q)
        q = skip(descr, end, "\"");
    if (!q || end - q < 4 || !order || !shape)
        return ll_fail(err, LL_EUSAGE, "%s: header: expected descr, fortran_order and shape of a plain type",
                       file);
    a->kind = q[1];
    a->bytes = q[2] - '0';
    if ((q[0] != '<' && !(q[0] == '|' && a->bytes == 1)) || (q[3] != '\'' && q[3] != '"')
        || !strchr("fiub", a->kind) || !(a->bytes == 1 || a->bytes == 2 || a->bytes == 4 || a->bytes == 8))
        return ll_fail(err, LL_EUNSUP,
                       "%s: type \"%.3s\": expected little-endian float16, 32, 64 or integers", file, q);
    a->fortran = skip(order, end, "True") != NULL;
    if (!a->fortran && !skip(order, end, "False"))
        return ll_fail(err, LL_EUSAGE, "%s: fortran_order: expected True or False", file);
    if (!read_shape(a, shape, end))
        return ll_fail(err, LL_EUSAGE, "%s: shape: expected a tuple of up to 16 sizes", file);
    a->data = (const uint8_t *)end;
    a->size = n - 8 - wide - len;
    return LL_OK;
}

static long long int_at(const void *arg, int64_t i)
{
    const struct npy *a = arg;
    uint64_t v = 0;
    for (int b = a->bytes; b-- > 0;)
        v = v << 8 | a->data[i * a->bytes + b];
    if (a->kind == 'i' && a->bytes < 8 && v >> (8 * a->bytes - 1))
        v |= ~(uint64_t)0 << 8 * a->bytes;
    return (long long)v;
}

int ll_ref_parse_npy(struct ll_ref *r, const char *file, const char *name, const uint8_t *bytes, size_t n,
                     struct ll_err *err)
{
    struct npy a;
    int rc = read_header(&a, file, bytes, n, err);
    if (rc)
        return rc;
    uint64_t count = 1;
    for (int i = 0; i < a.n_dims; i++) {
        if (a.dims[i] && count > UINT64_MAX / 16 / (uint64_t)a.dims[i])
            return ll_fail(err, LL_EUSAGE, "%s: shape: too many values", file);
        count *= (uint64_t)a.dims[i];
    }
    if (count * (uint64_t)a.bytes != a.size)
        return ll_fail(err, LL_EUSAGE, "%s: expected %llu bytes of values, found %zu", file,
                       (unsigned long long)(count * (uint64_t)a.bytes), a.size);
    if (!count || a.kind == 'b')
        return ll_ref_pass_over(r, name, count ? "truth values" : "empty"), LL_OK;
    if (a.kind != 'f')
        return ll_ref_take_ids(r, name, a.n_dims ? (int64_t)count / a.dims[a.n_dims - 1] : 1, (int64_t)count,
                               int_at, &a, err);
    if (a.bytes == 1)
        return ll_fail(err, LL_EUNSUP, "%s: type \"f1\": expected float16, 32 or 64", file);
    if (a.fortran && a.n_dims > 1)
        return ll_fail(err, LL_EUNSUP, "%s: fortran_order: expected False (save numpy.ascontiguousarray(x))",
                       file);
    static const enum ll_dtype types[9] = {[2] = LL_F16, [4] = LL_F32, [8] = LL_F64};
    const struct ll_dtype_info *d = ll_dtype_info(types[a.bytes]);
    struct ll_ref_array *out =
        ll_ref_add(r, &(struct ll_ref_new){file, name, strlen(name), a.dims, a.n_dims, d->torch_name, 1},
                   err);
    if (!out)
        return ll_err_code(err, LL_EFAIL);
    d->to_f32(a.data, out->x, (size_t)out->n);
    return LL_OK;
}

/* A member of an archive, inflated where need be. */
static int parse_member(struct ll_ref *r, const struct ll_zip_entry *e, const char *where, const char *name,
                        struct ll_err *err)
{
    const uint8_t *data;
    uint8_t *owned;
    uint64_t most = r->most_values > 0 ? (uint64_t)r->most_values * 8 + MOST_HEADER : UINT64_MAX;
    if (e->deflated && e->size > most)
        return ll_fail(
            err, LL_EUSAGE,
            "%s: expected at most %lld values, as many as a point of this model can have, found %llu bytes",
            where, (long long)r->most_values, (unsigned long long)e->size);
    int rc = e->deflated ? ll_ref_may_take(r, where, name, e->size, err) : LL_OK;
    if (rc || (rc = ll_zip_read(e, where, &data, &owned, err)))
        return rc;
    rc = ll_ref_parse_npy(r, where, name, data, (size_t)e->size, err);
    free(owned);
    return rc;
}

int ll_ref_parse_npz(struct ll_ref *r, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err)
{
    struct ll_zip z;
    int rc = ll_zip_list(&z, file, bytes, n, err);
    if (rc)
        return rc;
    for (int i = 0; i < z.n && !rc; i++) {
        const struct ll_zip_entry *e = &z.entries[i];
        char name[256], where[320];
        size_t len = e->name_len;
        if (len < 5 || !LL_BYTES_ARE(e->name + len - 4, ".npy") || len >= sizeof name
            || memchr(e->name, 0, len)) {
            snprintf(name, sizeof name, "%.*s", (int)(len < 200 ? len : 200), e->name);
            ll_ref_pass_over(r, name, "no numpy array");
            continue;
        }
        snprintf(name, sizeof name, "%.*s", (int)(len - 4), e->name);
        snprintf(where, sizeof where, "%.60s: %s", file, name);
        rc = parse_member(r, e, where, name, err);
    }
    ll_zip_free(&z);
    return rc;
}
