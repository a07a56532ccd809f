/* weight_scan.h - the statistics of all weights in one reading of the checkpoint.
 *
 * Runs are cut into blocks of LL_SCAN_VALUES values that threads take in the order of the files; a block's
 * sums are double, by the engine's sums (16 lanes by index mod 16, folded +8, +4, +2, +1) over stretches of
 * 4096 values; blocks merge in order. So no bit depends on threads. What lies ahead is asked for, what lies
 * behind is let go when the checkpoint is larger than half of the free memory. Quantised types are widened a
 * stretch at a time. */
#ifndef LL_WEIGHT_SCAN_H
#define LL_WEIGHT_SCAN_H
#include "engine.h"
#include "weight_parts.h"

enum { LL_SCAN_VALUES = 1 << 20, LL_SCAN_STRETCH = 4096 };
/* Statistics of x[n] as values that follow those in s. */
void ll_scan_values(const struct ll_vec *vec, const float *x, size_t n, struct ll_tensor_stats *s);
/* Fill stats, bad and bad_at of every cell. progress (may be NULL) is called by the calling thread. Returns
 * LL_OK or LL_EFAIL (memory). *bytes (may be NULL): stored bytes read. */
int ll_weight_scan(struct ll_weights *w, struct ll_engine *eng, void (*progress)(void *arg, double done),
                   void *arg, long long *bytes, struct ll_err *err);
#endif
