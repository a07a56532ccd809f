/* layer_delta.h - the distance of two layers, either of which may be missing. */
#ifndef LL_LAYER_DELTA_H
#define LL_LAYER_DELTA_H
#include <limits.h>

enum { LL_NO_DELTA = INT_MIN };
/* to - from; LL_NO_DELTA where one of them is negative (missing). */
static inline int ll_layer_delta(int from, int to) { return from < 0 || to < 0 ? LL_NO_DELTA : to - from; }
#endif
