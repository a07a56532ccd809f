/* kernels_neon.c - rule L16 on NEON: the sixteen chains of an output are four registers. Compared bit for
 * bit with plain under an emulator (qemu-user) only: not run on hardware, not tuned. */
#if defined(__aarch64__)
#include "simd_neon.h"

#include "vec_impl.h"

enum { NR = 4 };

static int x_rows(int left) { return left >= 2 ? 2 : 1; }

LL_INLINE void widen(enum ll_dtype type, const uint8_t *w, size_t row_bytes, int n, int k0, int kl,
                     float *panel, long group_stride)
{
    const size_t size = type == LL_F32 ? 4 : 2;
    for (int r = 0; r < (n + NR - 1) / NR * NR; r++) {
        float *out = panel + r / NR * group_stride + r % NR * 16;
        for (int k = 0; k < kl; k += 16, out += 16 * NR) {
            uint8_t raw[64] = {0}; /* through a buffer: nothing is read past the row */
            if (r < n)
                memcpy(raw, w + (size_t)r * row_bytes + size * (size_t)(k0 + k),
                       size * (size_t)(kl - k < 16 ? kl - k : 16));
            for (int q = 0; q < 4; q++) {
                const uint16x4_t half = vreinterpret_u16_u8(vld1_u8(raw + 8 * q));
                float32x4_t v = vreinterpretq_f32_u8(vld1q_u8(raw + (type == LL_F32 ? 16 : 0) * q));
                if (type == LL_BF16)
                    v = vreinterpretq_f32_u32(vshll_n_u16(half, 16));
                if (type == LL_F16)
                    v = vcvt_f32_f16(vreinterpret_f16_u16(half));
                vst1q_f32(out + 4 * q, v);
            }
        }
    }
}
#define WIDEN(NAME, TYPE) \
    static void NAME(const uint8_t *w, size_t row_bytes, int n, int k0, int kl, float *panel, \
                     long group_stride) \
    { \
        widen(TYPE, w, row_bytes, n, k0, kl, panel, group_stride); \
    }
WIDEN(widen_f32, LL_F32)
WIDEN(widen_f16, LL_F16)
WIDEN(widen_bf16, LL_BF16)

/* rows (1 or 2, constant where inlined) of x by two rows of w */
LL_INLINE void block(const int rows, const float *x, const float *w, int kb, float *y, long ldy, int first)
{
    v16 acc[2][2];
    for (int i = 0; i < rows; i++)
        acc[i][0] = acc[i][1] = v_set(0.0f);
    for (int k = 0; k < kb; k += 16, x += 16 * rows, w += 16 * NR) {
        const v16 w0 = v_load(w), w1 = v_load(w + 16);
        for (int i = 0; i < rows; i++) {
            const v16 xv = v_load(x + 16 * i);
            acc[i][0] = v_fma(xv, w0, acc[i][0]);
            acc[i][1] = v_fma(xv, w1, acc[i][1]);
        }
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < 2; j++) {
            const float v = v_tree(acc[i][j]);
            y[i * ldy + j] = first ? v : y[i * ldy + j] + v;
        }
}

static void tile(const struct ll_tile *t)
{
    for (int m = 0, rows; m < t->m; m += rows) {
        rows = x_rows(t->m - m);
        const float *x = t->x + (long)m * t->kb;
        for (int n = 0; n < t->n_groups * NR; n += 2) {
            const float *w = t->w + n / NR * t->group_stride + n % NR * 16;
            float *y = t->y + m * t->ldy + n;
            if (rows == 2)
                block(2, x, w, t->kb, y, t->ldy, t->first);
            else
                block(1, x, w, t->kb, y, t->ldy, t->first);
        }
    }
}

const struct ll_kernels ll_kernels_neon = {
    .name = "neon",
    .nr = NR,
    .x_rows = x_rows,
    .tile = tile,
    .widen = {[LL_F32] = widen_f32, [LL_F16] = widen_f16, [LL_BF16] = widen_bf16},
    .softmax = softmax_row,
    .vec = VEC_TABLE,
    .ops = OPS_TABLE,
};
#endif
