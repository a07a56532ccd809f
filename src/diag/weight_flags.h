/* weight_flags.h - layers that stand apart: mean and standard deviation of every part against the other
 * layers by the robust rule (robust.h), presence and shapes against the commonest pattern. */
#ifndef LL_WEIGHT_FLAGS_H
#define LL_WEIGHT_FLAGS_H
#include "robust.h"
#include "weight_parts.h"

struct ll_weight_flag {
    int layer, part, is_std;
    double value, z;
    struct ll_robust of;
};
struct ll_weight_flags {
    struct ll_weight_flag *flags;
    int n;                  /* |z| > LL_ROBUST_LIMIT, by layer; owned */
    double *max_z;          /* [n_layers] largest |z| of any statistic; owned */
    unsigned char *differs; /* [n_layers] 1: other parts or shapes than most layers have; owned */
};
/* w must have been scanned. Returns LL_OK or LL_EFAIL (memory). */
int ll_weight_flags_find(struct ll_weight_flags *f, const struct ll_weights *w, struct ll_err *err);
void ll_weight_flags_free(struct ll_weight_flags *f);
#endif
