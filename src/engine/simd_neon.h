/* simd_neon.h - sixteen floats as four registers. The meaning of each operation: simd_plain.h. */
#ifndef LL_SIMD_H
#define LL_SIMD_H
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define LL_INLINE static inline __attribute__((always_inline, unused))
#define LL_QUARTERS for (int q = 0; q < 4; q++)

typedef struct {
    float32x4_t v[4];
} v16;
typedef struct {
    float64x2_t v[8];
} d16;
typedef struct {
    uint32x4_t v[4];
} m16;

LL_INLINE v16 v_load(const float *p)
{
    v16 r;
    LL_QUARTERS r.v[q] = vld1q_f32(p + 4 * q);
    return r;
}
LL_INLINE void v_store(float *p, v16 x) { LL_QUARTERS vst1q_f32(p + 4 * q, x.v[q]); }
/* keeps a value in its registers: nothing is loaded again */
#define V_PIN(x) __asm__("" : "+w"((x).v[0]), "+w"((x).v[1]), "+w"((x).v[2]), "+w"((x).v[3]))
/* sixteen words of two bf16: the lower and the upper ones as floats */
LL_INLINE v16 v_pair_low(const float *p)
{
    v16 r;
    LL_QUARTERS r.v[q] = vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(vld1q_f32(p + 4 * q)), 16));
    return r;
}
LL_INLINE v16 v_pair_high(const float *p)
{
    v16 r;
    LL_QUARTERS r.v[q] = vreinterpretq_f32_u32(
        vandq_u32(vreinterpretq_u32_f32(vld1q_f32(p + 4 * q)), vdupq_n_u32(0xffff0000u)));
    return r;
}
LL_INLINE v16 v_set(float c)
{
    v16 r;
    LL_QUARTERS r.v[q] = vdupq_n_f32(c);
    return r;
}
LL_INLINE v16 v_add(v16 x, v16 y)
{
    LL_QUARTERS x.v[q] = vaddq_f32(x.v[q], y.v[q]);
    return x;
}
LL_INLINE v16 v_sub(v16 x, v16 y)
{
    LL_QUARTERS x.v[q] = vsubq_f32(x.v[q], y.v[q]);
    return x;
}
LL_INLINE v16 v_mul(v16 x, v16 y)
{
    LL_QUARTERS x.v[q] = vmulq_f32(x.v[q], y.v[q]);
    return x;
}
LL_INLINE v16 v_div(v16 x, v16 y)
{
    LL_QUARTERS x.v[q] = vdivq_f32(x.v[q], y.v[q]);
    return x;
}
LL_INLINE v16 v_fma(v16 x, v16 y, v16 c)
{
    LL_QUARTERS c.v[q] = vfmaq_f32(c.v[q], x.v[q], y.v[q]);
    return c;
}
LL_INLINE v16 v_abs(v16 x)
{
    LL_QUARTERS x.v[q] = vabsq_f32(x.v[q]);
    return x;
}
LL_INLINE v16 v_copysign(v16 mag, v16 sign)
{
    LL_QUARTERS mag.v[q] = vbslq_f32(vdupq_n_u32(0x80000000u), sign.v[q], mag.v[q]);
    return mag;
}
LL_INLINE v16 v_at_least(v16 x, v16 c)
{
    LL_QUARTERS x.v[q] = vbslq_f32(vcgtq_f32(c.v[q], x.v[q]), c.v[q], x.v[q]);
    return x;
}
LL_INLINE v16 v_at_most(v16 x, v16 c)
{
    LL_QUARTERS x.v[q] = vbslq_f32(vcltq_f32(c.v[q], x.v[q]), c.v[q], x.v[q]);
    return x;
}
LL_INLINE v16 v_max_number(v16 x, v16 acc)
{
    LL_QUARTERS acc.v[q] = vbslq_f32(vcgtq_f32(x.v[q], acc.v[q]), x.v[q], acc.v[q]);
    return acc;
}
LL_INLINE m16 v_gt(v16 x, v16 y)
{
    m16 m;
    LL_QUARTERS m.v[q] = vcgtq_f32(x.v[q], y.v[q]);
    return m;
}
LL_INLINE m16 v_ge(v16 x, v16 y)
{
    m16 m;
    LL_QUARTERS m.v[q] = vcgeq_f32(x.v[q], y.v[q]);
    return m;
}
LL_INLINE v16 v_select(m16 m, v16 x, v16 y)
{
    LL_QUARTERS x.v[q] = vbslq_f32(m.v[q], x.v[q], y.v[q]);
    return x;
}
LL_INLINE unsigned m_bits(m16 m)
{
    static const uint32_t weight[4] = {1, 2, 4, 8};
    unsigned bits = 0;
    LL_QUARTERS bits |= vaddvq_u32(vandq_u32(m.v[q], vld1q_u32(weight))) << 4 * q;
    return bits;
}
LL_INLINE v16 v_scale2(v16 y, v16 z)
{
    const int32x4_t bias = vdupq_n_s32(127);
    LL_QUARTERS
    {
        int32x4_t n = vsubq_s32(vreinterpretq_s32_f32(z.v[q]), vdupq_n_s32(0x4b400000)),
                  h = vshrq_n_s32(n, 1), l = vsubq_s32(n, h);
        y.v[q] = vmulq_f32(y.v[q], vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(h, bias), 23)));
        y.v[q] = vmulq_f32(y.v[q], vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(l, bias), 23)));
    }
    return y;
}
LL_INLINE float v_tree(v16 x)
{
    float32x4_t t4 = vaddq_f32(vaddq_f32(x.v[0], x.v[2]), vaddq_f32(x.v[1], x.v[3]));
    float32x2_t t2 = vadd_f32(vget_low_f32(t4), vget_high_f32(t4));
    return vget_lane_f32(t2, 0) + vget_lane_f32(t2, 1);
}
LL_INLINE float v_max_lane(v16 x)
{
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.v[0], x.v[1]), vmaxq_f32(x.v[2], x.v[3])));
}

LL_INLINE d16 d_zero(void)
{
    d16 r;
    for (int i = 0; i < 8; i++)
        r.v[i] = vdupq_n_f64(0.0);
    return r;
}
LL_INLINE float64x2_t d_pair(v16 x, int i)
{
    return i & 1 ? vcvt_high_f64_f32(x.v[i / 2]) : vcvt_f64_f32(vget_low_f32(x.v[i / 2]));
}
LL_INLINE d16 d_add(d16 s, v16 x)
{
    for (int i = 0; i < 8; i++)
        s.v[i] = vaddq_f64(s.v[i], d_pair(x, i));
    return s;
}
LL_INLINE d16 d_add_product(d16 s, v16 x, v16 y)
{
    for (int i = 0; i < 8; i++)
        s.v[i] = vfmaq_f64(s.v[i], d_pair(x, i), d_pair(y, i));
    return s;
}
LL_INLINE double d_tree(d16 s)
{
    for (int i = 0; i < 4; i++)
        s.v[i] = vaddq_f64(s.v[i], s.v[i + 4]);
    float64x2_t t2 = vaddq_f64(vaddq_f64(s.v[0], s.v[2]), vaddq_f64(s.v[1], s.v[3]));
    return vgetq_lane_f64(t2, 0) + vgetq_lane_f64(t2, 1);
}
#endif
