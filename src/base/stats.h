/* stats.h - clocks, memory figures and order statistics. */
#ifndef LL_STATS_H
#define LL_STATS_H
#include <stddef.h>

double ll_now_s(void);              /* monotonic seconds */
long long ll_peak_rss_bytes(void);  /* maximum resident set of this process, mapped file pages included */
long long ll_available_bytes(void); /* memory the system could give now; -1 when unknown */

/* Percentile q in 0..1 of n values by linear interpolation at (n-1)q of the sorted list. Sorts v. n >= 1. */
double ll_percentile(double *v, size_t n, double q);
double ll_median(double *v, size_t n);
#endif
