/* kernels_avx512.c - rule B on AVX-512: 12 rows of x by 32 columns keep 24 of the 32 registers as sums. */
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include "simd_avx512.h"

#include "vec_impl.h"

enum { MR = 12, NV = 2 };
#include "tile_impl.h"

#include "pack_x86.h"

#include "fused_x86.h"

TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
TILE(7)
TILE(8)
TILE(9)
TILE(10)
TILE(11)
TILE(12)

const struct ll_kernels ll_kernels_avx512 = {
    .name = "avx512",
    .nr = NR,
    .mr = MR,
    .panel_k = LL_CHAIN,
    .pair_m = 32,
    .tile = {0, tile_1, tile_2, tile_3, tile_4, tile_5, tile_6, tile_7, tile_8, tile_9, tile_10, tile_11,
             tile_12},
    .tile_pairs = {0, pairs_1, pairs_2, pairs_3, pairs_4, pairs_5, pairs_6, pairs_7, pairs_8, pairs_9,
                   pairs_10, pairs_11, pairs_12},
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
