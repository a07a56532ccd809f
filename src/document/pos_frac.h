/* pos_frac.h - the positions along a prompt that are looked at (docs/experiment.md 9.5). */
#ifndef LL_POS_FRAC_H
#define LL_POS_FRAC_H

enum { LL_N_POS_FRACS = 8 };
extern const double ll_pos_fracs[LL_N_POS_FRACS]; /* LL_POS_FRAC_LIST of rules.h, and 1 */
struct ll_pos_frac {
    double frac;
    int pos;
};
/* In a prompt of n_ids tokens: share and position, rising, positions distinct. Returns how many. */
int ll_position_fractions(int n_ids, struct ll_pos_frac out[LL_N_POS_FRACS]);
#endif
