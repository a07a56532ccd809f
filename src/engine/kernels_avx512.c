/* kernels_avx512.c - rule L16 on AVX-512: the sixteen chains of an output are one register, so neither
 * operand has to be transposed. A block of 6 rows of x by 4 rows of w keeps 24 of the 32 registers as
 * accumulators (1..3 rows of x: 8 rows of w); the lanes are folded by the rule's tree, sixteen outputs at a
 * time. */
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include "simd_avx512.h"

#include "vec_impl.h"

enum { NR = 4, MAX_ROWS = 6 };

/* how many rows the next register block takes: spread so that no block is tiny */
static int x_rows(int left)
{
    if (left <= MAX_ROWS)
        return left;
    return left >= 2 * MAX_ROWS ? MAX_ROWS : (left + 1) / 2;
}

/* ---- widening -------------------------------------------------------------------------------- */

/* 16 bf16 -> float: one word permutation that also clears the low halves */
LL_INLINE __m512 bf16_to_float(__m256i h)
{
    const __m512i idx = _mm512_set_epi16(15, 0, 14, 0, 13, 0, 12, 0, 11, 0, 10, 0, 9, 0, 8, 0, 7, 0, 6, 0, 5,
                                         0, 4, 0, 3, 0, 2, 0, 1, 0, 0, 0);
    return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(0xaaaaaaaau, idx, _mm512_castsi256_si512(h)));
}
LL_INLINE __m512 load16(enum ll_dtype type, const uint8_t *p)
{
    if (type == LL_F32)
        return _mm512_loadu_ps((const void *)p);
    __m256i h = _mm256_loadu_si256((const void *)p);
    return type == LL_F16 ? _mm512_cvtph_ps(h) : bf16_to_float(h);
}
/* the first n of 16, zeros after them; bytes past the n-th are not read */
LL_INLINE __m512 load_part(enum ll_dtype type, const uint8_t *p, int n)
{
    const __mmask16 some = (__mmask16)((1u << n) - 1);
    if (type == LL_F32)
        return _mm512_maskz_loadu_ps(some, (const void *)p);
    __m256i h = _mm256_maskz_loadu_epi16(some, (const void *)p);
    return type == LL_F16 ? _mm512_cvtph_ps(h) : bf16_to_float(h);
}
LL_INLINE size_t type_size(enum ll_dtype type) { return type == LL_F32 ? 4 : 2; }

