/* tuned_cols.h - the two tables that compare a tuned lens with the plain one (docs/experiment.md 11.3).
 *
 * Names and order of the original's columns first (18 and 11); the columns that say which pass a row belongs
 * to are ours, at the right: the original kept its last pass only. delta = baseline - variant, shift =
 * baseline rank - variant rank, both positive where the variant is better. rot_* are of the original's own
 * kind of lens and always empty for translators of the published layout. */
#ifndef LL_TUNED_COLS_H
#define LL_TUNED_COLS_H
#include "record_cols.h"

#define LL_TUNED_VARIANTS_SEED_COLUMNS(C) \
    C(LAYER, "layer", LL_INT, "", PLACE, "Residual row: 0 = embedding output, l = after block l-1.") \
    C(KL_BASELINE, "kl_bits_baseline", LL_REAL, "bits", COLUMN, \
      "KL from the norm lens' row to the model's own output.") \
    C(KL_TUNED, "kl_bits_tuned", LL_REAL, "bits", COLUMN, "The same through the tuned lens.") \
    C(KL_ROT, "kl_bits_rot_only", LL_REAL, "bits", COLUMN, \
      "Through the translator without its temperature; empty: the lens has no temperatures.") \
    C(KL_TEMP, "kl_bits_temp_only", LL_REAL, "bits", COLUMN, \
      "Norm lens with the row's temperature alone; empty: the lens has none.") \
    C(DELTA_TUNED, "delta_kl_bits_tuned", LL_REAL, "bits", COLUMN, "kl_bits_baseline - kl_bits_tuned.") \
    C(DELTA_ROT, "delta_kl_bits_rot_only", LL_REAL, "bits", COLUMN, "kl_bits_baseline - kl_bits_rot_only.") \
    C(DELTA_TEMP, "delta_kl_bits_temp_only", LL_REAL, "bits", COLUMN, \
      "kl_bits_baseline - kl_bits_temp_only.") \
    C(DELTA_INTERACTION, "delta_kl_bits_interaction", LL_REAL, "bits", COLUMN, \
      "delta tuned - (delta rot_only + delta temp_only).") \
    C(RANK_BASELINE, "answer_rank_baseline", LL_INT, "", COLUMN, \
      "Rank of the answer's first token under the norm lens.") \
    C(RANK_TUNED, "answer_rank_tuned", LL_INT, "", COLUMN, "The same under the tuned lens.") \
    C(RANK_ROT, "answer_rank_rot_only", LL_INT, "", COLUMN, \
      "The same under the translator alone; empty as above.") \
    C(RANK_TEMP, "answer_rank_temp_only", LL_INT, "", COLUMN, \
      "The same with the temperature alone; empty as above.") \
    C(SHIFT_TUNED, "rank_shift_tuned", LL_INT, "", COLUMN, "answer_rank_baseline - answer_rank_tuned.") \
    C(SHIFT_ROT, "rank_shift_rot_only", LL_INT, "", COLUMN, "answer_rank_baseline - answer_rank_rot_only.") \
    C(SHIFT_TEMP, "rank_shift_temp_only", LL_INT, "", COLUMN, \
      "answer_rank_baseline - answer_rank_temp_only.") \
    C(ENTROPY_BASELINE, "entropy_bits_baseline", LL_REAL, "bits", COLUMN, "Entropy of the norm lens' row.") \
    C(ENTROPY_TUNED, "entropy_bits_tuned", LL_REAL, "bits", COLUMN, "Entropy of the tuned row.")

#define LL_POS_AUDIT_SEED_COLUMNS(C) \
    C(POS_FRAC, "pos_frac", LL_REAL, "", COLUMN, \
      "Share of the prompt: " LL_POS_FRAC_LIST(LL_SAID_COMMA) "1 of its last position.") \
    C(POS_INDEX, "pos_index", LL_INT, "", COLUMN, \
      "The position that it rounds to, half to even; of equal positions the first share stands.") \
    C(LAYER, "layer", LL_INT, "", PLACE, "Residual row: 0 = embedding output, l = after block l-1.") \
    C(KL_BASELINE, "kl_bits_baseline", LL_REAL, "bits", COLUMN, \
      "KL from the norm lens' row to the model's own output at that position.") \
    C(KL_TUNED, "kl_bits_tuned", LL_REAL, "bits", COLUMN, "The same through the tuned lens.") \
    C(DELTA_TUNED, "delta_kl_bits_tuned", LL_REAL, "bits", COLUMN, "kl_bits_baseline - kl_bits_tuned.") \
    C(RANK_BASELINE, "answer_rank_baseline", LL_INT, "", COLUMN, \
      "Rank of the answer's first token under the norm lens; only at the last position.") \
    C(RANK_TUNED, "answer_rank_tuned", LL_INT, "", COLUMN, "The same under the tuned lens.") \
    C(SHIFT_TUNED, "rank_shift_tuned", LL_INT, "", COLUMN, "answer_rank_baseline - answer_rank_tuned.") \
    C(ENTROPY_BASELINE, "entropy_bits_baseline", LL_REAL, "bits", COLUMN, "Entropy of the norm lens' row.") \
    C(ENTROPY_TUNED, "entropy_bits_tuned", LL_REAL, "bits", COLUMN, "Entropy of the tuned row.")

#define LL_TUNED_VARIANTS_COLUMNS(C) LL_TUNED_VARIANTS_SEED_COLUMNS(C) LL_PASS_COLUMNS(C)
#define LL_POS_AUDIT_COLUMNS(C) LL_POS_AUDIT_SEED_COLUMNS(C) LL_PASS_COLUMNS(C)
#define LL_TUNED_VARIANTS_ENUM(id, name, kind, unit, keep, doc) LL_TV_##id,
enum ll_tuned_variants_column { LL_TUNED_VARIANTS_COLUMNS(LL_TUNED_VARIANTS_ENUM) LL_TV_COLS };
#define LL_POS_AUDIT_ENUM(id, name, kind, unit, keep, doc) LL_PA_##id,
enum ll_pos_audit_column { LL_POS_AUDIT_COLUMNS(LL_POS_AUDIT_ENUM) LL_PA_COLS };
extern const struct ll_schema
    ll_schema_tuned_variants; /* "tuned_variants", "-pure-next-token-tuned-variants.csv" */
extern const struct ll_schema ll_schema_pos_audit; /* "positions_audit", "-positions-tuned-audit.csv" */
#endif
