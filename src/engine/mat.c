/* mat.c - matrices of weights as stored: names, sizes, slices, single rows. */
#include "engine_priv.h"

#include <assert.h>

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
        ll_packed_read(w->packed, w->data, &(struct ll_packed_part){w->packed_row + n, 1, 0, w->k}, out,
                       w->k);
    else
        ll_dtype_info(w->type)->to_f32(w->data + (size_t)n * w->row_bytes, out, (size_t)w->k);
}
