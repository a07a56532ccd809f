/* wtype.c - the way from stored rows to panels, for every storage type: through the row's to-float function
 * (dtype.h), or through a kernel's own conversion where it has one. */
#include "kernels.h"

#include <assert.h>
#include <string.h>

/* n values from column k0 of a row; k0 and n are multiples of the block. */
static void row_floats(const struct ll_dtype_info *type, const uint8_t *row, int k0, int n, float *out)
{
    assert(k0 % type->block == 0 && n % type->block == 0);
    type->to_f32(row + (size_t)(k0 / type->block) * (size_t)type->block_bytes, out, (size_t)n);
}

/* by way of one row of floats at a time: slower, the same bits */
static void widen_any(const struct ll_dtype_info *type, int nr, const uint8_t *w, size_t row_bytes, int n,
                      int k0, int kl, float *panel, long group_stride)
{
    float row[LL_BLOCK];
    const int kb = ll_pad16(kl);
    for (int r = 0; r < (n + nr - 1) / nr * nr; r++) {
        memset(row, 0, sizeof *row * (size_t)kb);
        if (r < n)
            row_floats(type, w + (size_t)r * row_bytes, k0, kl, row);
        float *out = panel + r / nr * group_stride + r % nr * 16;
        for (int k = 0; k < kb; k += 16)
            memcpy(out + (long)k * nr, row + k, 16 * sizeof *row);
    }
}

/* Slice after slice of columns, each read for all rows at once: four-bit formats lie column by column. */
static void widen_packed(const struct ll_mat *w, int nr, int n0, int n, int k0, int kl, float *panel,
                         long group_stride)
{
    enum { SLICE = 64 };
    float part[LL_PANEL_ROWS * SLICE];
    const int kb = ll_pad16(kl), whole = (n + nr - 1) / nr * nr;
    assert(n <= LL_PACKED_ROWS && whole <= LL_PANEL_ROWS);
    memset(part, 0, sizeof part);
    for (int c = 0; c < kb; c += SLICE) {
        const int have = kl - c < SLICE ? kl - c : SLICE;
        if (have < SLICE)
            memset(part, 0, sizeof part);
        ll_packed_read(w->packed, w->data, w->packed_row + n0, n, k0 + c, have, part, SLICE);
        for (int r = 0; r < whole; r++)
            for (int k = 0; k < SLICE && c + k < kb; k += 16)
                memcpy(panel + r / nr * group_stride + r % nr * 16 + (long)(c + k) * nr, part + r * SLICE + k,
                       16 * sizeof *part);
    }
}

/* Stored [k, n]: a stored line holds one column of all rows. Sixteen lines are read whole, then dealt out to
 * the rows. */
static void widen_transposed(const struct ll_mat *w, int nr, int n0, int n, int k0, int kl, float *panel,
                             long group_stride)
{
    float lines[16][LL_PANEL_ROWS];
    const int whole = (n + nr - 1) / nr * nr;
    assert(whole <= LL_PANEL_ROWS && ll_dtype_info(w->type)->block == 1);
    memset(lines, 0, sizeof lines);
    for (int k = 0; k < kl; k += 16) {
        for (int j = 0; j < 16; j++)
            if (k + j < kl)
                row_floats(ll_dtype_info(w->type), w->data + (size_t)(k0 + k + j) * w->row_bytes, n0, n,
                           lines[j]);
            else
                memset(lines[j], 0, sizeof lines[j]);
        for (int r = 0; r < whole; r++) {
            float *out = panel + r / nr * group_stride + (long)k * nr + r % nr * 16;
            for (int j = 0; j < 16; j++)
                out[j] = lines[j][r];
        }
    }
}

void ll_widen(const struct ll_kernels *k, const struct ll_mat *w, int n0, int n, int k0, int kl, float *panel,
              long group_stride)
{
    assert(kl > 0 && kl <= LL_BLOCK && n0 + n <= w->n && k0 + kl <= w->k);
    const uint8_t *row0 = w->data + (size_t)n0 * w->row_bytes;
    if (w->packed)
        widen_packed(w, k->nr, n0, n, k0, kl, panel, group_stride);
    else if (w->transposed)
        widen_transposed(w, k->nr, n0, n, k0, kl, panel, group_stride);
    else if (k->widen[w->type])
        k->widen[w->type](row0, w->row_bytes, n, k0, kl, panel, group_stride);
    else
        widen_any(ll_dtype_info(w->type), k->nr, row0, w->row_bytes, n, k0, kl, panel, group_stride);
}

const char *ll_wtype_name(enum ll_dtype type) { return ll_dtype_info(type)->name; }

size_t ll_wtype_row_bytes(enum ll_dtype type, int k)
{
    const struct ll_dtype_info *t = ll_dtype_info(type);
    return ((size_t)k + (size_t)t->block - 1) / (size_t)t->block * (size_t)t->block_bytes;
}

struct ll_mat ll_mat_rows(const struct ll_mat *w, int row0, int n)
{
    assert(row0 >= 0 && n >= 0 && n <= w->n - row0);
    struct ll_mat part = *w;
    assert(!w->paired || (row0 % w->paired == 0 && n % w->paired == 0));
    if (w->packed)
        part.packed_row += row0;
    else
        part.data +=
            (size_t)row0 * (w->transposed ? (size_t)ll_dtype_info(w->type)->block_bytes : w->row_bytes);
    part.n = n;
    return part;
}

void ll_mat_row(const struct ll_mat *w, int n, float *out)
{
    assert(n >= 0 && n < w->n);
    if (w->transposed) { /* one value a block */
        const struct ll_dtype_info *t = ll_dtype_info(w->type);
        for (int k = 0; k < w->k; k++)
            t->to_f32(w->data + (size_t)k * w->row_bytes + (size_t)n * (size_t)t->block_bytes, out + k, 1);
        return;
    }
    if (w->paired) {
        const int at = n % w->paired, half = w->paired / 2;
        n += (at < half ? 2 * at : 2 * (at - half) + 1) - at;
    }
    if (w->packed)
        ll_packed_read(w->packed, w->data, w->packed_row + n, 1, 0, w->k, out, w->k);
    else
        row_floats(ll_dtype_info(w->type), w->data + (size_t)n * w->row_bytes, 0, w->k, out);
}
