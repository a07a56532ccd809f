/* kernels_avx2.c - rule L16 on AVX2: the sixteen chains of an output are two registers; a block of 3 rows of x by 2 rows
 * of w keeps 12 of the 16 registers as accumulators. */
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "simd_avx2.h"

#include "vec_impl.h"

enum { NR = 2 };

static int x_rows(int left) { return left >= 5 || left == 3 ? 3 : left == 4 ? 2 : left; }

/* ---- widening ---- */

/* 8 bf16 at p -> float: the 16 bytes in both halves, then a byte shuffle puts each word into an upper half */
LL_INLINE __m256 load8_bf16(const uint8_t *p)
{
    const __m256i spread = _mm256_setr_epi8(-1, -1, 0, 1, -1, -1, 2, 3, -1, -1, 4, 5, -1, -1, 6, 7, -1, -1, 8, 9, -1, -1, 10, 11, -1, -1, 12, 13, -1, -1, 14, 15);
    return _mm256_castsi256_ps(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)p)), spread));
}
LL_INLINE v16 load16(enum ll_wtype type, const uint8_t *p)
{
    if (type == LL_W_BF16)
        return (v16){load8_bf16(p), load8_bf16(p + 16)};
    if (type == LL_W_F16)
        return (v16){_mm256_cvtph_ps(_mm_loadu_si128((const void *)p)), _mm256_cvtph_ps(_mm_loadu_si128((const void *)(p + 16)))};
    return (v16){_mm256_loadu_ps((const void *)p), _mm256_loadu_ps((const void *)(p + 32))};
}
LL_INLINE void widen(enum ll_wtype type, const uint8_t *w, size_t row_bytes, int n, int k0, int kl, float *panel, long group_stride)
{
    const size_t size = type == LL_W_F32 ? 4 : 2;
    const int whole = kl & ~15;
    for (int r = 0; r < (n + NR - 1) / NR * NR; r++) {
        float *out = panel + r / NR * group_stride + r % NR * 16;
        const uint8_t *p = w + (size_t)r * row_bytes + size * (size_t)k0;
        int k = 0;
        if (r < n)
            for (; k < whole; k += 16, out += 16 * NR)
                v_store(out, load16(type, p + size * (size_t)k));
        if (r < n && k < kl) {   /* through a buffer: nothing is read past the row */
            uint8_t rest[64] = {0};
            memcpy(rest, p + size * (size_t)k, size * (size_t)(kl - k));
            v_store(out, load16(type, rest));
        } else
            for (; k < kl; k += 16, out += 16 * NR)
                v_store(out, v_set(0.0f));
    }
}
#define WIDEN(NAME, TYPE)                                                                                              \
    static void NAME(const uint8_t *w, size_t row_bytes, int n, int k0, int kl, float *panel, long group_stride)      \
    {                                                                                                                  \
        widen(TYPE, w, row_bytes, n, k0, kl, panel, group_stride);                                                     \
    }
WIDEN(widen_f32, LL_W_F32)
WIDEN(widen_f16, LL_W_F16)
WIDEN(widen_bf16, LL_W_BF16)

/* ---- products ---- */

struct block {
    const float *x, *w;      /* one group of x; one or two groups of w */
    long group_stride;
    int kb;
    float *y;
    long ldy;
    int first;
    const uint8_t *next;     /* asked for, next_step bytes further every 16 columns */
    long next_step;
};

/* rows of x (1..3) by groups of NR rows of w (1 or 2): both constants where this is inlined */
LL_INLINE void block(const int rows, const int groups, const struct block *b)
{
    const float *x = b->x, *w = b->w;
    const uint8_t *next = b->next;
    v16 acc[3][2 * NR];
#pragma GCC unroll 3
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < groups * NR; j++)
            acc[i][j] = v_set(0.0f);
    for (int k = b->kb; k > 0; k -= 16, x += 16 * rows, w += 16 * NR, next += b->next_step) {
        _mm_prefetch((const void *)next, _MM_HINT_T0);
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {   /* one half of the lanes after the other: fewer registers at once */
            __m256 wv[2 * NR];
#pragma GCC unroll 4
            for (int j = 0; j < groups * NR; j++)
                wv[j] = _mm256_loadu_ps(w + j / NR * b->group_stride + j % NR * 16 + 8 * half);
#pragma GCC unroll 3
            for (int i = 0; i < rows; i++) {
                __m256 xv = _mm256_loadu_ps(x + 16 * i + 8 * half);
                __asm__("" : "+x"(xv));   /* keep it one load */
#pragma GCC unroll 4
                for (int j = 0; j < groups * NR; j++)
                    if (half)
                        acc[i][j].b = _mm256_fmadd_ps(xv, wv[j], acc[i][j].b);
                    else
                        acc[i][j].a = _mm256_fmadd_ps(xv, wv[j], acc[i][j].a);
            }
        }
    }
#pragma GCC unroll 3
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < groups * NR; j++) {
            float v = v_tree(acc[i][j]), *y = b->y + i * b->ldy + j;
            *y = b->first ? v : *y + v;
        }
}
#define BLOCK(NAME, ROWS, GROUPS) \
    static void NAME(const struct block *b) { block(ROWS, GROUPS, b); }
BLOCK(block_3x2, 3, 1)
BLOCK(block_2x2, 2, 1)
BLOCK(block_1x2, 1, 1)
BLOCK(block_1x4, 1, 2)

static void tile(const struct ll_tile *t)
{
    int calls = 0;
    for (int m = 0; m < t->m; m += x_rows(t->m - m))
        calls += t->n_groups;
    long share = t->next ? (t->next_bytes + calls - 1) / calls : 0, steps = t->kb / 16;
    struct block b = {.group_stride = t->group_stride, .kb = t->kb, .ldy = t->ldy, .first = t->first,
                      .next = t->next ? t->next : (const uint8_t *)t->x, .next_step = (share + steps - 1) / steps};
    for (int m = 0, rows; m < t->m; m += rows) {
        rows = x_rows(t->m - m);
        b.x = t->x + (long)m * t->kb;
        for (int g = 0, groups; g < t->n_groups; g += groups) {
            groups = rows == 1 && g + 2 <= t->n_groups ? 2 : 1;
            b.w = t->w + g * t->group_stride;
            b.y = t->y + m * t->ldy + g * NR;
            (groups == 2 ? block_1x4 : rows == 3 ? block_3x2 : rows == 2 ? block_2x2 : block_1x2)(&b);
            b.next += groups * share;
        }
    }
}

const struct ll_kernels ll_kernels_avx2 = {
    .name = "avx2", .nr = NR, .x_rows = x_rows, .tile = tile,
    .widen = {[LL_W_F32] = widen_f32, [LL_W_F16] = widen_f16, [LL_W_BF16] = widen_bf16},
    .softmax = softmax_row, .vec = VEC_TABLE, .ops = OPS_TABLE,
};
#endif
