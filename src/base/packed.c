/* packed.c - see packed.h */
#include "packed.h"

#include <string.h>

static inline uint32_t word(const uint8_t *p, size_t i)
{
    uint32_t v;
    memcpy(&v, p + 4 * i, 4);
    return v;
}

static void read_scaled(const struct ll_packed *p, const uint8_t *data, const struct ll_packed_part *part,
                        float *out, long ldo)
{
    const int n0 = part->n0, k0 = part->k0, kl = part->kl;
    const struct ll_dtype_info *type = ll_dtype_info(p->type), *stype = ll_dtype_info(p->scale_type);
    const size_t per_row = ((size_t)p->k + (size_t)p->block_k - 1) / (size_t)p->block_k;
    for (int r = 0; r < part->n; r++) {
        float *y = out + r * ldo;
        type->to_f32(data + ((size_t)(n0 + r) * (size_t)p->k + (size_t)k0) * (size_t)type->block_bytes, y,
                     (size_t)kl);
        for (int c = 0, end; c < kl; c = end) { /* up to where the next scale begins */
            const int block = (k0 + c) / p->block_k;
            const size_t at = (size_t)((n0 + r) / p->block_n) * per_row + (size_t)block;
            float s;
            stype->to_f32(p->scales + at * (size_t)stype->block_bytes, &s, 1);
            end = (long long)(block + 1) * p->block_k - k0 < kl ? (block + 1) * p->block_k - k0 : kl;
            for (int i = c; i < end; i++)
                y[i] *= s;
        }
    }
}

/* Place of output n % 8 among the nibbles of a word. */
static const int in_order[8] = {0, 1, 2, 3, 4, 5, 6, 7}, awq_order[8] = {0, 4, 1, 5, 2, 6, 3, 7};

static void read_int4(const struct ll_packed *p, const uint8_t *data, const struct ll_packed_part *part,
                      float *out, long ldo)
{
    const int n0 = part->n0, n = part->n, k0 = part->k0, kl = part->kl;
    const struct ll_dtype_info *stype = ll_dtype_info(p->scale_type);
    const int *order = p->kind == LL_AWQ ? awq_order : in_order;
    const size_t N = (size_t)p->n;
    float scale[LL_PACKED_ROWS];
    int zero[LL_PACKED_ROWS];
    size_t have = SIZE_MAX; /* the group in scale and zero */
    for (int c = 0; c < kl; c++) {
        const size_t k = (size_t)(k0 + c), g = p->g_idx ? word(p->g_idx, k) : k / (size_t)p->block_k;
        if (g != have) {
            stype->to_f32(p->scales + (g * N + (size_t)n0) * (size_t)stype->block_bytes, scale, (size_t)n);
            for (int r = 0; r < n; r++)
                zero[r] =
                    (int)(word(p->zeros, g * (N / 8) + (size_t)(n0 + r) / 8) >> 4 * order[(n0 + r) % 8] & 15)
                    + p->zero_plus;
            have = g;
        }
        for (int r = 0; r < n; r++) {
            const size_t at = (size_t)(n0 + r);
            const uint32_t q = p->kind == LL_GPTQ ? word(data, k / 8 * N + at) >> 4 * (k % 8)
                                                  : word(data, k * (N / 8) + at / 8) >> 4 * order[at % 8];
            out[r * ldo + c] = scale[r] * (float)((int)(q & 15) - zero[r]);
        }
    }
}

void ll_packed_read(const struct ll_packed *p, const uint8_t *data, const struct ll_packed_part *part,
                    float *out, long ldo)
{
    (p->kind == LL_SCALED ? read_scaled : read_int4)(p, data, part, out, ldo);
}
