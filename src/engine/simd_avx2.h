/* simd_avx2.h - sixteen floats as two registers. The meaning of each operation: simd_plain.h. */
#ifndef LL_SIMD_H
#define LL_SIMD_H
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define LL_INLINE static inline __attribute__((always_inline, unused))

typedef struct {
    __m256 a, b;
} v16; /* lanes 0..7, 8..15 */
typedef struct {
    __m256d a, b, c, d;
} d16;           /* lanes 0..3, 4..7, 8..11, 12..15 */
typedef v16 m16; /* all bits of a lane */

LL_INLINE v16 v_load(const float *p) { return (v16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
LL_INLINE void v_store(float *p, v16 x)
{
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
/* keeps a value in its registers: nothing is loaded again */
#define V_PIN(x) __asm__("" : "+x"((x).a), "+x"((x).b))
/* sixteen words of two bf16: the lower and the upper ones as floats */
LL_INLINE v16 v_pair_low(const float *p)
{
    return (v16){_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256((const void *)p), 16)),
                 _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256((const void *)(p + 8)), 16))};
}
LL_INLINE v16 v_pair_high(const float *p)
{
    const __m256 high = _mm256_castsi256_ps(_mm256_set1_epi32((int)0xffff0000));
    return (v16){_mm256_and_ps(_mm256_loadu_ps(p), high), _mm256_and_ps(_mm256_loadu_ps(p + 8), high)};
}
LL_INLINE v16 v_set(float c) { return (v16){_mm256_set1_ps(c), _mm256_set1_ps(c)}; }
LL_INLINE v16 v_add(v16 x, v16 y) { return (v16){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
LL_INLINE v16 v_sub(v16 x, v16 y) { return (v16){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
LL_INLINE v16 v_mul(v16 x, v16 y) { return (v16){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
LL_INLINE v16 v_div(v16 x, v16 y) { return (v16){_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
LL_INLINE v16 v_fma(v16 x, v16 y, v16 c)
{
    return (v16){_mm256_fmadd_ps(x.a, y.a, c.a), _mm256_fmadd_ps(x.b, y.b, c.b)};
}
LL_INLINE v16 v_abs(v16 x)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return (v16){_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
LL_INLINE v16 v_copysign(v16 mag, v16 s)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return (v16){_mm256_or_ps(_mm256_andnot_ps(sign, mag.a), _mm256_and_ps(sign, s.a)),
                 _mm256_or_ps(_mm256_andnot_ps(sign, mag.b), _mm256_and_ps(sign, s.b))};
}
/* max and min give their second operand when one is NaN */
LL_INLINE v16 v_at_least(v16 x, v16 c) { return (v16){_mm256_max_ps(c.a, x.a), _mm256_max_ps(c.b, x.b)}; }
LL_INLINE v16 v_at_most(v16 x, v16 c) { return (v16){_mm256_min_ps(c.a, x.a), _mm256_min_ps(c.b, x.b)}; }
LL_INLINE v16 v_max_number(v16 x, v16 acc)
{
    return (v16){_mm256_max_ps(x.a, acc.a), _mm256_max_ps(x.b, acc.b)};
}
LL_INLINE m16 v_gt(v16 x, v16 y)
{
    return (v16){_mm256_cmp_ps(x.a, y.a, _CMP_GT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_GT_OQ)};
}
LL_INLINE m16 v_ge(v16 x, v16 y)
{
    return (v16){_mm256_cmp_ps(x.a, y.a, _CMP_GE_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_GE_OQ)};
}
LL_INLINE v16 v_select(m16 m, v16 x, v16 y)
{
    return (v16){_mm256_blendv_ps(y.a, x.a, m.a), _mm256_blendv_ps(y.b, x.b, m.b)};
}
LL_INLINE unsigned m_bits(m16 m)
{
    return (unsigned)_mm256_movemask_ps(m.a) | (unsigned)_mm256_movemask_ps(m.b) << 8;
}
LL_INLINE __m256 v_scale2_half(__m256 y, __m256 z)
{
    __m256i n = _mm256_sub_epi32(_mm256_castps_si256(z), _mm256_set1_epi32(0x4b400000)),
            h = _mm256_srai_epi32(n, 1), l = _mm256_sub_epi32(n, h);
    const __m256i bias = _mm256_set1_epi32(127);
    y = _mm256_mul_ps(y, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(h, bias), 23)));
    return _mm256_mul_ps(y, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(l, bias), 23)));
}
LL_INLINE v16 v_scale2(v16 y, v16 z) { return (v16){v_scale2_half(y.a, z.a), v_scale2_half(y.b, z.b)}; }
LL_INLINE float v_tree(v16 x)
{
    __m256 t8 = _mm256_add_ps(x.a, x.b);
    __m128 t4 = _mm_add_ps(_mm256_castps256_ps128(t8), _mm256_extractf128_ps(t8, 1));
    __m128 t2 = _mm_add_ps(t4, _mm_movehl_ps(t4, t4));
    return _mm_cvtss_f32(_mm_add_ss(t2, _mm_shuffle_ps(t2, t2, 1)));
}
LL_INLINE float v_max_lane(v16 x)
{
    __m256 m8 = _mm256_max_ps(x.a, x.b);
    __m128 m4 = _mm_max_ps(_mm256_castps256_ps128(m8), _mm256_extractf128_ps(m8, 1));
    __m128 m2 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
    return _mm_cvtss_f32(_mm_max_ss(m2, _mm_shuffle_ps(m2, m2, 1)));
}

LL_INLINE d16 d_zero(void)
{
    __m256d z = _mm256_setzero_pd();
    return (d16){z, z, z, z};
}
LL_INLINE d16 d_widen(v16 x)
{
    return (d16){_mm256_cvtps_pd(_mm256_castps256_ps128(x.a)), _mm256_cvtps_pd(_mm256_extractf128_ps(x.a, 1)),
                 _mm256_cvtps_pd(_mm256_castps256_ps128(x.b)),
                 _mm256_cvtps_pd(_mm256_extractf128_ps(x.b, 1))};
}
LL_INLINE d16 d_add(d16 s, v16 x)
{
    d16 w = d_widen(x);
    return (d16){_mm256_add_pd(s.a, w.a), _mm256_add_pd(s.b, w.b), _mm256_add_pd(s.c, w.c),
                 _mm256_add_pd(s.d, w.d)};
}
LL_INLINE d16 d_add_product(d16 s, v16 x, v16 y)
{
    d16 u = d_widen(x), w = d_widen(y);
    return (d16){_mm256_fmadd_pd(u.a, w.a, s.a), _mm256_fmadd_pd(u.b, w.b, s.b),
                 _mm256_fmadd_pd(u.c, w.c, s.c), _mm256_fmadd_pd(u.d, w.d, s.d)};
}
LL_INLINE double d_tree(d16 s)
{
    __m256d t4 = _mm256_add_pd(_mm256_add_pd(s.a, s.c), _mm256_add_pd(s.b, s.d));
    __m128d t2 = _mm_add_pd(_mm256_castpd256_pd128(t4), _mm256_extractf128_pd(t4, 1));
    return _mm_cvtsd_f64(_mm_add_sd(t2, _mm_unpackhi_pd(t2, t2)));
}
#endif
