/* wtype.c - how weights are stored: one row a type, and the way from stored rows to panels. A type becomes usable with a
 * row here; a fast path in a kernels file is optional. */
#include "kernels.h"

#include <assert.h>
#include <string.h>

float ll_f16_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = h >> 10 & 31u, fraction = h & 1023u, bits;
    float v;
    if (exponent == 0) {   /* zero and subnormals: fraction * 2^-24, exact */
        v = (float)fraction * (1.0f / 16777216.0f);
        return sign ? -v : v;
    }
    bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void from_f32(const uint8_t *row, int k0, int n, float *out) { memcpy(out, row + 4 * (size_t)k0, 4 * (size_t)n); }

static void from_f16(const uint8_t *row, int k0, int n, float *out)
{
    for (int i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, row + 2 * ((size_t)k0 + (size_t)i), sizeof h);
        out[i] = ll_f16_to_float(h);
    }
}

static void from_bf16(const uint8_t *row, int k0, int n, float *out)
{
    for (int i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, row + 2 * ((size_t)k0 + (size_t)i), sizeof h);
        uint32_t bits = (uint32_t)h << 16;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

const struct ll_wtype_row ll_wtypes[LL_N_WTYPES] = {
    [LL_W_F32] = {"f32", 1, 4, from_f32},
    [LL_W_F16] = {"f16", 1, 2, from_f16},
    [LL_W_BF16] = {"bf16", 1, 2, from_bf16},
};

/* by way of one row of floats at a time: slower, the same bits */
static void widen_any(const struct ll_wtype_row *type, int nr, const uint8_t *w, size_t row_bytes, int n, int k0, int kl, float *panel, long group_stride)
{
    float row[LL_BLOCK];
    const int kb = ll_pad16(kl);
    for (int r = 0; r < (n + nr - 1) / nr * nr; r++) {
        memset(row, 0, sizeof *row * (size_t)kb);
        if (r < n)
            type->to_float(w + (size_t)r * row_bytes, k0, kl, row);
        float *out = panel + r / nr * group_stride + r % nr * 16;
        for (int k = 0; k < kb; k += 16)
            memcpy(out + (long)k * nr, row + k, 16 * sizeof *row);
    }
}

/* Stored [k, n]: a stored line holds one column of all rows. Sixteen lines are read whole, then dealt out to the rows. */
static void widen_transposed(const struct ll_mat *w, int nr, int n0, int n, int k0, int kl, float *panel, long group_stride)
{
    float lines[16][LL_PANEL_ROWS];
    const int whole = (n + nr - 1) / nr * nr;
    assert(whole <= LL_PANEL_ROWS && ll_wtypes[w->type].block_len == 1);
    memset(lines, 0, sizeof lines);
    for (int k = 0; k < kl; k += 16) {
        for (int j = 0; j < 16; j++)
            if (k + j < kl)
                ll_wtypes[w->type].to_float(w->data + (size_t)(k0 + k + j) * w->row_bytes, n0, n, lines[j]);
            else
                memset(lines[j], 0, sizeof lines[j]);
        for (int r = 0; r < whole; r++) {
            float *out = panel + r / nr * group_stride + (long)k * nr + r % nr * 16;
            for (int j = 0; j < 16; j++)
                out[j] = lines[j][r];
        }
    }
}

void ll_widen(const struct ll_kernels *k, const struct ll_mat *w, int n0, int n, int k0, int kl, float *panel, long group_stride)
{
    assert(kl > 0 && kl <= LL_BLOCK && n0 + n <= w->n && k0 + kl <= w->k);
    const uint8_t *row0 = w->data + (size_t)n0 * w->row_bytes;
    if (w->transposed)
        widen_transposed(w, k->nr, n0, n, k0, kl, panel, group_stride);
    else if (k->widen[w->type])
        k->widen[w->type](row0, w->row_bytes, n, k0, kl, panel, group_stride);
    else
        widen_any(&ll_wtypes[w->type], k->nr, row0, w->row_bytes, n, k0, kl, panel, group_stride);
}

const char *ll_wtype_name(enum ll_wtype type) { return ll_wtypes[type].name; }

size_t ll_wtype_row_bytes(enum ll_wtype type, int k)
{
    const struct ll_wtype_row *t = &ll_wtypes[type];
    return ((size_t)k + (size_t)t->block_len - 1) / (size_t)t->block_len * (size_t)t->block_bytes;
}

struct ll_mat ll_mat_rows(const struct ll_mat *w, int row0, int n)
{
    assert(row0 >= 0 && n >= 0 && n <= w->n - row0);
    struct ll_mat part = *w;
    part.data += (size_t)row0 * (w->transposed ? (size_t)ll_wtypes[w->type].block_bytes : w->row_bytes);
    part.n = n;
    return part;
}

void ll_mat_row(const struct ll_mat *w, int n, float *out)
{
    assert(n >= 0 && n < w->n && !w->transposed);
    ll_wtypes[w->type].to_float(w->data + (size_t)n * w->row_bytes, 0, w->k, out);
}