LL_INLINE void widen(enum ll_dtype type, const uint8_t *w, size_t row_bytes, int n, int k0, int kl,
                     float *panel, long group_stride)
{
    const size_t size = type_size(type);
    for (int g = 0; g < n; g += NR, panel += group_stride) {
        float *out = panel;
        const uint8_t *p = w + (size_t)g * row_bytes + size * (size_t)k0;
        int k = 0;
        if (g + NR <= n)
            for (; k + 16 <= kl; k += 16, p += 16 * size, out += 16 * NR)
#pragma GCC unroll 4
                for (int i = 0; i < NR; i++)
                    _mm512_store_ps(out + 16 * i, load16(type, p + (size_t)i * row_bytes));
        for (; k < kl; k += 16, p += 16 * size, out += 16 * NR)
            for (int i = 0; i < NR; i++) {
                __m512 v = _mm512_setzero_ps();
                if (g + i < n)
                    v = load_part(type, p + (size_t)i * row_bytes, kl - k < 16 ? kl - k : 16);
                _mm512_store_ps(out + 16 * i, v);
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

/* ---- folding --------------------------------------------------------------------------------- */

/* the first two steps of the tree for four outputs: quarter q of the result holds the four sums t4 of output
 * q */
LL_INLINE __m512 fold4(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    return _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
}
/* the last two steps for four such registers, then sorted: quarter i holds the four outputs of register i */
LL_INLINE __m512 fold16(__m512 p, __m512 q, __m512 r, __m512 s)
{
    __m512 pq = _mm512_add_ps(_mm512_shuffle_ps(p, q, 0x44), _mm512_shuffle_ps(p, q, 0xee));
    __m512 rs = _mm512_add_ps(_mm512_shuffle_ps(r, s, 0x44), _mm512_shuffle_ps(r, s, 0xee));
    __m512 all = _mm512_add_ps(_mm512_shuffle_ps(pq, rs, 0x88), _mm512_shuffle_ps(pq, rs, 0xdd));
    return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                 all);
}
LL_INLINE void put4(float *y, __m128 v, int first)
{
    _mm_storeu_ps(y, first ? v : _mm_add_ps(_mm_loadu_ps(y), v));
}

/* ---- products -------------------------------------------------------------------------------- */

/* where a block takes w from: a panel, or rows as stored, widened in registers */
enum source { PANEL, RAW_F32, RAW_F16, RAW_BF16 };

struct block {
    const float *x, *w; /* one group of x; PANEL: one or two groups of w */
    long group_stride;
    const uint8_t *raw; /* RAW: NR rows as stored, row_bytes apart */
    size_t row_bytes;
    float *keep; /* RAW: the widened group is left here when the variant keeps it */
    int kb;
    float *y;
    long ldy;
    int first;
    const uint8_t *next; /* asked for, next_step bytes further every 16 columns */
    long next_step;
};

/* rows (1..6) of x by groups (1 or 2) of w; all four arguments before b are constants where this is inlined
 */
LL_INLINE void block(const int rows, const int groups, const enum source source, const int keep,
                     const struct block *b)
{
    const enum ll_dtype type = source == RAW_F32 ? LL_F32 : source == RAW_F16 ? LL_F16 : LL_BF16;
    const int cols = groups * NR;
    const float *x = b->x, *w = b->w;
    const uint8_t *next = b->next, *raw = b->raw;
    float *kept = b->keep;
    __m512 acc[MAX_ROWS][2 * NR];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int j = 0; j < cols; j++)
            acc[i][j] = _mm512_setzero_ps();
    for (int k = b->kb; k > 0; k -= 16) {
        __m512 wv[2 * NR];
#pragma GCC unroll 8
        for (int j = 0; j < cols; j++) {
            if (source == PANEL)
                wv[j] = _mm512_loadu_ps(w + j / NR * b->group_stride + j % NR * 16);
            else
                wv[j] = load16(type, raw + (size_t)j * b->row_bytes);
            if (keep)
                _mm512_store_ps(kept + 16 * j, wv[j]);
        }
#pragma GCC unroll 4
        for (int j = 0; j < 2 * groups; j++)
            _mm_prefetch((const void *)(next + 64 * j), _MM_HINT_T0);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            __m512 xv = _mm512_loadu_ps(x + 16 * i);
#pragma GCC unroll 8
            for (int j = 0; j < cols; j++)
                acc[i][j] = _mm512_fmadd_ps(xv, wv[j], acc[i][j]);
        }
        x += 16 * rows;
        w += 16 * NR;
        raw += 16 * type_size(type);
        kept += 16 * NR;
        next += b->next_step;
    }
#pragma GCC unroll 2
    for (int g = 0; g < cols; g += NR) {
        __m512 part[8];
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++)
            part[i] = i < rows ? fold4(acc[i < rows ? i : 0][g], acc[i < rows ? i : 0][g + 1],
                                       acc[i < rows ? i : 0][g + 2], acc[i < rows ? i : 0][g + 3])
                               : _mm512_setzero_ps();
#pragma GCC unroll 2
        for (int i = 0; i < rows; i += 4) {
            __m512 v = fold16(part[i], part[i + 1], part[i + 2], part[i + 3]);
            float *y = b->y + i * b->ldy + g;
            put4(y, _mm512_extractf32x4_ps(v, 0), b->first);
            if (i + 1 < rows)
                put4(y + b->ldy, _mm512_extractf32x4_ps(v, 1), b->first);
            if (i + 2 < rows)
                put4(y + 2 * b->ldy, _mm512_extractf32x4_ps(v, 2), b->first);
            if (i + 3 < rows)
                put4(y + 3 * b->ldy, _mm512_extractf32x4_ps(v, 3), b->first);
        }
    }
}

typedef void (*block_fn)(const struct block *b);
#define BLOCK(NAME, ROWS, GROUPS, SOURCE, KEEP) \
    static void NAME(const struct block *b) { block(ROWS, GROUPS, SOURCE, KEEP, b); }
