/* kernels_avx2.c - rule L16 on AVX2: the sixteen chains of an output are two registers; a block of 3 rows of
 * x by 2 rows of w keeps 12 of the 16 registers as accumulators. */
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "simd_avx2.h"

#include "vec_impl.h"

enum { NR = 2 };

static int x_rows(int left) { return left >= 5 || left == 3 ? 3 : left == 4 ? 2 : left; }

/* ---- widening -------------------------------------------------------------------------------- */

/* 8 bf16 at p -> float: the 16 bytes in both halves, then a byte shuffle puts each word into an upper half */
LL_INLINE __m256 load8_bf16(const uint8_t *p)
{
    const __m256i spread = _mm256_setr_epi8(-1, -1, 0, 1, -1, -1, 2, 3, -1, -1, 4, 5, -1, -1, 6, 7, -1, -1, 8,
                                            9, -1, -1, 10, 11, -1, -1, 12, 13, -1, -1, 14, 15);
    return _mm256_castsi256_ps(
        _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)p)), spread));
}
LL_INLINE v16 load16(enum ll_dtype type, const uint8_t *p)
{
    if (type == LL_BF16)
        return (v16){load8_bf16(p), load8_bf16(p + 16)};
    if (type == LL_F16)
        return (v16){_mm256_cvtph_ps(_mm_loadu_si128((const void *)p)),
                     _mm256_cvtph_ps(_mm_loadu_si128((const void *)(p + 16)))};
    return (v16){_mm256_loadu_ps((const void *)p), _mm256_loadu_ps((const void *)(p + 32))};
}
LL_INLINE void widen(enum ll_dtype type, const uint8_t *w, size_t row_bytes, int n, int k0, int kl,
                     float *panel, long group_stride)
{
    const size_t size = type == LL_F32 ? 4 : 2;
    const int whole = kl & ~15;
    for (int r = 0; r < (n + NR - 1) / NR * NR; r++) {
        float *out = panel + r / NR * group_stride + r % NR * 16;
        const uint8_t *p = w + (size_t)r * row_bytes + size * (size_t)k0;
        int k = 0;
        if (r < n)
            for (; k < whole; k += 16, out += 16 * NR)
                v_store(out, load16(type, p + size * (size_t)k));
        if (r < n && k < kl) { /* through a buffer: nothing is read past the row */
            uint8_t rest[64] = {0};
            memcpy(rest, p + size * (size_t)k, size * (size_t)(kl - k));
            v_store(out, load16(type, rest));
        } else
            for (; k < kl; k += 16, out += 16 * NR)
                v_store(out, v_set(0.0f));
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

/* 8 weights at p */
LL_INLINE __m256 load8(enum source source, const uint8_t *p)
{
    if (source == RAW_BF16)
        return load8_bf16(p);
    return source == RAW_F16 ? _mm256_cvtph_ps(_mm_loadu_si128((const void *)p))
                             : _mm256_loadu_ps((const void *)p);
}

/* rows of x (1..3) by groups of NR rows of w (1 or 2): all four arguments before b are constants where this
 * is inlined */
LL_INLINE void block(const int rows, const int groups, const enum source source, const int keep,
                     const struct block *b)
{
    const size_t size = source == RAW_F32 ? 4 : 2;
    const float *x = b->x, *w = b->w;
    const uint8_t *next = b->next, *raw = b->raw;
    float *kept = b->keep;
    v16 acc[3][2 * NR];
#pragma GCC unroll 3
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < groups * NR; j++)
            acc[i][j] = v_set(0.0f);
    for (int k = b->kb; k > 0; k -= 16) {
        _mm_prefetch((const void *)next, _MM_HINT_T0);
#pragma GCC unroll 2
        for (int half = 0; half < 2;
             half++) { /* one half of the lanes after the other: fewer registers at once */
            __m256 wv[2 * NR];
#pragma GCC unroll 4
            for (int j = 0; j < groups * NR; j++) {
                if (source == PANEL)
                    wv[j] = _mm256_loadu_ps(w + j / NR * b->group_stride + j % NR * 16 + 8 * half);
                else
                    wv[j] = load8(source, raw + (size_t)j * b->row_bytes + 8 * size * (size_t)half);
                if (keep)
                    _mm256_storeu_ps(kept + 16 * j + 8 * half, wv[j]);
            }
#pragma GCC unroll 3
            for (int i = 0; i < rows; i++) {
                __m256 xv = _mm256_loadu_ps(x + 16 * i + 8 * half);
                __asm__("" : "+x"(xv)); /* keep it one load */
#pragma GCC unroll 4
                for (int j = 0; j < groups * NR; j++)
                    if (half)
                        acc[i][j].b = _mm256_fmadd_ps(xv, wv[j], acc[i][j].b);
                    else
                        acc[i][j].a = _mm256_fmadd_ps(xv, wv[j], acc[i][j].a);
            }
        }
        x += 16 * rows;
        w += 16 * NR;
        raw += 16 * size;
        kept += 16 * NR;
        next += b->next_step;
    }
#pragma GCC unroll 3
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < groups * NR; j++) {
            float v = v_tree(acc[i][j]), *y = b->y + i * b->ldy + j;
            *y = b->first ? v : *y + v;
        }
}
typedef void (*block_fn)(const struct block *b);
#define BLOCK(NAME, ROWS, GROUPS, SOURCE, KEEP) \
    static void NAME(const struct block *b) { block(ROWS, GROUPS, SOURCE, KEEP, b); }
