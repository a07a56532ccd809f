/* weight_pairs.h - a quantised checkpoint's weights beside its original's, part by part: means, spreads, rms.
 * The containers may differ: the order of rows does not change a mean. */
#ifndef LL_WEIGHT_PAIRS_H
#define LL_WEIGHT_PAIRS_H
#include "engine.h"
#include "weight_parts.h"

enum { LL_MEAN, LL_STD, LL_RMS, LL_N_MOMENTS };
struct ll_weight_pair {
    int layer; /* -1: embedding, head, final norm */
    int part;  /* enum ll_weight_part */
    enum ll_dtype type;
    double quantised[LL_N_MOMENTS], original[LL_N_MOMENTS]; /* of the values as multiplied */
    double percent;                                         /* of the rms, from the original's */
};
struct ll_weight_pairs {
    struct ll_weight_pair *v;
    int n, worst; /* owned; worst: the largest |percent|, 0 when there are none */
};
/* Both checkpoints are opened, read and closed. Returns LL_OK, LL_EUSAGE (no checkpoint, or not the same
 * number of layers and width), LL_EUNSUP or LL_EFAIL. Free with ll_weight_pairs_free, also after a
 * failure. */
int ll_weight_pairs_find(struct ll_weight_pairs *p, const char *quantised, const char *original,
                         struct ll_engine *eng, struct ll_err *err);
void ll_weight_pairs_free(struct ll_weight_pairs *p);
#endif
