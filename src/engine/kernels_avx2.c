/* kernels_avx2.c - rule B on AVX2: 6 rows of x by 16 columns keep 12 of the 16 registers as sums. */
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "simd_avx2.h"

#include "vec_impl.h"

enum { MR = 6, NV = 1 };
#include "tile_impl.h"

#include "pack_x86.h"

#include "fused_x86.h"

TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)

const struct ll_kernels ll_kernels_avx2 = {
    .name = "avx2",
    .nr = NR,
    .mr = MR,
    .panel_k = LL_PANEL_K,
    .pair_m = 32,
    .tile = {0, tile_1, tile_2, tile_3, tile_4, tile_5, tile_6},
    .tile_pairs = {0, pairs_1, pairs_2, pairs_3, pairs_4, pairs_5, pairs_6},
    .pack = {[LL_F32] = pack_f32, [LL_F16] = pack_f16, [LL_BF16] = pack_bf16},
    .pack_pairs = pack_pairs,
    .fused_m = FUSED_M,
    .fused_n = FUSED_N,
    .fused = {[LL_F32] = fused_f32, [LL_F16] = fused_f16, [LL_BF16] = fused_bf16},
    .softmax = softmax_row,
    .vec = VEC_TABLE,
    .ops = OPS_TABLE,
};
#endif