/* clang-format off */
#define SIX_BLOCKS(NAME, SOURCE, KEEP) \
    BLOCK(NAME##_1, 1, 1, SOURCE, KEEP) BLOCK(NAME##_2, 2, 1, SOURCE, KEEP) BLOCK(NAME##_3, 3, 1, SOURCE, \
    KEEP) \
    BLOCK(NAME##_4, 4, 1, SOURCE, KEEP) BLOCK(NAME##_5, 5, 1, SOURCE, KEEP) BLOCK(NAME##_6, 6, 1, SOURCE, \
    KEEP) \
    static const block_fn NAME[MAX_ROWS + 1] = {0, NAME##_1, NAME##_2, NAME##_3, NAME##_4, NAME##_5, \
    NAME##_6};
/* clang-format on */
SIX_BLOCKS(by_group, PANEL, 0)
BLOCK(by_two_1, 1, 2, PANEL, 0)
BLOCK(by_two_2, 2, 2, PANEL, 0)
BLOCK(by_two_3, 3, 2, PANEL, 0)
static const block_fn by_two[4] = {0, by_two_1, by_two_2, by_two_3};
SIX_BLOCKS(raw_f32, RAW_F32, 0)
SIX_BLOCKS(raw_f16, RAW_F16, 0)
SIX_BLOCKS(raw_bf16, RAW_BF16, 0)
SIX_BLOCKS(keep_f32, RAW_F32, 1)
SIX_BLOCKS(keep_f16, RAW_F16, 1)
SIX_BLOCKS(keep_bf16, RAW_BF16, 1)

/* the bytes to ask for ahead, dealt out evenly over `calls` blocks: sets b->next and next_step, returns the
 * share of a call */
static long prefetch_share(const struct ll_tile *t, int calls, struct block *b)
{
    long share = t->next ? (t->next_bytes + calls - 1) / calls : 0, steps = t->kb / 16;
    b->next = t->next ? t->next : (const uint8_t *)t->x;
    b->next_step = (share + steps - 1) / steps;
    return share;
}

static void tile(const struct ll_tile *t)
{
    int calls = 0;
    for (int m = 0, rows; m < t->m; m += rows) {
        rows = x_rows(t->m - m);
        calls += rows <= 3 ? (t->n_groups + 1) / 2 : t->n_groups;
    }
    struct block b = {.group_stride = t->group_stride, .kb = t->kb, .ldy = t->ldy, .first = t->first};
    const long share = prefetch_share(t, calls, &b);
    for (int m = 0, rows; m < t->m; m += rows) {
        rows = x_rows(t->m - m);
        b.x = t->x + (long)m * t->kb;
        /* the next group of x comes from L2 or L3: ask for it in equal parts, one part a block */
        const int next_rows = m + rows < t->m ? x_rows(t->m - m - rows) : 0;
        const char *next_x = (const char *)(b.x + (long)rows * t->kb);
        const long part = next_rows ? ((long)next_rows * t->kb * 4 / t->n_groups + 127) & ~63L : 0;
        for (int g = 0, groups; g < t->n_groups; g += groups) {
            groups = rows <= 3 && g + 2 <= t->n_groups ? 2 : 1;
            for (long q = 0; q < part; q += 64)
                _mm_prefetch(next_x + q, _MM_HINT_T1);
            next_x += part;
            b.w = t->w + g * t->group_stride;
            b.y = t->y + m * t->ldy + g * NR;
            (groups == 2 ? by_two : by_group)[rows](&b);
            b.next += share;
        }
    }
}

/* One group as stored: widened by the first block of rows, which leaves the panel for the others. */
static void fused(const block_fn *raw_fn, const block_fn *keep_fn, const struct ll_tile *t,
                  const uint8_t *raw, size_t row_bytes, float *panel)
{
    int calls = 0;
    for (int m = 0; m < t->m; m += x_rows(t->m - m))
        calls++;
    struct block b = {.w = panel,
                      .raw = raw,
                      .row_bytes = row_bytes,
                      .keep = panel,
                      .kb = t->kb,
                      .ldy = t->ldy,
                      .first = t->first};
    const long share = prefetch_share(t, calls, &b);
    for (int m = 0, rows; m < t->m; m += rows, b.next += share) {
        rows = x_rows(t->m - m);
        b.x = t->x + (long)m * t->kb;
        b.y = t->y + m * t->ldy;
        (m ? by_group : rows < t->m ? keep_fn : raw_fn)[rows](&b);
    }
}
#define FUSED(NAME, RAW, KEEP) \
    static void NAME(const struct ll_tile *t, const uint8_t *raw, size_t row_bytes, float *panel) \
    { \
        fused(RAW, KEEP, t, raw, row_bytes, panel); \
    }
FUSED(fused_f32, raw_f32, keep_f32)
FUSED(fused_f16, raw_f16, keep_f16)
FUSED(fused_bf16, raw_bf16, keep_bf16)

const struct ll_kernels ll_kernels_avx512 = {
    .name = "avx512",
    .nr = NR,
    .small_m = 192,
    .x_rows = x_rows,
    .tile = tile,
    .widen = {[LL_F32] = widen_f32, [LL_F16] = widen_f16, [LL_BF16] = widen_bf16},
    .fused = {[LL_F32] = fused_f32, [LL_F16] = fused_f16, [LL_BF16] = fused_bf16},
    .softmax = softmax_row,
    .vec = VEC_TABLE,
    .ops = OPS_TABLE,
};
#endif
