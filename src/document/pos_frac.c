/* pos_frac.c - see pos_frac.h */
#include "pos_frac.h"

#include "rules.h"

#include <math.h>

#define AND_NEXT(x) x,
const double ll_pos_fracs[LL_N_POS_FRACS] = {LL_POS_FRAC_LIST(AND_NEXT) 1};
#undef AND_NEXT

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
