/* exact.h - every operation of a block once more, in double and by the plain formula: what the pass should
 * have computed, to tell rounding from a wrong formula.
 *
 * A point is computed from the nearest points before it that `from` holds; what lies between is computed in
 * double, too. Written from the formulas, not from the engine: no tiles, no float in between; weights and
 * gains exactly as stored. Of libm only sqrt, and cos and sin rounded to float, so that figures do not depend
 * on the machine. */
#ifndef LL_EXACT_H
#define LL_EXACT_H
#include "acts.h"

struct ll_exact {
    const struct ll_model *m;   /* borrowed */
    const struct ll_acts *from; /* borrowed: what is known */
    const int *ids;
    int n; /* the sequence; borrowed */
};
/* The point's values [rows, width] (POS_POS: [heads * n, n], masked scores -inf) as double; owned by the
 * caller. The value that `from` holds of the point itself is not looked at. Returns LL_OK, LL_EUNSUP (the
 * point does not exist in this block, or is a step inside experts) or LL_EFAIL. */
int ll_exact_point(const struct ll_exact *e, int hook, int layer, double **out, int *rows, int *width,
                   struct ll_err *err);
#endif
