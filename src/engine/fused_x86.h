/* fused_x86.h - one or two rows of x by rows of w as stored, for both x86 units: eight rows of w by eight
 * columns are transposed in registers (pack_x86.h) and used at once. */

enum { FUSED_M = 2, FUSED_N = 32 };

/* One column of eight outputs. */
LL_INLINE __m256 fused_step(const float x, const __m256 w, const __m256 acc)
{
    return _mm256_fmadd_ps(_mm256_set1_ps(x), w, acc);
}

/* the units u[0..4) of columns from x on: rows of x by eight outputs */
LL_INLINE void fused_units(const enum unit unit, const int rows, const __m256i u[4], const float *x,
                           __m256 acc[FUSED_M])
{
    const __m256i high = _mm256_set1_epi32((int)0xffff0000);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        if (unit == UNIT_BF16) {
            const __m256 even = _mm256_castsi256_ps(_mm256_slli_epi32(u[j], 16)),
                         odd = _mm256_castsi256_ps(_mm256_and_si256(u[j], high));
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++)
                acc[i] = fused_step(x[2 * j * rows + i], even, acc[i]);
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++)
                acc[i] = fused_step(x[(2 * j + 1) * rows + i], odd, acc[i]);
        } else
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++)
                acc[i] = fused_step(x[j * rows + i], _mm256_castsi256_ps(u[j]), acc[i]);
    }
}

/* Columns k0..k1 (within a chain) of eight rows of w. */
LL_INLINE void fused_chain(const enum unit unit, const int rows, const struct ll_fused *f, const uint8_t *w,
                           int k0, int k1, const uint8_t **ask, long step, __m256 acc[FUSED_M])
{
    const int columns = unit == UNIT_BF16 ? 8 : 4;
    const size_t size = unit == UNIT_F32 ? 4 : 2;
    int k = k0;
    for (; k + columns <= k1; k += columns) {
        __m256i u[4];
        load_units(unit, w + size * (size_t)k, f->row_bytes, u);
        __builtin_prefetch(*ask);
        if (unit != UNIT_F16)
            __builtin_prefetch(*ask + step);
        *ask += unit == UNIT_F16 ? step : 2 * step;
        fused_units(unit, rows, u, f->x + (long)k * rows, acc);
    }
    if (k < k1) { /* only at the end of a row: the rest of it in a buffer, columns past the end left out */
        uint8_t rest[8][16] = {{0}};
        float line[8][8];
        __m256i u[4];
        for (size_t r = 0; r < 8; r++)
            memcpy(rest[r], w + r * f->row_bytes + size * (size_t)k, size * (size_t)(k1 - k));
        load_units(unit, rest[0], 16, u);
        for (int j = 0; j < 4; j++)
            if (unit == UNIT_BF16) {
                _mm256_storeu_si256((void *)line[2 * j], _mm256_slli_epi32(u[j], 16));
                _mm256_storeu_si256((void *)line[2 * j + 1],
                                    _mm256_and_si256(u[j], _mm256_set1_epi32((int)0xffff0000)));
            } else
                _mm256_storeu_si256((void *)line[j], u[j]);
        for (int c = 0; k < k1; k++, c++)
            for (int i = 0; i < rows; i++)
                acc[i] = fused_step(f->x[(long)k * rows + i], _mm256_loadu_ps(line[c]), acc[i]);
    }
}

/* A line of 64 bytes of w is used up by a group of eight rows before the next group begins. */
LL_INLINE void run_fused(const enum unit unit, const int rows, const struct ll_fused *f)
{
    enum { GROUPS = FUSED_N / 8, LINE = 32 };
    const uint8_t *ask = f->asks ? f->w + FUSED_N * f->row_bytes : f->w;
    const long step = f->asks ? 64 : 0;
    for (int s0 = 0; s0 < f->k; s0 += LL_STRETCH) {
        const int s1 = f->k - s0 < LL_STRETCH ? f->k : s0 + LL_STRETCH;
        __m256 sum[FUSED_M][GROUPS] = {{_mm256_setzero_ps()}};
        for (int c0 = s0; c0 < s1; c0 += LL_CHAIN) {
            const int c1 = s1 - c0 < LL_CHAIN ? s1 : c0 + LL_CHAIN;
            __m256 acc[GROUPS][FUSED_M];
#pragma GCC unroll 4
            for (int g = 0; g < GROUPS; g++)
#pragma GCC unroll 4
                for (int i = 0; i < rows; i++)
                    acc[g][i] = _mm256_setzero_ps();
            for (int k0 = c0; k0 < c1; k0 += LINE)
#pragma GCC unroll 4
                for (int g = 0; g < GROUPS; g++)
                    fused_chain(unit, rows, f, f->w + (size_t)(8 * g) * f->row_bytes, k0,
                                c1 - k0 < LINE ? c1 : k0 + LINE, &ask, step, acc[g]);
            for (int g = 0; g < GROUPS; g++)
                for (int i = 0; i < rows; i++)
                    sum[i][g] = c0 == s0 ? acc[g][i] : _mm256_add_ps(sum[i][g], acc[g][i]);
        }
        for (int g = 0; g < GROUPS; g++)
            for (int i = 0; i < rows; i++) {
                float *to = f->y + i * f->ldy + 8 * g;
                _mm256_storeu_ps(to, s0 ? _mm256_add_ps(_mm256_loadu_ps(to), sum[i][g]) : sum[i][g]);
            }
    }
}
#define FUSED(NAME, UNIT) \
    static void NAME(const struct ll_fused *f) \
    { \
        if (f->rows == 1) \
            run_fused(UNIT, 1, f); \
        else \
            run_fused(UNIT, 2, f); \
    }
FUSED(fused_f32, UNIT_F32)
FUSED(fused_f16, UNIT_F16)
FUSED(fused_bf16, UNIT_BF16)
