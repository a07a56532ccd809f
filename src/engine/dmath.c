/* dmath.c - exp, log, log2, pow, sin and cos in double; see dmath_impl.h. */
#include "dmath_impl.h"
#include "engine.h"

double ll_exp(double x) { return exp_double(x); }
double ll_log(double x) { return log_double(x); }

/* log2(x) = the result + *lo, for finite x > 0 */
static double log2_parts(double x, double *lo)
{
    int e;
    const double f = split(x, &e), half_square = 0.5 * f * f;
    const double lost = fma(0.5 * f, f, -half_square);
    /* log(1 + f) = hi + rest_of_log */
    const double hi = f - half_square;
    const double rest_of_log = ((f - hi) - half_square) + (log_tail(f, half_square) - lost);
    const double p = hi * LOG2E_HI, p_lo = fma(hi, LOG2E_HI, -p) + fma(hi, LOG2E_LO, rest_of_log * LOG2E_HI);
    const double sum = e + p, rest = e ? (e - sum) + p : 0.0;
    *lo = rest + p_lo;
    return sum;
}

double ll_log2(double x)
{
    double special, lo, sum;
    if (log_special(x, &special))
        return special;
    sum = log2_parts(x, &lo);
    return sum + lo;
}

double ll_pow(double x, double y)
{
    double lo, mantissa;
    if (y == 0)
        return 1;
    if (!(x > 0 && x < INFINITY) || !isfinite(y))
        return NAN;
    /* x^y = 2^(p + p_lo) = 2^n e^((p - n + p_lo) ln 2) */
    const double hi = log2_parts(x, &lo), p = y * hi, p_lo = fma(y, hi, -p) + y * lo;
    if (!(fabs(p) < 1021))
        return p > 0 ? INFINITY : 0;
    const double n = (p + EXP_MAGIC) - EXP_MAGIC, f = (p - n) + p_lo;
    const int scale = (int)n + (int)exp_parts(f * (LN2_HI + LN2_LO), &mantissa);
    return mantissa * power_of_2(scale);
}

/* ---- sine and cosine ------------------------------------------------------------------------- */

/* pi / 2 in three parts, each the rest of the one before rounded to double. */
#define PIO2_1 0x1.921fb54442d18p+0
#define PIO2_2 0x1.1a62633145c07p-54
#define PIO2_3 -0x1.f1976b7ed8fbcp-110
#define TWO_OVER_PI 0x1.45f306dc9c883p-1
enum { SIN_TERMS = 8, COS_TERMS = 9 };

/* x = n pi/2 + r + *lo, |r| <= pi/4 and a little; returns n mod 4. The first step is exact for |x| < 2^26:
 * what is left has no bit below n's share of the last bit of PIO2_1. */
static int quarter_turns(double x, double *r, double *lo)
{
    const double n = fma(x, TWO_OVER_PI, EXP_MAGIC) - EXP_MAGIC;
    const double first = fma(-n, PIO2_1, x), second = fma(-n, PIO2_2, first);
    *r = second;
    *lo = fma(-n, PIO2_2, first - second) - n * PIO2_3;
    return (int)((long long)n & 3);
}

/* Taylor series, cut where the rest is below 2^-54: sin(r + lo) = r - r^3/3! + ... + lo cos r */
static double sine_series(double r, double lo)
{
    static const double over_factorial[SIN_TERMS] = {
        /* -1/3!, 1/5!, ... */
        -1.0 / 6,
        1.0 / 120,
        -1.0 / 5040,
        1.0 / 362880,
        -1.0 / 39916800,
        1.0 / 6227020800.0,
        -1.0 / 1307674368000.0,
        1.0 / 355687428096000.0,
    };
    const double z = r * r;
    double q = over_factorial[SIN_TERMS - 1];
    for (int i = SIN_TERMS - 2; i >= 0; i--)
        q = fma(q, z, over_factorial[i]);
    return r + fma(q * z, r, lo * (1 - 0.5 * z));
}

/* cos(r + lo) = 1 - r^2/2 + r^4/4! - ... - lo sin r */
static double cosine_series(double r, double lo)
{
    static const double over_factorial[COS_TERMS - 1] = {
        /* 1/4!, -1/6!, ... */
        1.0 / 24,
        -1.0 / 720,
        1.0 / 40320,
        -1.0 / 3628800,
        1.0 / 479001600,
        -1.0 / 87178291200.0,
        1.0 / 20922789888000.0,
        -1.0 / 6402373705728000.0,
    };
    const double z = r * r, half = 0.5 * z, one_less = 1 - half, lost = (1 - one_less) - half;
    double q = over_factorial[COS_TERMS - 2];
    for (int i = COS_TERMS - 3; i >= 0; i--)
        q = fma(q, z, over_factorial[i]);
    return one_less + (lost + fma(q * z, z, -lo * r));
}

/* quarter 0: the sine of r + lo; 1: the cosine; 2, 3: their negatives */
static double of_quarter(int quarter, double r, double lo)
{
    const double v = quarter & 1 ? cosine_series(r, lo) : sine_series(r, lo);
    return quarter & 2 ? -v : v;
}

double ll_sin(double x)
{
    double r, lo;
    if (!(fabs(x) < LL_ANGLE_MAX))
        return NAN;
    const int quarter = quarter_turns(x, &r, &lo);
    return of_quarter(quarter, r, lo);
}

double ll_cos(double x)
{
    double r, lo;
    if (!(fabs(x) < LL_ANGLE_MAX))
        return NAN;
    const int quarter = quarter_turns(x, &r, &lo);
    return of_quarter((quarter + 1) & 3, r, lo);
}
