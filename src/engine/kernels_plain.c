/* kernels_plain.c - rule B in scalar C with fmaf: the specification the other units must match. */
#include "simd_plain.h"

#include "vec_impl.h"

enum { MR = 2, NV = 1 };
#include "tile_impl.h"

TILE(1)
TILE(2)

static void pack_f32(const uint8_t *w, size_t row_bytes, int kl, float *panel)
{
    for (int i = 0; i < NR; i++)
        for (int k = 0; k < kl; k++)
            memcpy(&panel[(long)k * NR + i], w + (size_t)i * row_bytes + 4 * (size_t)k, 4);
}

const struct ll_kernels ll_kernels_plain = {
    .name = "plain",
    .nr = NR,
    .mr = MR,
    .panel_k = LL_PANEL_K,
    .tile = {0, tile_1, tile_2},
    .tile_pairs = {0, pairs_1, pairs_2},
    .pack = {[LL_F32] = pack_f32},
    .softmax = softmax_row,
    .vec = VEC_TABLE,
    .ops = OPS_TABLE,
};
