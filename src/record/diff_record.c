/* diff_record.c - see diff_record.h */
#include "diff_record.h"

#include <math.h>

#define COLUMN(id, name, kind, unit, doc) {name, kind, unit, doc},
static const struct ll_col diff_cols[] = {LL_DIFF_COLUMNS(COLUMN)};
const struct ll_schema ll_schema_diff = {"diff_rows", "-diff.csv", diff_cols, LL_DIFF_COLS, 0};

const struct ll_diff_measure_info ll_diff_measures[LL_DIFF_MEASURES] = {
    [LL_DIFF_M_KL_AB] = {"kl_a_to_b_bits", 0},     [LL_DIFF_M_KL_BA] = {"kl_b_to_a_bits", 0}, [LL_DIFF_M_JS] = {"js_bits", 0},
    [LL_DIFF_M_ENTROPY_A] = {"entropy_a_bits", 0}, [LL_DIFF_M_ENTROPY_B] = {"entropy_b_bits", 0}, [LL_DIFF_M_JACCARD] = {"top5_jaccard", 1},
    [LL_DIFF_M_COS] = {"resid_cos", 1},            [LL_DIFF_M_REL_ERR] = {"resid_rel_err", 0},
};

const char *const ll_diff_tolerance_names[LL_DIFF_TOLERANCES] = {
    [LL_DIFF_T_KL] = "kl_a_to_b_bits", [LL_DIFF_T_JS] = "js_bits", [LL_DIFF_T_FLIPS] = "top1_flip_share", [LL_DIFF_T_COS] = "resid_cos", [LL_DIFF_T_REL_ERR] = "resid_rel_err",
};

unsigned ll_diff_beyond(const struct ll_diff_layer *l, const double tolerance[LL_DIFF_TOLERANCES])
{
    const double found[LL_DIFF_TOLERANCES] = {
        [LL_DIFF_T_KL] = l->m[LL_DIFF_M_KL_AB].mean, [LL_DIFF_T_JS] = l->m[LL_DIFF_M_JS].mean, [LL_DIFF_T_FLIPS] = l->n ? (double)l->flips / l->n : NAN,
        [LL_DIFF_T_COS] = l->m[LL_DIFF_M_COS].mean, [LL_DIFF_T_REL_ERR] = l->m[LL_DIFF_M_REL_ERR].mean,
    };
    unsigned beyond = 0;
    for (int t = 0; t < LL_DIFF_TOLERANCES; t++)
        if (tolerance[t] >= 0 && (t == LL_DIFF_T_COS ? found[t] < tolerance[t] : found[t] > tolerance[t]))
            beyond |= 1u << t;
    return beyond;
}
