/* panel.c - rows of w, whatever way they are stored, into panels; rows of x into tiles (kernels.h). */
#include "engine_priv.h"

#include <assert.h>
#include <string.h>

/* ---- w ---------------------------------------------------------------------------------------- */

/* Stored [k, n]: a stored line is a line of the panel. */
static void pack_transposed(const struct ll_kernels *kern, const struct ll_mat *w, const struct ll_part *part,
                            float *panel)
{
    const struct ll_dtype_info *type = ll_dtype_info(w->type);
    const uint8_t *line =
        w->data + (size_t)part->k0 * w->row_bytes + (size_t)part->n0 * (size_t)type->block_bytes;
    for (int k = 0; k < part->kl; k++, line += w->row_bytes, panel += kern->nr) {
        type->to_f32(line, panel, (size_t)part->n);
        memset(panel + part->n, 0, sizeof *panel * (size_t)(kern->nr - part->n));
    }
}

/* By way of rows of floats: what has no code of its own, and the last rows of w, which are no whole group. */
static void pack_by_rows(const struct ll_kernels *kern, const struct ll_mat *w, const struct ll_part *part,
                         float *panel)
{
    enum { LD = LL_PANEL_K };
    float rows[LL_MAX_NR * LD];
    const struct ll_dtype_info *type = ll_dtype_info(w->type);
    for (int k = 0; k < part->kl; k += LD, panel += (long)LD * kern->nr) {
        const int k0 = part->k0 + k, kl = part->kl - k < LD ? part->kl - k : LD;
        if (w->packed)
            ll_packed_read(w->packed, w->data,
                           &(struct ll_packed_part){w->packed_row + part->n0, part->n, k0, kl}, rows, LD);
        else {
            assert(k0 % type->block == 0 && kl % type->block == 0);
            const uint8_t *from = w->data + (size_t)part->n0 * w->row_bytes
                + (size_t)(k0 / type->block) * (size_t)type->block_bytes;
            for (int r = 0; r < part->n; r++)
                type->to_f32(from + (size_t)r * w->row_bytes, rows + r * LD, (size_t)kl);
        }
        for (int r = part->n; r < kern->nr; r++)
            memset(rows + r * LD, 0, sizeof *rows * (size_t)kl);
        kern->pack[LL_F32]((const uint8_t *)rows, LD * sizeof *rows, kl, panel);
    }
}

void ll_pack_w(const struct ll_kernels *kern, const struct ll_mat *w, const struct ll_part *part, int pairs,
               float *panel)
{
    assert(part->kl > 0 && part->n > 0 && part->n <= kern->nr && part->n0 + part->n <= w->n
           && part->k0 + part->kl <= w->k);
    const ll_pack_fn pack = pairs ? kern->pack_pairs : kern->pack[w->type];
    if (w->transposed)
        pack_transposed(kern, w, part, panel);
    else if (w->packed || !pack || part->n < kern->nr)
        pack_by_rows(kern, w, part, panel);
    else
        pack(w->data + (size_t)part->n0 * w->row_bytes + ll_wtype_row_bytes(w->type, part->k0), w->row_bytes,
             part->kl, panel);
}

/* ---- x ---------------------------------------------------------------------------------------- */

int ll_tile_rows(const struct ll_kernels *kern, int left)
{
    if (left <= kern->mr)
        return left;
    return left >= 2 * kern->mr ? kern->mr : (left + 1) / 2;
}

/* four columns of four rows at a time: what a compiler turns into a transposition in registers */
static void pack_tile(const float *x, long ldx, int rows, int k, float *out)
{
    int i = 0;
    for (; i + 4 <= rows; i += 4) {
        const float *a = x + i * ldx, *b = a + ldx, *c = b + ldx, *d = c + ldx;
        float *to = out + i;
        for (int j = 0; j < k; j++, to += rows) {
            to[0] = a[j];
            to[1] = b[j];
            to[2] = c[j];
            to[3] = d[j];
        }
    }
    for (; i < rows; i++)
        for (int j = 0; j < k; j++)
            out[(long)j * rows + i] = x[i * ldx + j];
}

void ll_pack_x(const struct ll_kernels *kern, const float *x, long ldx, int m, int k, float *out, int part,
               int n_parts)
{
    for (int m0 = 0, rows, turn = 0; m0 < m; m0 += rows, turn++) {
        rows = ll_tile_rows(kern, m - m0);
        if (turn % n_parts == part)
            pack_tile(x + m0 * ldx, ldx, rows, k, out + (long)m0 * k);
    }
}
