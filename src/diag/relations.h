/* relations.h - what sizes must follow from other sizes: the arithmetic that tells a suspicious value from a
 * normal one (docs/diagnostics.md 3.2). Plain functions of root mean squares. */
#ifndef LL_RELATIONS_H
#define LL_RELATIONS_H

/* rms of a + b when the two are uncorrelated: sqrt(a^2 + b^2). */
double ll_rms_uncorrelated(double rms_a, double rms_b);
/* |a - b| <= rms(a + b) <= a + b always (triangle inequality). 1 when sum lies there, but for a rounding of
 * 1e-5 (a + b). */
int ll_rms_within(double rms_a, double rms_b, double rms_sum);
/* Correlation of a and b over all elements that these three imply: (sum^2 - a^2 - b^2) / (2 a b); NAN when
 * one is 0. */
double ll_rms_correlation(double rms_a, double rms_b, double rms_sum);

/* silu(x) is about x/2 near 0, gelu as well, so rms(act(gate) * up) is about 0.5 * rms_gate * rms_up while
 * the gate's values are small and gate and up are uncorrelated. */
double ll_product_rms(double rms_gate, double rms_up);

struct ll_norm_arithmetic {
    double root;      /* sqrt(rms^2 + eps): what the norm divides by */
    double eps_share; /* root / rms - 1: how much of it is eps's doing; inf when rms is 0 */
    double largest;   /* max_abs / root: the largest value before the gain */
    double ratio;     /* rms_out / rms: what the whole norm did to the size; NAN when rms is 0 */
};
struct ll_norm_arithmetic ll_norm_arithmetic(double rms, double eps, double max_abs, double rms_out);
#endif
