/* robust.h - which of a few numbers stands apart: z = 0.6745 (v - median) / MAD, MAD = median |v - median|.
 *
 * Where more than half of the values are equal the MAD is 0; then the mean absolute deviation stands in,
 * z = (v - median) / (1.2533 * mean |v - median|) (Iglewicz & Hoaglin 1993). Deviations below 1e-9 of the
 * largest magnitude count as none. */
#ifndef LL_ROBUST_H
#define LL_ROBUST_H
#include "fail.h"

#define LL_ROBUST_LIMIT 3.5
struct ll_robust {
    double median, mad;
};
/* z[i] for each of v[n]; a NaN value is left out and has z 0. n >= 0. Returns LL_OK or LL_EFAIL (memory). */
int ll_robust_z(const double *v, int n, double *z, struct ll_robust *of, struct ll_err *err);
#endif