#define THREE_BLOCKS(NAME, SOURCE, KEEP) \
    BLOCK(NAME##_1, 1, 1, SOURCE, KEEP) \
    BLOCK(NAME##_2, 2, 1, SOURCE, KEEP) \
    BLOCK(NAME##_3, 3, 1, SOURCE, KEEP) static const block_fn NAME[4] = {0, NAME##_1, NAME##_2, NAME##_3};
THREE_BLOCKS(by_group, PANEL, 0)
BLOCK(by_two_1, 1, 2, PANEL, 0)
THREE_BLOCKS(raw_f32, RAW_F32, 0)
THREE_BLOCKS(raw_f16, RAW_F16, 0)
THREE_BLOCKS(raw_bf16, RAW_BF16, 0)
THREE_BLOCKS(keep_f32, RAW_F32, 1)
THREE_BLOCKS(keep_f16, RAW_F16, 1)
THREE_BLOCKS(keep_bf16, RAW_BF16, 1)

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
    for (int m = 0; m < t->m; m += x_rows(t->m - m))
        calls += t->n_groups;
    struct block b = {.group_stride = t->group_stride, .kb = t->kb, .ldy = t->ldy, .first = t->first};
    const long share = prefetch_share(t, calls, &b);
    for (int m = 0, rows; m < t->m; m += rows) {
        rows = x_rows(t->m - m);
        b.x = t->x + (long)m * t->kb;
        for (int g = 0, groups; g < t->n_groups; g += groups) {
            groups = rows == 1 && g + 2 <= t->n_groups ? 2 : 1;
            b.w = t->w + g * t->group_stride;
            b.y = t->y + m * t->ldy + g * NR;
            (groups == 2 ? by_two_1 : by_group[rows])(&b);
            b.next += groups * share;
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

const struct ll_kernels ll_kernels_avx2 = {
    .name = "avx2",
    .nr = NR,
    .small_m = 96,
    .x_rows = x_rows,
    .tile = tile,
    .widen = {[LL_F32] = widen_f32, [LL_F16] = widen_f16, [LL_BF16] = widen_bf16},
    .fused = {[LL_F32] = fused_f32, [LL_F16] = fused_f16, [LL_BF16] = fused_bf16},
    .softmax = softmax_row,
    .vec = VEC_TABLE,
    .ops = OPS_TABLE,
};
#endif
