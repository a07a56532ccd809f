/* simd_plain.h - sixteen floats in plain C: what every operation of simd_*.h means. */
#ifndef LL_SIMD_H
#define LL_SIMD_H
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__ /* forced inlining of instrumented lanes makes one function of a million \
                               instructions */
#define LL_INLINE static __attribute__((noinline, unused))
#else
#define LL_INLINE static inline __attribute__((always_inline, unused))
#endif
#define LL_LANES for (int j = 0; j < 16; j++)

typedef struct {
    float f[16];
} v16;
typedef struct {
    double f[16];
} d16;
typedef uint32_t m16; /* bit j: lane j */

LL_INLINE uint32_t ll_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}
LL_INLINE float ll_from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, 4);
    return f;
}

LL_INLINE v16 v_load(const float *p)
{
    v16 r;
    memcpy(&r, p, sizeof r);
    return r;
}
LL_INLINE void v_store(float *p, v16 a) { memcpy(p, &a, sizeof a); }
/* keeps a value in its registers, where there are any: nothing is loaded again */
#define V_PIN(x) (void)(x)
/* sixteen words of two bf16: the lower and the upper ones as floats */
LL_INLINE v16 v_pair_low(const float *p)
{
    uint32_t u[16];
    v16 r;
    memcpy(u, p, sizeof u);
    LL_LANES r.f[j] = ll_from_bits(u[j] << 16);
    return r;
}
LL_INLINE v16 v_pair_high(const float *p)
{
    uint32_t u[16];
    v16 r;
    memcpy(u, p, sizeof u);
    LL_LANES r.f[j] = ll_from_bits(u[j] & 0xffff0000u);
    return r;
}
LL_INLINE v16 v_set(float c)
{
    v16 r;
    LL_LANES r.f[j] = c;
    return r;
}
LL_INLINE v16 v_add(v16 a, v16 b)
{
    LL_LANES a.f[j] += b.f[j];
    return a;
}
LL_INLINE v16 v_sub(v16 a, v16 b)
{
    LL_LANES a.f[j] -= b.f[j];
    return a;
}
LL_INLINE v16 v_mul(v16 a, v16 b)
{
    LL_LANES a.f[j] *= b.f[j];
    return a;
}
LL_INLINE v16 v_div(v16 a, v16 b)
{
    LL_LANES a.f[j] /= b.f[j];
    return a;
}
LL_INLINE v16 v_fma(v16 a, v16 b, v16 c)
{
    LL_LANES c.f[j] = fmaf(a.f[j], b.f[j], c.f[j]);
    return c;
}
LL_INLINE v16 v_abs(v16 a)
{
    LL_LANES a.f[j] = ll_from_bits(ll_bits(a.f[j]) & 0x7fffffffu);
    return a;
}
LL_INLINE v16 v_copysign(v16 mag, v16 sign)
{
    LL_LANES mag.f[j] = ll_from_bits((ll_bits(mag.f[j]) & 0x7fffffffu) | (ll_bits(sign.f[j]) & 0x80000000u));
    return mag;
}
/* the larger of x and c, c a number; NaN x stays NaN */
LL_INLINE v16 v_at_least(v16 x, v16 c)
{
    LL_LANES x.f[j] = c.f[j] > x.f[j] ? c.f[j] : x.f[j];
    return x;
}
LL_INLINE v16 v_at_most(v16 x, v16 c)
{
    LL_LANES x.f[j] = c.f[j] < x.f[j] ? c.f[j] : x.f[j];
    return x;
}
/* the larger of x and acc; NaN x leaves acc */
LL_INLINE v16 v_max_number(v16 x, v16 acc)
{
    LL_LANES acc.f[j] = x.f[j] > acc.f[j] ? x.f[j] : acc.f[j];
    return acc;
}
LL_INLINE m16 v_gt(v16 a, v16 b)
{
    m16 m = 0;
    LL_LANES m |= (m16)(a.f[j] > b.f[j]) << j;
    return m;
}
LL_INLINE m16 v_ge(v16 a, v16 b)
{
    m16 m = 0;
    LL_LANES m |= (m16)(a.f[j] >= b.f[j]) << j;
    return m;
}
LL_INLINE v16 v_select(m16 m, v16 a, v16 b)
{
    LL_LANES a.f[j] = m >> j & 1 ? a.f[j] : b.f[j];
    return a;
}
LL_INLINE unsigned m_bits(m16 m) { return m; }
/* y * 2^n where z = n + 1.5 * 2^23, -250 < n < 250: two scalings, of which only the second can round */
LL_INLINE v16 v_scale2(v16 y, v16 z)
{
    LL_LANES
    {
        int32_t n = (int32_t)(ll_bits(z.f[j]) - 0x4b400000u), h = n >> 1,
                l = (int32_t)((uint32_t)n - (uint32_t)h);
        y.f[j] *= ll_from_bits((uint32_t)(h + 127) << 23);
        y.f[j] *= ll_from_bits(((uint32_t)l + 127u) << 23);
    }
    return y;
}
/* sixteen chains folded: +8, +4, +2, +1 */
LL_INLINE float v_tree(v16 a)
{
    for (int h = 8; h; h >>= 1)
        for (int j = 0; j < h; j++)
            a.f[j] += a.f[j + h];
    return a.f[0];
}
LL_INLINE float v_max_lane(v16 a)
{
    float m = a.f[0];
    LL_LANES m = a.f[j] > m ? a.f[j] : m;
    return m;
}

LL_INLINE d16 d_zero(void)
{
    d16 r;
    LL_LANES r.f[j] = 0;
    return r;
}
LL_INLINE d16 d_add(d16 c, v16 a)
{
    LL_LANES c.f[j] += (double)a.f[j];
    return c;
}
/* the product of two floats is exact in double, so that one rounding or two make no difference */
LL_INLINE d16 d_add_product(d16 c, v16 a, v16 b)
{
    LL_LANES c.f[j] += (double)a.f[j] * (double)b.f[j];
    return c;
}
LL_INLINE double d_tree(d16 a)
{
    for (int h = 8; h; h >>= 1)
        for (int j = 0; j < h; j++)
            a.f[j] += a.f[j + h];
    return a.f[0];
}
#endif
