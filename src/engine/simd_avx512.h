/* simd_avx512.h - sixteen floats as one register. The meaning of each operation: simd_plain.h. */
#ifndef LL_SIMD_H
#define LL_SIMD_H
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define LL_INLINE static inline __attribute__((always_inline, unused))

typedef __m512 v16;
typedef struct {
    __m512d a, b;
} d16; /* lanes 0..7, 8..15 */
typedef __mmask16 m16;

LL_INLINE v16 v_load(const float *p) { return _mm512_loadu_ps(p); }
LL_INLINE void v_store(float *p, v16 x) { _mm512_storeu_ps(p, x); }
/* keeps a value in its register: nothing is loaded again */
#define V_PIN(x) __asm__("" : "+v"(x))
/* sixteen words of two bf16: the lower and the upper ones as floats */
LL_INLINE v16 v_pair_low(const float *p)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512((const void *)p), 16));
}
LL_INLINE v16 v_pair_high(const float *p)
{
    return _mm512_and_ps(_mm512_loadu_ps(p), _mm512_castsi512_ps(_mm512_set1_epi32((int)0xffff0000)));
}
LL_INLINE v16 v_set(float c) { return _mm512_set1_ps(c); }
LL_INLINE v16 v_add(v16 x, v16 y) { return _mm512_add_ps(x, y); }
LL_INLINE v16 v_sub(v16 x, v16 y) { return _mm512_sub_ps(x, y); }
LL_INLINE v16 v_mul(v16 x, v16 y) { return _mm512_mul_ps(x, y); }
LL_INLINE v16 v_div(v16 x, v16 y) { return _mm512_div_ps(x, y); }
LL_INLINE v16 v_fma(v16 x, v16 y, v16 c) { return _mm512_fmadd_ps(x, y, c); }
LL_INLINE v16 v_abs(v16 x) { return _mm512_abs_ps(x); }
LL_INLINE v16 v_copysign(v16 mag, v16 sign)
{
    /* truth table 0xd8: bit of the third operand (the sign mask) chooses between second and first */
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_castps_si512(mag), _mm512_castps_si512(sign),
                                                         _mm512_set1_epi32((int)0x80000000u), 0xd8));
}
/* max and min give their second operand when one is NaN */
LL_INLINE v16 v_at_least(v16 x, v16 c) { return _mm512_max_ps(c, x); }
LL_INLINE v16 v_at_most(v16 x, v16 c) { return _mm512_min_ps(c, x); }
LL_INLINE v16 v_max_number(v16 x, v16 acc) { return _mm512_max_ps(x, acc); }
LL_INLINE m16 v_gt(v16 x, v16 y) { return _mm512_cmp_ps_mask(x, y, _CMP_GT_OQ); }
LL_INLINE m16 v_ge(v16 x, v16 y) { return _mm512_cmp_ps_mask(x, y, _CMP_GE_OQ); }
LL_INLINE v16 v_select(m16 m, v16 x, v16 y) { return _mm512_mask_blend_ps(m, y, x); }
LL_INLINE unsigned m_bits(m16 m) { return m; }
/* one rounding, as in the two scalings of the plain form, of which the first is exact */
LL_INLINE v16 v_scale2(v16 y, v16 z)
{
    return _mm512_scalef_ps(y, _mm512_sub_ps(z, _mm512_set1_ps(12582912.0f)));
}
LL_INLINE float v_tree(v16 x)
{
    __m256 t8 = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 t4 = _mm_add_ps(_mm256_castps256_ps128(t8), _mm256_extractf128_ps(t8, 1));
    __m128 t2 = _mm_add_ps(t4, _mm_movehl_ps(t4, t4));
    return _mm_cvtss_f32(_mm_add_ss(t2, _mm_shuffle_ps(t2, t2, 1)));
}
LL_INLINE float v_max_lane(v16 x) { return _mm512_reduce_max_ps(x); }

LL_INLINE d16 d_zero(void) { return (d16){_mm512_setzero_pd(), _mm512_setzero_pd()}; }
LL_INLINE d16 d_widen(v16 x)
{
    return (d16){_mm512_cvtps_pd(_mm512_castps512_ps256(x)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1))};
}
LL_INLINE d16 d_add(d16 s, v16 x)
{
    d16 w = d_widen(x);
    return (d16){_mm512_add_pd(s.a, w.a), _mm512_add_pd(s.b, w.b)};
}
LL_INLINE d16 d_add_product(d16 s, v16 x, v16 y)
{
    d16 u = d_widen(x), w = d_widen(y);
    return (d16){_mm512_fmadd_pd(u.a, w.a, s.a), _mm512_fmadd_pd(u.b, w.b, s.b)};
}
LL_INLINE double d_tree(d16 s)
{
    __m512d t8 = _mm512_add_pd(s.a, s.b);
    __m256d t4 = _mm256_add_pd(_mm512_castpd512_pd256(t8), _mm512_extractf64x4_pd(t8, 1));
    __m128d t2 = _mm_add_pd(_mm256_castpd256_pd128(t4), _mm256_extractf128_pd(t4, 1));
    return _mm_cvtsd_f64(_mm_add_sd(t2, _mm_unpackhi_pd(t2, t2)));
}
#endif
