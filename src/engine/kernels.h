/* kernels.h - what a vector unit provides to the engine: one table of functions a unit, all giving the same
 * bits.
 *
 * Panels (a layout only; no part of rule L16, see engine.h). A group of R rows over one block of columns is
 * stored as [kb/16][R][16] floats, kb the block's length padded with zeros to a multiple of 16, so that a
 * kernel reads two linear streams. Rows of x are grouped by x_rows(); rows of w by `nr`. */
#ifndef LL_KERNELS_H
#define LL_KERNELS_H
#include "engine.h"

enum {
    LL_BLOCK = 1024,     /* columns in a block of rule L16 */
    LL_PANEL_ROWS = 128, /* rows of w widened at a time: 128 x 1024 floats = 512 KiB, half of a usual L2 */
};

/* One block of columns: y[m][n] = value of the block (first) or y + value, for n_groups groups of nr rows of
 * w. */
struct ll_tile {
    const float *x; /* packed rows of x for this block */
    int m;
    const float *w;    /* packed groups of w */
    long group_stride; /* floats from one group of w to the next */
    int n_groups, kb;
    float *y; /* [m, n_groups * nr], row stride ldy: every column of the last group is written */
    long ldy;
    int first;
    const uint8_t
        *next; /* bytes that will be wanted next (asked for evenly while this is computed), or NULL */
    long next_bytes;
};

struct ll_kernels {
    const char *name;
    int nr;      /* rows of w in a group */
    int small_m; /* up to so many rows of x, widening in registers (fused) was measured to be faster */
    int (*x_rows)(int left); /* how many rows of x the next group takes of the `left` ones */

    /* Columns k0..k0+kl of n rows (stride row_bytes, row 0 at w) -> groups of nr; missing rows and columns
     * become 0. NULL: no fast path for this type (ll_widen falls back to the conversion of dtype.h). */
    void (*widen[LL_N_DTYPES])(const uint8_t *w, size_t row_bytes, int n, int k0, int kl, float *panel,
                               long group_stride);

    void (*tile)(const struct ll_tile *t);
    /* The same for one group of nr whole rows read as stored from `raw` (column k0 of row 0) and widened in
     * registers; t->kb columns must exist. `panel` is scratch for one group. NULL entries: not available. */
    void (*fused[LL_N_DTYPES])(const struct ll_tile *t, const uint8_t *raw, size_t row_bytes, float *panel);

    /* row[lo..hi) -> softmax over it; lo and hi are multiples of 16, masked entries are -inf. Order: see
     * ll_attn. */
    void (*softmax)(float *row, int lo, int hi);
    struct ll_vec vec;
    struct ll_tile_ops ops;
};

/* The tables. A unit that this build lacks has none; dispatch.c knows which to name. */
extern const struct ll_kernels ll_kernels_plain, ll_kernels_avx2, ll_kernels_avx512, ll_kernels_neon;
/* The best unit this processor has, or the one LL_ENGINE_ISA names; NULL with *err set when there is none of
 * that name. */
const struct ll_kernels *ll_kernels_choose(struct ll_err *err);

/* ---- storage types (wtype.c) ----------------------------------------------------------------- */
/* Columns k0..k0+kl (kl <= LL_BLOCK, k0 a multiple of LL_BLOCK) of rows n0..n0+n of w -> groups, by the best
 * way there is. */
void ll_widen(const struct ll_kernels *k, const struct ll_mat *w, int n0, int n, int k0, int kl, float *panel,
              long group_stride);

/* ---- packing (pack.c) ------------------------------------------------------------------------ */
static inline int ll_pad16(int k) { return (k + 15) & ~15; }
/* Rows of x, columns 0..k, for all blocks: the block that starts at k0 lies at out + m * k0, in it the group
 * that starts at row m0 at + m0 * kb. Needs m * ll_pad16(k) floats. Part `part` of n_parts does every
 * n_parts-th group. */
void ll_pack_x(const struct ll_kernels *kern, const float *x, long ldx, int m, int k, float *out, int part,
               int n_parts);
/* 16 rows of v (positions s..s+16, those >= n_pos are 0), d columns, transposed into groups of nr columns at
 * panel: panel[(c / nr) * group_stride + (c % nr) * 16 + j] = v[s + j][c]. Returns 1 when a value is not
 * finite. */
int ll_pack_v16(const float *v, long ldv, int s, int n_pos, int d, int nr, float *panel, long group_stride);
#endif
