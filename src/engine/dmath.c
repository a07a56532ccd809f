/* dmath.c - exp, log and log2 in double; see dmath_impl.h. */
#include "dmath_impl.h"
#include "engine.h"

double ll_exp(double x) { return exp_double(x); }
double ll_log(double x) { return log_double(x); }

double ll_log2(double x)
{
    double special;
    if (log_special(x, &special))
        return special;
    int e;
    const double f = split(x, &e), half_square = 0.5 * f * f;
    const double lost = fma(0.5 * f, f, -half_square);
    /* log(1 + f) = hi + lo */
    const double hi = f - half_square, lo = ((f - hi) - half_square) + (log_tail(f, half_square) - lost);
    const double p = hi * LOG2E_HI, p_lo = fma(hi, LOG2E_HI, -p) + fma(hi, LOG2E_LO, lo * LOG2E_HI);
    const double sum = e + p, rest = e ? (e - sum) + p : 0.0;
    return sum + (rest + p_lo);
}
