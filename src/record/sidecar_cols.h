/* sidecar_cols.h - the columns of the tables made from a model's passes at its end, one row each, and their
 * numbers. Used like record_cols.h. Source of names and order: the original
 * (docs/experiment.md 7.7, 8.4, 8.5, 16.1). */
#ifndef LL_SIDECAR_COLS_H
#define LL_SIDECAR_COLS_H
#include "record_cols.h"

#define LL_MILESTONES_COLUMNS(C) \
    C(LAYER, "layer", LL_INT, "", PLACE, "Residual row of the milestone; empty: no row reaches it.") \
    C(CSV_ROW_INDEX, "csv_row_index", LL_INT, "", COLUMN, \
      "Its data row in the pure-next-token table, from 0.") \
    C(IS_COPY_STRICT, "is_copy_strict", LL_BOOL, "", COLUMN, "This line is the first strict copy's.") \
    C(IS_COPY_SOFT_K, "is_copy_soft_k", LL_INT, "", COLUMN, \
      "This line is the earliest soft copy's, which has this k.") \
    C(IS_SEMANTIC_NORM, "is_semantic_norm", LL_BOOL, "", COLUMN, "This line is L_semantic's.") \
    C(IS_SEMANTIC_CONFIRMED, "is_semantic_confirmed", LL_BOOL, "", COLUMN, \
      "This line is L_semantic's as confirmed by another lens.") \
    C(ANSWER_RANK, "answer_rank", LL_INT, "", COLUMN, \
      "Rank of the answer's first token at the layer, norm lens.") \
    C(P_ANSWER, "p_answer", LL_REAL, "probability", COLUMN, "Its probability there.") \
    C(KL_TO_FINAL_BITS, "kl_to_final_bits", LL_REAL, "bits", COLUMN, \
      "KL divergence from that row to the model's own output.") \
    C(ENTROPY_BITS, "entropy_bits", LL_REAL, "bits", COLUMN, "Entropy of that row.") \
    C(LENS, "lens", LL_TEXT, "", COLUMN, \
      "norm; on the confirmed line the lens that confirms: raw, tuned, both.")

#define LL_ARTIFACT_COLUMNS(C) \
    C(LAYER, "layer", LL_TEXT, "", PLACE, \
      "Residual row; _summary on the first line, whose values are medians over the rows.") \
    C(JS_DIVERGENCE, "js_divergence", LL_REAL, "bits", COLUMN, \
      "Jensen-Shannon divergence of raw and norm lens.") \
    C(KL_RAW_TO_NORM_BITS, "kl_raw_to_norm_bits", LL_REAL, "bits", COLUMN, \
      "KL divergence from the raw lens to the norm lens.") \
    C(L1_PROB_DIFF, "l1_prob_diff", LL_REAL, "probability", COLUMN, \
      "Sum of the absolute differences of their probabilities, 0 to 2.") \
    C(TOPK_JACCARD, "topk_jaccard_raw_norm@50", LL_REAL, "", COLUMN, "Jaccard overlap of their top 50 ids.") \
    C(SCORE_V2, "lens_artifact_score_v2", LL_REAL, "", COLUMN, \
      "Artefact score, 0 to 1; on the summary line only.") \
    C(RISK_TIER, "risk_tier", LL_TEXT, "", COLUMN, "low, medium or high; on the summary line only.")

#define LL_WINDOW_COLUMNS(C) \
    LL_PASS_COLUMNS(C) \
    C(LAYER, "layer", LL_INT, "", PLACE, "Residual row near a milestone.") \
    C(LENS, "lens", LL_TEXT, "", COLUMN, "norm or raw: two lines a layer.") \
    C(P_TOP1, "p_top1", LL_REAL, "probability", COLUMN, \
      "Probability of the most likely token through that lens.") \
    C(TOP1_TOKEN_ID, "top1_token_id", LL_INT, "", COLUMN, "Its vocabulary id.") \
    C(TOP1_TOKEN_STR, "top1_token_str", LL_TEXT, "", COLUMN, "Its text.") \
    C(P_ANSWER, "p_answer", LL_REAL, "probability", COLUMN, "Probability of the answer's first token.") \
    C(ANSWER_RANK, "answer_rank", LL_INT, "", COLUMN, "Its rank, 1 = most likely.") \
    C(KL_NORM_VS_RAW_BITS, "kl_norm_vs_raw_bits", LL_REAL, "bits", COLUMN, \
      "KL divergence from the norm lens to the raw lens at the layer.")

#define LL_POSITIONS_COLUMNS(C) \
    LL_PASS_COLUMNS(C) \
    C(LAYER, "layer", LL_INT, "", PLACE, "Residual row: 0 = embedding output, l = after block l-1.") \
    C(POS_FRAC, "pos_frac", LL_REAL, "", COLUMN, \
      "Share of the prompt: " LL_POS_FRAC_LIST(LL_SAID_COMMA) "1 of its last position.") \
    C(POS_INDEX, "pos_index", LL_INT, "", COLUMN, \
      "The position that it rounds to, half to even; of equal positions the first share stands.") \
    C(TARGET_ID, "target_id", LL_INT, "", COLUMN, \
      "The token followed there: the prompt's own next one; at the last position the answer's first" \
      " (empty: none).") \
    C(TARGET, "target", LL_TEXT, "", COLUMN, "Its text.") \
    C(TARGET_RANK, "target_rank", LL_INT, "", COLUMN, "Its rank through the run's lens, 1 = most likely.") \
    C(P_TARGET, "p_target", LL_REAL, "probability", COLUMN, "Its probability.") \
    C(TOP1_ID, "top1_id", LL_INT, "", COLUMN, "The most likely token there.") \
    C(ENTROPY_BITS, "entropy_bits", LL_REAL, "bits", COLUMN, "Entropy of the row.") \
    C(KL_TO_FINAL_BITS, "kl_to_final_bits", LL_REAL, "bits", COLUMN, \
      "KL divergence to the model's own output at that position.") \
    C(ROW_ID, "row_id", LL_TEXT, "", DERIVED, "Pass, layer and position: the same in every run.")

#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_MS_##id,
enum ll_milestones_col { LL_MILESTONES_COLUMNS(LL_COL_NUMBER) LL_MS_COLS };
#undef LL_COL_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_ART_##id,
enum ll_artifact_col { LL_ARTIFACT_COLUMNS(LL_COL_NUMBER) LL_ART_COLS };
#undef LL_COL_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_WIN_##id,
enum ll_window_col { LL_WINDOW_COLUMNS(LL_COL_NUMBER) LL_WIN_COLS };
#undef LL_COL_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_POS_##id,
enum ll_positions_col { LL_POSITIONS_COLUMNS(LL_COL_NUMBER) LL_POS_COLS };
#undef LL_COL_NUMBER

extern const struct ll_schema ll_schema_milestones, ll_schema_artifact, ll_schema_window;
extern const struct ll_schema
    ll_schema_positions; /* "positions", "-positions.csv": ours, unlike the others */
#endif
