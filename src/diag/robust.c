/* robust.c - see robust.h */
#include "robust.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>

int ll_robust_z(const double *v, int n, double *z, struct ll_robust *of, struct ll_err *err)
{
    double *kept = malloc(sizeof *kept * (size_t)(n + 1)), largest = 0, mean = 0;
    int k = 0;
    *of = (struct ll_robust){0};
    if (!kept)
        return ll_fail_mem(err, "order statistics", sizeof *kept * (size_t)n);
    for (int i = 0; i < n; i++)
        if (!isnan(v[i])) {
            kept[k++] = v[i];
            largest = fmax(largest, fabs(v[i]));
        }
    if (k)
        of->median = ll_median(kept, (size_t)k);
    for (int i = 0; i < k; i++) {
        kept[i] = fabs(kept[i] - of->median);
        kept[i] = kept[i] <= 1e-9 * largest ? 0 : kept[i];
        mean += kept[i] / k;
    }
    if (k)
        of->mad = ll_median(kept, (size_t)k);
    double scale = of->mad > 0 ? of->mad / 0.6745 : 1.2533 * mean;
    for (int i = 0; i < n; i++) {
        double d = isnan(v[i]) ? 0 : v[i] - of->median;
        z[i] = fabs(d) <= 1e-9 * largest || !(scale > 0) ? 0 : d / scale;
    }
    free(kept);
    return LL_OK;
}
