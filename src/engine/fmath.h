/* fmath.h - exp, tanh, erf and their kin on sixteen floats, by a fixed sequence of IEEE-754 operations: the
 * bits do not depend on vector unit, compiler (-ffp-contract=off) or C library. Include a simd_*.h first. The
 * polynomials are own minimax fits. NaN in, NaN out. Largest errors seen over every 7th float: exp 0.99 ulp,
 * tanh 1.08, erf 1.21, silu 2.5. */
#ifndef LL_FMATH_H
#define LL_FMATH_H

/* e^x = (1 + p) * 2^n, |ln (1 + p)| <= ln2 / 2, z = n + 1.5 * 2^23. x is cut to -115..89: the result is 0 or
 * inf well before. */
LL_INLINE v16 f_exp_parts(v16 x, v16 *z)
{
    const v16 magic = v_set(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    v16 c = v_at_most(v_at_least(x, v_set(-115.0f)), v_set(89.0f));
    *z = v_fma(c, v_set(0x1.715476p+0f), magic);
    v16 n = v_sub(*z, magic);
    v16 r = v_fma(n, v_set(-0x1.62e400p-1f),
                  c); /* ln2 = 0x1.62e4p-1 + 0x1.7f7d1cp-20, the first part exact times n */
    r = v_fma(n, v_set(-0x1.7f7d1cp-20f), r);
    v16 q = v_set(0x1.6a243ap-10f);
    q = v_fma(q, r, v_set(0x1.1239e0p-7f));
    q = v_fma(q, r, v_set(0x1.5558f2p-5f));
    q = v_fma(q, r, v_set(0x1.555492p-3f));
    q = v_fma(q, r, v_set(0x1.fffffcp-2f));
    return v_fma(q, v_mul(r, r), r);
}

LL_INLINE v16 f_exp(v16 x)
{
    v16 z, p = f_exp_parts(x, &z);
    return v_scale2(v_add(p, v_set(1.0f)), z);
}

LL_INLINE v16 f_tanh(v16 x)
{
    v16 a = v_abs(x), s = v_mul(x, x);
    v16 q = v_set(0.0021429613698273897f);
    q = v_fma(q, s, v_set(-0.008177397772669792f));
    q = v_fma(q, s, v_set(0.021700702607631683f));
    q = v_fma(q, s, v_set(-0.05394676327705383f));
    q = v_fma(q, s, v_set(0.1333320587873459f));
    q = v_fma(q, s, v_set(-0.3333333134651184f));
    v16 near = v_fma(q, v_mul(s, x), x);
    /* 1 - 2 / (e + 1): the rounding error of e + 1 is carried along, or it would show near 0.6 */
    v16 b = v_at_most(a, v_set(10.0f)), e = f_exp(v_add(b, b)), d = v_add(e, v_set(1.0f)),
        lost = v_sub(v_set(1.0f), v_sub(d, e));
    v16 p = v_div(v_set(2.0f), d), half_square = v_mul(v_mul(p, p), v_set(-0.5f));
    v16 far = v_sub(v_set(1.0f), v_fma(half_square, lost, p));
    return v_copysign(v_select(v_gt(a, v_set(0.625f)), far, near), x);
}

LL_INLINE v16 f_erf(v16 x)
{
    const v16 one = v_set(1.0f), four = v_set(4.0f);
    v16 a = v_abs(x), s = v_mul(x, x);
    v16 q = v_set(7.853861461626366e-05f);
    q = v_fma(q, s, v_set(-0.0008010193705558777f));
    q = v_fma(q, s, v_set(0.005188327748328447f));
    q = v_fma(q, s, v_set(-0.026853812858462334f));
    q = v_fma(q, s, v_set(0.1128358542919159f));
    q = v_fma(q, s, v_set(-0.3761262595653534f));
    q = v_fma(q, s, v_set(0.12837916612625122f)); /* 2 / sqrt(pi) - 1 */
    v16 near = v_fma(q, x, x);
    v16 t = v_at_most(a, four);
    v16 g = v_set(2.1697607735404745e-05f); /* erf = 1 - e^-g(a), 1 < a < 4 */
    g = v_fma(g, t, v_set(-0.00044147256994619966f));
    g = v_fma(g, t, v_set(0.004205284174531698f));
    g = v_fma(g, t, v_set(-0.025210337713360786f));
    g = v_fma(g, t, v_set(0.10842210054397583f));
    g = v_fma(g, t, v_set(0.633216381072998f));
    g = v_fma(g, t, v_set(1.1295802593231201f));
    g = v_fma(g, t, v_set(-0.00018846766033675522f));
    v16 far = v_sub(one, f_exp(v_sub(v_set(0.0f), g)));
    far = v_select(v_gt(a, four), one, far);
    return v_select(v_gt(a, one), v_copysign(far, x), near); /* NaN compares false: near, which is NaN */
}

/* x / (1 + e^-x) from e^-|x|, so that nothing overflows; below 0 the product x e^x = (x p + x) 2^n is formed
 * before the scaling, so that it keeps its digits where e^x alone would be subnormal. silu(-inf) = -0. */
LL_INLINE v16 f_silu(v16 x)
{
    v16 a = v_abs(x), z, p = f_exp_parts(v_sub(v_set(0.0f), a), &z);
    v16 cut = v_at_least(x, v_set(-115.0f)), below = v_scale2(v_fma(cut, p, cut), z);
    return v_div(v_select(v_gt(v_set(0.0f), x), below, x),
                 v_add(v_set(1.0f), v_scale2(v_add(p, v_set(1.0f)), z)));
}

/* x / (1 + e^-1.702x), in the same way; below -68 it is -0 whatever x is. */
LL_INLINE v16 f_quick_gelu(v16 x)
{
    v16 t = v_mul(x, v_set(1.702f)), z, p = f_exp_parts(v_sub(v_set(0.0f), v_abs(t)), &z);
    v16 cut = v_at_least(x, v_set(-68.0f)), below = v_scale2(v_fma(cut, p, cut), z);
    return v_div(v_select(v_gt(v_set(0.0f), x), below, x),
                 v_add(v_set(1.0f), v_scale2(v_add(p, v_set(1.0f)), z)));
}

/* max(x, 0), and its square */
LL_INLINE v16 f_relu(v16 x) { return v_at_least(x, v_set(0.0f)); }
LL_INLINE v16 f_relu2(v16 x) { return v_mul(f_relu(x), f_relu(x)); }

/* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
LL_INLINE v16 f_gelu_tanh(v16 x)
{
    v16 cube = v_mul(v_mul(x, x), x);
    v16 t = f_tanh(v_mul(v_set(0.7978845608028654f), v_fma(v_set(0.044715f), cube, x)));
    return v_mul(v_mul(v_set(0.5f), x), v_add(v_set(1.0f), t));
}

/* 0.5 x (1 + erf(x / sqrt 2)) */
LL_INLINE v16 f_gelu_erf(v16 x)
{
    return v_mul(v_mul(v_set(0.5f), x), v_add(v_set(1.0f), f_erf(v_mul(x, v_set(0.7071067811865476f)))));
}
#endif
