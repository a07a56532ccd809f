/* dmath_impl.h - exp and log in double, the body of ll_exp and ll_log; included by dmath.c and, for long
 * arrays, by each kernels_*.c, whose vector unit has the fused multiply-add as an instruction. A fixed
 * sequence of IEEE-754 operations with explicit fma(), so the bits are the same in all of them and do not
 * depend on the C library. Series by elementary mathematics (Taylor, artanh), cut where the rest is below
 * 2^-60. */
#ifndef LL_DMATH_IMPL_H
#define LL_DMATH_IMPL_H
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LN2_HI 0x1.62e42fefa0000p-1    /* the leading 38 bits of ln 2: times a small integer it is exact */
#define LN2_LO 0x1.cf79abc9e3b3ap-40   /* ln 2 - LN2_HI */
#define LOG2E_HI 0x1.71547652b82fep+0  /* 1 / ln 2 rounded */
#define LOG2E_LO 0x1.777d0ffda0d24p-56 /* 1 / ln 2 - LOG2E_HI */

static inline double from_bits(uint64_t u)
{
    double d;
    memcpy(&d, &u, sizeof d);
    return d;
}
static inline uint64_t to_bits(double d)
{
    uint64_t u;
    memcpy(&u, &d, sizeof u);
    return u;
}
static inline double power_of_2(int n)
{
    return from_bits((uint64_t)(n + 1023) << 52);
} /* -1022 <= n <= 1023 */

#define EXP_MAGIC 0x1.8p52 /* adding it rounds to an integer */

/* e^x = *y 2^n, returns n; |x| <= 746 */
static inline double exp_parts(double x, double *y)
{
    static const double over_factorial[] = {
        /* 1 / 2! .. 1 / 13! */
        1.0 / 2,     1.0 / 6,      1.0 / 24,      1.0 / 120,      1.0 / 720,       1.0 / 5040,
        1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0,
    };
    const double n = fma(x, LOG2E_HI, EXP_MAGIC) - EXP_MAGIC;
    const double hi = fma(n, -LN2_HI, x), r = fma(n, -LN2_LO, hi), r_lost = fma(n, -LN2_LO, hi - r);
    double q = over_factorial[11];
#pragma GCC unroll 11
    for (int i = 10; i >= 0; i--)
        q = fma(q, r, over_factorial[i]);
    const double one_r = 1.0 + r, lost = (1.0 - one_r) + r; /* 1 + r = one_r + lost exactly */
    *y = one_r + (lost + fma(q, r * r, r_lost));
    return n;
}

static inline double exp_double(double x)
{
    if (!(x < 710.0))
        return x > 710.0 || x == 710.0 ? INFINITY : x; /* NaN stays */
    if (x < -746.0)
        return 0.0;
    double y;
    const int n = (int)exp_parts(x, &y),
              half =
                  n / 2; /* two scalings, of which only the second can round: the result may be subnormal */
    return y * power_of_2(half) * power_of_2(n - half);
}

/* Eight at once, without a branch where none is special or subnormal: the same bits, for one scaling is exact
 * there. */
static inline void exp_eight(double *out, const double *x)
{
    double y[8], scale[8];
    int special = 0;
    for (int i = 0; i < 8; i++)
        special |= !(fabs(x[i]) < 707.0);
    if (special) {
        for (int i = 0; i < 8; i++)
            out[i] = exp_double(x[i]);
        return;
    }
    for (int i = 0; i < 8; i++) {
        const double n = exp_parts(x[i], &y[i]);
        scale[i] = from_bits(to_bits(n + 1023.0 + EXP_MAGIC)
                             << 52); /* the sum's low bits are the integer n + 1023 */
    }
    for (int i = 0; i < 8; i++)
        out[i] = y[i] * scale[i];
}

/* x > 0 and finite = 2^*e * (1 + f), sqrt(1/2) <= 1 + f < sqrt(2) */
static inline double split(double x, int *e)
{
    int shift = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        shift = -54;
    }
    uint64_t u = to_bits(x);
    int n = (int)(u >> 52) - 1023;
    double m = from_bits((u & 0xfffffffffffffu) | (uint64_t)1023 << 52);
    if (m >= 0x1.6a09e667f3bcdp+0) {
        m *= 0.5;
        n++;
    }
    *e = n + shift;
    return m - 1.0;
}

/* log(1 + f) = f - f^2/2 + *tail, by s = f / (2 + f), log(1 + f) = 2 artanh(s) */
static inline double log_tail(double f, double half_square)
{
    const double s = f / (2.0 + f), z = s * s;
    double r = 2.0 / 25;
    for (int i = 23; i >= 3; i -= 2)
        r = fma(r, z, 2.0 / i);
    return s * fma(r, z, half_square);
}

static inline int log_special(double x, double *result)
{
    if (x > 0.0 && x < INFINITY)
        return 0;
    *result = x == 0.0 ? -INFINITY : x < 0.0 ? NAN : x; /* inf and NaN stay */
    return 1;
}

static inline double log_double(double x)
{
    double special;
    if (log_special(x, &special))
        return special;
    int e;
    const double f = split(x, &e), half_square = 0.5 * f * f;
    const double lost = fma(0.5 * f, f, -half_square); /* f^2/2 = half_square + lost */
    const double tail = fma(e, LN2_LO, log_tail(f, half_square) - lost);
    /* e * LN2_HI is exact, and larger than |f| unless e is 0: the sums of the large parts lose what `rest`
     * picks up */
    const double big = e * LN2_HI, sum = big + f, rest1 = (big - sum) + f;
    const double sum2 = sum - half_square, rest2 = (sum - sum2) - half_square;
    return sum2 + ((rest1 + rest2) + tail);
}
#endif
