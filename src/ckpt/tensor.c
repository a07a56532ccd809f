/* tensor.c - what a tensor is stored as, and looking through its values as they lie there (see ckpt.h). */
#include "ckpt.h"

#include <math.h>
#include <string.h>

const char *ll_tensor_type(const struct ll_tensor *t)
{
    return t->opaque ? t->opaque : ll_dtype_info(t->dtype)->name;
}

enum {
    CHUNK = 4096
}; /* values looked at before the loop asks whether it may stop; short branch-free loops vectorise */

#define FIRST_NONFINITE(name, type) \
    static int64_t name(const uint8_t *p, size_t n, uint64_t bits) \
    { \
        const type mask = (type)bits; \
        for (size_t at = 0; at < n; at += CHUNK) { \
            size_t end = n - at < CHUNK ? n : at + CHUNK; \
            unsigned any = 0; \
            for (size_t i = at; i < end; i++) { \
                type v; \
                memcpy(&v, p + i * sizeof v, sizeof v); \
                any |= (type)(v & mask) == mask; \
            } \
            for (size_t i = at; any && i < end; i++) { \
                type v; \
                memcpy(&v, p + i * sizeof v, sizeof v); \
                if ((type)(v & mask) == mask) \
                    return (int64_t)i; \
            } \
        } \
        return -1; \
    }

FIRST_NONFINITE(first8, uint8_t)
FIRST_NONFINITE(first16, uint16_t)
FIRST_NONFINITE(first32, uint32_t)
FIRST_NONFINITE(first64, uint64_t)

/* A block's value is not finite when a scale is not, or grew too large: its floats are looked at. */
static int64_t first_in_blocks(const uint8_t *p, size_t n_blocks, const struct ll_dtype_info *d)
{
    float v[256];
    for (size_t b = 0; b < n_blocks; b++) {
        d->to_f32(p + b * (size_t)d->block_bytes, v, (size_t)d->block);
        for (int i = 0; i < d->block; i++)
            if (!isfinite(v[i]))
                return (int64_t)(b * (size_t)d->block) + i;
    }
    return -1;
}

int64_t ll_tensor_nonfinite(const struct ll_tensor *t)
{
    const struct ll_dtype_info *d = ll_dtype_info(t->dtype);
    if (d->block > 1)
        return first_in_blocks(t->data, t->size / (size_t)d->block_bytes, d);
    int64_t (*const first[])(const uint8_t *, size_t,
                             uint64_t) = {[1] = first8, [2] = first16, [4] = first32, [8] = first64};
    return d->nonfinite ? first[d->block_bytes](t->data, t->size / (size_t)d->block_bytes, d->nonfinite) : -1;
}
