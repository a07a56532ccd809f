/* diff_record.h - what a comparison of two checkpoints says: its row table, its per-layer summary, the facts
 * around it.
 *
 * Columns of the CSV file and of diff_rows in the index: LL_DIFF_COLUMNS, one row per prompt, position and
 * lens row, in that order; lens/diff.h has the formulas. Empty cell: null. "a" and "b" are the first and
 * second model named. */
#ifndef LL_DIFF_RECORD_H
#define LL_DIFF_RECORD_H
#include "record.h"

/* C(ID, name, kind, unit, keep, doc), as in record_cols.h */
#define LL_DIFF_COLUMNS(C) \
    C(PROMPT, "prompt", LL_INT, "", PLACE, "Number of the prompt, from 0.") \
    C(POS, "pos", LL_INT, "", PLACE, "Position in the prompt as fed to the models, from 0.") \
    C(LAYER, "layer", LL_INT, "", PLACE, \
      "Residual row: 0 = embedding output, l = after block l-1, n_layers = the output.") \
    C(TOKEN_ID, "token_id", LL_INT, "", COLUMN, "Vocabulary id of the prompt's token at this position.") \
    C(TOKEN, "token", LL_TEXT, "", COLUMN, "Its text.") \
    C(KL_AB, "kl_a_to_b_bits", LL_REAL, "bits", COLUMN, \
      "KL from A to B, sum p_A log2(p_A / p_B), of the next-token distributions.") \
    C(KL_BA, "kl_b_to_a_bits", LL_REAL, "bits", COLUMN, "KL from B to A.") \
    C(JS, "js_bits", LL_REAL, "bits", COLUMN, "Jensen-Shannon divergence, 0 to 1.") \
    C(ENTROPY_A, "entropy_a_bits", LL_REAL, "bits", COLUMN, "Entropy of A's distribution.") \
    C(ENTROPY_B, "entropy_b_bits", LL_REAL, "bits", COLUMN, "Entropy of B's distribution.") \
    C(TOP1_A_ID, "top1_a_id", LL_INT, "", COLUMN, "Id of A's most likely token.") \
    C(TOP1_A, "top1_a", LL_TEXT, "", COLUMN, "Its text.") \
    C(P_TOP1_A, "p_top1_a", LL_REAL, "probability", COLUMN, "Its probability in A.") \
    C(TOP1_B_ID, "top1_b_id", LL_INT, "", COLUMN, "Id of B's most likely token.") \
    C(TOP1_B, "top1_b", LL_TEXT, "", COLUMN, "Its text.") \
    C(P_TOP1_B, "p_top1_b", LL_REAL, "probability", COLUMN, "Its probability in B.") \
    C(TOP1_FLIP, "top1_flip", LL_BOOL, "", COLUMN, "True: the most likely token differs.") \
    C(TOP5_JACCARD, "top5_jaccard", LL_REAL, "", COLUMN, \
      "Size of intersection over size of union of the five most likely tokens.") \
    C(RESID_COS, "resid_cos", LL_REAL, "", COLUMN, \
      "Cosine of the two residuals; empty where the widths differ.") \
    C(RESID_REL_ERR, "resid_rel_err", LL_REAL, "", COLUMN, \
      "Norm of b - a over norm of a, of the residuals; empty where the widths differ.")
#define LL_DIFF_ENUM(id, name, kind, unit, keep, doc) LL_DIFF_##id,
enum ll_diff_column { LL_DIFF_COLUMNS(LL_DIFF_ENUM) LL_DIFF_COLS };
extern const struct ll_schema ll_schema_diff;

/* ---- the summary of a lens row --------------------------------------------------------------- */
enum ll_diff_measure {
    LL_DIFF_M_KL_AB,
    LL_DIFF_M_KL_BA,
    LL_DIFF_M_JS,
    LL_DIFF_M_ENTROPY_A,
    LL_DIFF_M_ENTROPY_B,
    LL_DIFF_M_JACCARD,
    LL_DIFF_M_COS,
    LL_DIFF_M_REL_ERR,
    LL_DIFF_MEASURES
};
struct ll_diff_measure_info {
    const char *name; /* of its column */
    int low_is_worse; /* 1: p95 and worst are the 5th percentile and the minimum */
};
extern const struct ll_diff_measure_info ll_diff_measures[LL_DIFF_MEASURES];

struct ll_diff_stat {
    double mean, median, p95, worst;
}; /* NaN: null */
struct ll_diff_layer {
    int layer, n; /* n: positions over all prompts */
    struct ll_diff_stat m[LL_DIFF_MEASURES];
    int flips;       /* of n */
    unsigned beyond; /* bit t: tolerance t (below) is exceeded */
};

/* ---- tolerances: on the mean of a row -------------------------------------------------------- */
enum ll_diff_tolerance {
    LL_DIFF_T_KL,
    LL_DIFF_T_JS,
    LL_DIFF_T_FLIPS,
    LL_DIFF_T_COS,
    LL_DIFF_T_REL_ERR,
    LL_DIFF_TOLERANCES
};
extern const char
    *const ll_diff_tolerance_names[LL_DIFF_TOLERANCES]; /* "kl_a_to_b_bits", ... "top1_flip_share" ... */
/* The mean that tolerance t is about. */
double ll_diff_found(const struct ll_diff_layer *l, enum ll_diff_tolerance t);
/* The bits of `beyond` for a row; a tolerance below 0 is not asked for, a null mean exceeds nothing. */
unsigned ll_diff_beyond(const struct ll_diff_layer *l, const double tolerance[LL_DIFF_TOLERANCES]);

/* ---- the whole comparison -------------------------------------------------------------------- */
struct ll_diff_prompt {
    const char *text;
    size_t n;
    const int *ids;
    int n_ids;
}; /* text NULL: given as ids */
struct ll_diff_doc {
    const struct ll_model_info *a, *b;
    const char *path_a, *path_b; /* as named on the command line; for the terminal only */
    const char *prompts_from;    /* "built-in sentences", "text", "ids", or a file's name */
    const char *positions;       /* "all", "last" */
    const struct ll_diff_prompt *prompts;
    int n_prompts;
    const struct ll_diff_layer *layers;
    int n_layers; /* summaries in rising layer; one when depths differ */
    double tolerance[LL_DIFF_TOLERANCES];
    int first_beyond; /* index into layers, -1: none */
    /* the position with the largest KL(A || B) at the output */
    int worst_prompt, worst_pos;
    double worst_kl_bits;
    const char *worst_token, *worst_top1_a, *worst_top1_b; /* display texts */
    double worst_p_a, worst_p_b;
    const char *command, *tool;
};
/* First row beyond tolerance t, NULL: none. */
const struct ll_diff_layer *ll_diff_first_beyond(const struct ll_diff_doc *d, enum ll_diff_tolerance t);
#endif
