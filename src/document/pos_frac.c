/* pos_frac.c - see pos_frac.h */
#include "pos_frac.h"

#include <math.h>

const double ll_pos_fracs[LL_N_POS_FRACS] = {0.20, 0.40, 0.60, 0.80, 0.92, 0.96, 0.98, 1.00};

int ll_position_fractions(int n_ids, struct ll_pos_frac out[LL_N_POS_FRACS])
{
    int n = 0;
    for (int i = 0; i < LL_N_POS_FRACS; i++) {
        int pos = (int)nearbyint(ll_pos_fracs[i] * (n_ids - 1)); /* half to even */
        if (!n || out[n - 1].pos != pos)
            out[n++] = (struct ll_pos_frac){ll_pos_fracs[i], pos};
    }
    return n;
}
