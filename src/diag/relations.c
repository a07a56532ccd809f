/* relations.c - see relations.h */
#include "relations.h"

#include <math.h>

double ll_rms_uncorrelated(double a, double b) { return sqrt(a * a + b * b); }

int ll_rms_within(double a, double b, double sum)
{
    double slack = 1e-5 * (a + b);
    return sum >= fabs(a - b) - slack && sum <= a + b + slack;
}

double ll_rms_correlation(double a, double b, double sum)
{
    return a > 0 && b > 0 ? (sum * sum - a * a - b * b) / (2 * a * b) : NAN;
}

double ll_product_rms(double gate, double up) { return 0.5 * gate * up; }

struct ll_norm_arithmetic ll_norm_arithmetic(double rms, double eps, double max_abs, double rms_out)
{
    double root = sqrt(rms * rms + eps);
    return (struct ll_norm_arithmetic){.root = root,
                                       .eps_share = rms > 0 ? root / rms - 1 : INFINITY,
                                       .largest = max_abs / root,
                                       .ratio = rms > 0 ? rms_out / rms : NAN};
}
