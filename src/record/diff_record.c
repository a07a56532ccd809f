/* diff_record.c - see diff_record.h */
#include "diff_record.h"

#include <math.h>

#define COLUMN(id, name, kind, unit, keep, doc) {name, kind, unit, LL_KEEP_##keep, doc},
static const struct ll_col diff_cols[] = {LL_DIFF_COLUMNS(COLUMN)};
const struct ll_schema ll_schema_diff = {.table = "diff_rows",
                                         .file_suffix = "-diff.csv",
                                         .doc = "A row of a comparison of two checkpoints.",
                                         .cols = diff_cols,
                                         .n_cols = LL_DIFF_COLS};

const struct ll_diff_measure_info ll_diff_measures[LL_DIFF_MEASURES] = {
    [LL_DIFF_M_KL_AB] = {"kl_a_to_b_bits", 0},
    [LL_DIFF_M_KL_BA] = {"kl_b_to_a_bits", 0},
    [LL_DIFF_M_JS] = {"js_bits", 0},
    [LL_DIFF_M_ENTROPY_A] = {"entropy_a_bits", 0},
    [LL_DIFF_M_ENTROPY_B] = {"entropy_b_bits", 0},
    [LL_DIFF_M_JACCARD] = {"top5_jaccard", 1},
    [LL_DIFF_M_COS] = {"resid_cos", 1},
    [LL_DIFF_M_REL_ERR] = {"resid_rel_err", 0},
};

const char *const ll_diff_tolerance_names[LL_DIFF_TOLERANCES] = {
    [LL_DIFF_T_KL] = "kl_a_to_b_bits",     [LL_DIFF_T_JS] = "js_bits",
    [LL_DIFF_T_FLIPS] = "top1_flip_share", [LL_DIFF_T_COS] = "resid_cos",
    [LL_DIFF_T_REL_ERR] = "resid_rel_err",
};

double ll_diff_found(const struct ll_diff_layer *l, enum ll_diff_tolerance t)
{
    switch (t) {
    case LL_DIFF_T_KL: return l->m[LL_DIFF_M_KL_AB].mean;
    case LL_DIFF_T_JS: return l->m[LL_DIFF_M_JS].mean;
    case LL_DIFF_T_FLIPS: return l->n ? (double)l->flips / l->n : NAN;
    case LL_DIFF_T_COS: return l->m[LL_DIFF_M_COS].mean;
    case LL_DIFF_T_REL_ERR: return l->m[LL_DIFF_M_REL_ERR].mean;
    case LL_DIFF_TOLERANCES: break;
    }
    return NAN;
}

unsigned ll_diff_beyond(const struct ll_diff_layer *l, const double tolerance[LL_DIFF_TOLERANCES])
{
    unsigned beyond = 0;
    for (int t = 0; t < LL_DIFF_TOLERANCES; t++) {
        double found = ll_diff_found(l, (enum ll_diff_tolerance)t);
        if (tolerance[t] >= 0 && (t == LL_DIFF_T_COS ? found < tolerance[t] : found > tolerance[t]))
            beyond |= 1u << t;
    }
    return beyond;
}

const struct ll_diff_layer *ll_diff_first_beyond(const struct ll_diff_doc *d, enum ll_diff_tolerance t)
{
    for (int l = 0; l < d->n_layers; l++)
        if (d->layers[l].beyond >> t & 1)
            return &d->layers[l];
    return NULL;
}
