/* ref_bin.c - after_layer_N.bin: values behind a count, or values alone as numpy's tofile writes them (see
 * ref.h). A count that fits the file's size to the byte is one: values alone would have to begin with a
 * number of about 1e-41. */
#include "ref.h"

#include <stdlib.h>
#include <string.h>

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

struct ids {
    const uint8_t *bytes;
    int wide;
};
static long long id_at(const void *arg, int64_t i)
{
    const struct ids *p = arg;
    const uint8_t *v = p->bytes + i * (p->wide ? 8 : 4);
    uint64_t high = p->wide ? le32(v + 4) : 0;
    return (long long)(high << 32 | le32(v));
}

/* Token ids written by tofile: int64 where every other half is empty, else int32. */
static int take_ids(struct ll_ref *r, const char *name, const uint8_t *bytes, size_t n, struct ll_err *err)
{
    struct ids p = {bytes, n % 8 == 0};
    for (size_t i = 4; i < n && p.wide; i += 8)
        p.wide = le32(bytes + i) == 0;
    return ll_ref_take_ids(r, name, 1, (int64_t)(n / (p.wide ? 8 : 4)), id_at, &p, err);
}

/* Values alone: what they are is settled where their point is known (ref_raw.c). */
static int take_raw(struct ll_ref *r, const char *file, const char *name, const uint8_t *bytes, size_t n,
                    struct ll_err *err)
{
    int64_t one = 1;
    struct ll_ref_array *a =
        ll_ref_add(r, &(struct ll_ref_new){file, name, strlen(name), &one, 1, "raw", 0}, err);
    if (!a)
        return ll_err_code(err, LL_EFAIL);
    if (!(a->raw = malloc(n)))
        return ll_fail_mem(err, "reference", n);
    memcpy(a->raw, bytes, n);
    a->n_raw = n;
    return LL_OK;
}

int ll_ref_parse_bin(struct ll_ref *r, const char *file, const char *name, const uint8_t *bytes, size_t n,
                     struct ll_err *err)
{
    const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
    if (n < 4)
        return ll_fail(err, LL_EUSAGE, "%s: expected a count of 4 bytes, found %zu bytes", file, n);
    if (n % 4 == 0 && (!strcmp(last, "input_ids") || !strcmp(last, "token_ids") || !strcmp(last, "tokens")))
        return take_ids(r, name, bytes, n, err);
    int64_t count = (int32_t)le32(bytes);
    if (count > 0 && 4 + 4 * (uint64_t)count == n) {
        struct ll_ref_array *a =
            ll_ref_add(r, &(struct ll_ref_new){file, name, strlen(name), &count, 1, "float32", 1}, err);
        for (int64_t i = 0; a && i < count; i++) {
            uint32_t v = le32(bytes + 4 + 4 * i);
            memcpy(&a->x[i], &v, 4);
        }
        return a ? LL_OK : ll_err_code(err, LL_EFAIL);
    }
    if (be32(bytes) > 0 && 4 + 4 * (uint64_t)be32(bytes) == n)
        return ll_fail(err, LL_EUSAGE,
                       "%s: looks big-endian: its count read the other way round, %u, fits the file; "
                       "expected little-endian",
                       file, be32(bytes));
    if (n % 2)
        return ll_fail(
            err, LL_EUSAGE,
            "%s: expected 4 + 4 * %lld = %lld bytes (a count and float32 values) or values alone, found %zu",
            file, (long long)count, 4 + 4 * (long long)count, n);
    return take_raw(r, file, name, bytes, n, err);
}
