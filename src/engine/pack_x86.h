/* pack_x86.h - rows of w into panels by AVX2, for both x86 units: eight rows at a time are transposed as
 * 32-bit units (a float, or two bf16). NR is the unit's. Nothing is read past a row. */
#include <immintrin.h>

/* rows r and r + 4 of eight share a register */
LL_INLINE __m256i two_rows(const uint8_t *p, size_t row_bytes)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)p)),
                                   _mm_loadu_si128((const void *)(p + 4 * row_bytes)), 1);
}
/* four units of eight rows -> u[j]: unit j of rows 0..7 */
LL_INLINE void transpose_4(__m256i a, __m256i b, __m256i c, __m256i d, __m256i u[4])
{
    const __m256i t0 = _mm256_unpacklo_epi32(a, b), t1 = _mm256_unpackhi_epi32(a, b),
                  t2 = _mm256_unpacklo_epi32(c, d), t3 = _mm256_unpackhi_epi32(c, d);
    u[0] = _mm256_unpacklo_epi64(t0, t2);
    u[1] = _mm256_unpackhi_epi64(t0, t2);
    u[2] = _mm256_unpacklo_epi64(t1, t3);
    u[3] = _mm256_unpackhi_epi64(t1, t3);
}

enum unit { UNIT_F32, UNIT_PAIRS, UNIT_BF16, UNIT_F16 };

/* four units of eight rows at p; f16: four values widened to units */
LL_INLINE void load_units(const enum unit unit, const uint8_t *p, size_t row_bytes, __m256i u[4])
{
    if (unit == UNIT_F16) {
        __m256i r[4];
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            r[i] = _mm256_castps_si256(_mm256_cvtph_ps(
                _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)(p + i * row_bytes)),
                                   _mm_loadl_epi64((const void *)(p + (i + 4) * row_bytes)))));
        transpose_4(r[0], r[1], r[2], r[3], u);
    } else
        transpose_4(two_rows(p, row_bytes), two_rows(p + row_bytes, row_bytes),
                    two_rows(p + 2 * row_bytes, row_bytes), two_rows(p + 3 * row_bytes, row_bytes), u);
}

LL_INLINE void pack_rows(const enum unit unit, const uint8_t *w, size_t row_bytes, int kl, float *panel)
{
    const size_t step = unit == UNIT_F16 ? 8 : 16, bytes = (unit == UNIT_F32 ? 4 : 2) * (size_t)kl;
    const __m256i high = _mm256_set1_epi32((int)0xffff0000);
    for (int h = 0; h < NR / 8; h++, w += 8 * row_bytes) {
        float *out = panel + 8 * h;
        for (size_t at = 0; at < bytes; at += step) {
            const int lines = unit == UNIT_BF16 ? 2 : 1;
            int units = 4;
            __m256i u[4];
            if (at + step > bytes) {
                uint8_t rest[8][16] = {{0}};
                for (size_t r = 0; r < 8; r++)
                    memcpy(rest[r], w + r * row_bytes + at, bytes - at);
                load_units(unit, rest[0], 16, u);
                units =
                    (int)((bytes - at + step / 4 - 1) / (step / 4)); /* nothing is written past the panel */
            } else
                load_units(unit, w + at, row_bytes, u);
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++, out += lines * NR) {
                if (j >= units)
                    break;
                if (unit == UNIT_BF16) {
                    _mm256_storeu_si256((void *)out, _mm256_slli_epi32(u[j], 16));
                    _mm256_storeu_si256((void *)(out + NR), _mm256_and_si256(u[j], high));
                } else
                    _mm256_storeu_si256((void *)out, u[j]);
            }
        }
    }
}
#define PACK(NAME, UNIT) \
    static void NAME(const uint8_t *w, size_t row_bytes, int kl, float *panel) \
    { \
        pack_rows(UNIT, w, row_bytes, kl, panel); \
    }
PACK(pack_f32, UNIT_F32)
PACK(pack_f16, UNIT_F16)
PACK(pack_bf16, UNIT_BF16)
PACK(pack_pairs, UNIT_PAIRS)
