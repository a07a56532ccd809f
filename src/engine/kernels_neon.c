/* kernels_neon.c - rule B on NEON: 6 rows of x by 16 columns keep 24 of the 32 registers as sums. Compared
 * bit for bit with plain C under an emulator (qemu-user) only: not run on hardware, not tuned. */
#if defined(__aarch64__)
#include "simd_neon.h"

#include "vec_impl.h"

enum { MR = 6, NV = 1 };
#include "tile_impl.h"

TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)

/* four columns of sixteen rows at a time */
static void pack_f32(const uint8_t *w, size_t row_bytes, int kl, float *panel)
{
    int k = 0;
    for (; k + 4 <= kl; k += 4)
        for (int i = 0; i < NR; i += 4) {
            float32x4x4_t four;
            for (int r = 0; r < 4; r++)
                four.val[r] = vreinterpretq_f32_u8(vld1q_u8(w + (size_t)(i + r) * row_bytes + 4 * (size_t)k));
            float columns[16]; /* [row][column] by the interleaving store: column after column of four rows */
            vst4q_f32(columns, four);
            for (int c = 0; c < 4; c++)
                memcpy(panel + (long)(k + c) * NR + i, columns + 4 * c, 16);
        }
    for (; k < kl; k++)
        for (int i = 0; i < NR; i++)
            memcpy(&panel[(long)k * NR + i], w + (size_t)i * row_bytes + 4 * (size_t)k, 4);
}

const struct ll_kernels ll_kernels_neon = {
    .name = "neon",
    .nr = NR,
    .mr = MR,
    .panel_k = LL_PANEL_K,
    .tile = {0, tile_1, tile_2, tile_3, tile_4, tile_5, tile_6},
    .tile_pairs = {0, pairs_1, pairs_2, pairs_3, pairs_4, pairs_5, pairs_6},
    .pack = {[LL_F32] = pack_f32},
    .softmax = softmax_row,
    .vec = VEC_TABLE,
    .ops = OPS_TABLE,
};
#endif
