/* ref_raw.c - values without a word about their type or shape, as numpy's tofile writes them (ref_place.h):
 * the point has so many values a token, there are so many tokens, so the size of the file tells the size of a
 * value. */
#include "ref_place.h"

#include "dtype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum ll_dtype type;
    size_t size;
} types[] = {
    {"float32", LL_F32, 4},
    {"float64", LL_F64, 8},
    {"float16", LL_F16, 2},
    {"bfloat16", LL_BF16, 2},
};
enum { N_TYPES = sizeof types / sizeof *types };

int ll_ref_raw_type(const char *name)
{
    for (int i = 0; i < N_TYPES; i++)
        if (!strcmp(types[i].name, name))
            return i;
    return -1;
}

/* Types of which rows or one row of width values fill the file: a bit each. */
static unsigned candidates(const struct ll_ref_array *a, int64_t width, int64_t rows, int one)
{
    unsigned bits = 0;
    for (int i = 0; i < N_TYPES; i++) {
        uint64_t row = (uint64_t)width * types[i].size;
        if (a->n_raw == row * (uint64_t)rows || (one && a->n_raw == row))
            bits |= 1u << i;
    }
    return bits;
}

static int refuse(const struct ll_ref_array *a, const char *type, int64_t width, int64_t rows, unsigned fit,
                  struct ll_err *err)
{
    struct ll_buf names = {0};
    if (!fit) {
        int32_t count;
        memcpy(&count, a->raw, 4);
        if (!type && a->n_raw % (uint64_t)(4 * width) == 0)
            return ll_fail(err, LL_EUSAGE,
                           "%s.bin: expected %lld rows of %lld values alone, one for each of %lld tokens, "
                           "found %llu in float32%s",
                           a->name, (long long)rows, (long long)width, (long long)rows,
                           (unsigned long long)(a->n_raw / (uint64_t)(4 * width)),
                           a->n_raw == (uint64_t)(4 * width) ? " (--pos says whose)" : "");
        return ll_fail(err, LL_EUSAGE,
                       "%s.bin: expected 4 + 4 * %lld bytes (a count and float32 values; found the count %d) "
                       "or values alone: %lld rows of %lld, 4 bytes each in float32; found %zu bytes",
                       a->name, (long long)(rows * width), count, (long long)rows, (long long)width,
                       a->n_raw);
    }
    for (int i = 0; i < N_TYPES; i++)
        if (fit >> i & 1)
            ll_buf_addf(&names, "%s%s", names.len ? " or " : "", types[i].name);
    ll_fail(err, LL_EUSAGE, "%s.bin: %zu bytes may be %s: say which (--raw TYPE)", a->name, a->n_raw,
            ll_buf_str(&names));
    ll_buf_free(&names);
    return LL_EUSAGE;
}

int ll_ref_raw_read(const struct ll_ref_array *a, const char *type, int64_t width, int64_t rows, int one,
                    struct ll_ref_array *out, struct ll_err *err)
{
    unsigned fit = candidates(a, width, rows, one);
    int i = 0;
    if (type)
        fit &= 1u << ll_ref_raw_type(type);
    while (i < N_TYPES && fit != 1u << i)
        i++;
    if (i == N_TYPES)
        return refuse(a, type, width, rows, fit, err);
    *out = *a;
    out->dtype = types[i].name;
    out->n = (int64_t)(a->n_raw / types[i].size);
    out->x = malloc(sizeof *out->x * (size_t)out->n);
    if (!out->x)
        return ll_fail_mem(err, "reference", sizeof *out->x * (size_t)out->n);
    ll_dtype_info(types[i].type)->to_f32(a->raw, out->x, (size_t)out->n);
    return LL_OK;
}
