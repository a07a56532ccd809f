/* record_cols.h - the columns of both tables, one row each, and their numbers.
 *
 * A list is used twice: here for the enums (LL_REC_LAYER, LL_PURE_COPY_COLLAPSE, ...), in record.c for the schemas,
 * so that order, number and name cannot drift apart. To add or move a column, add or move a row.
 *   C(ID, "csv name", kind, unit, doc)   one column
 *   T(k)                                 the pair topK, probK
 * Source of names and order: spec 8 (45 early columns), spec 9.1 (48), ours at the right. */
#ifndef LL_RECORD_COLS_H
#define LL_RECORD_COLS_H
#include "record.h"

#define LL_TOP_PAIRS(T) \
    T(1) T(2) T(3) T(4) T(5) T(6) T(7) T(8) T(9) T(10) T(11) T(12) T(13) T(14) T(15) T(16) T(17) T(18) T(19) T(20)

/* The columns by which both tables say to which pass a row belongs. */
#define LL_PASS_COLUMNS(C) \
    C(FACT_KEY, "fact_key", LL_TEXT, "", "The fact asked for, such as Germany→Berlin; empty: the prompt states none.") \
    C(FACT_INDEX, "fact_index", LL_INT, "", "Number of the fact, from 0; empty: none.") \
    C(PROMPT_ID, "prompt_id", LL_TEXT, "", "Which prompt: pos (the probe), ctl (the control) or the experiment's own name.") \
    C(PROMPT_VARIANT, "prompt_variant", LL_TEXT, "", "Wording of the prompt: orig, no_filler, ...") \
    C(ENTROPY_BITS, "entropy_bits", LL_REAL, "bits", "The same number as entropy, under a name that says its unit.")

#define LL_RECORDS_SEED_COLUMNS(C, T) \
    C(LAYER, "layer", LL_INT, "", "Residual row: 0 = embedding output, l = after block l-1, n_layers = before the head.") \
    C(POS, "pos", LL_INT, "", "Position in the prompt as fed to the model, from 0.") \
    C(TOKEN, "token", LL_TEXT, "", "Text of the prompt's token at this position.") \
    C(ENTROPY, "entropy", LL_REAL, "bits", "Entropy of the full next-token distribution read at this row and position.") \
    LL_TOP_PAIRS(T) \
    C(REST_MASS, "rest_mass", LL_REAL, "probability", "1 minus the sum of the probabilities listed, never below 0.")

#define LL_RECORDS_COLUMNS(C, T) \
    LL_RECORDS_SEED_COLUMNS(C, T) \
    LL_PASS_COLUMNS(C) \
    C(TOKEN_ID, "token_id", LL_INT, "", "Vocabulary id of the prompt's token.") \
    C(TOP_IDS, "top_ids", LL_TEXT, "", "Vocabulary ids of top1, top2, ... separated by spaces; texts are not unique, ids are.") \
    C(ROW_ID, "row_id", LL_TEXT, "", "Stable name of the row, pass:Llll:Ppppp such as pos.orig.0:L005:P0016; cite this.")

#define LL_PURE_SEED_COLUMNS(C, T) \
    C(LAYER, "layer", LL_INT, "", "Residual row: 0 = embedding output, l = after block l-1, n_layers = before the head.") \
    C(POS, "pos", LL_INT, "", "The prompt's last position, whose next token nobody has seen.") \
    C(TOKEN, "token", LL_TEXT, "", "Always ⟨NEXT⟩: the token that follows the prompt.") \
    C(ENTROPY, "entropy", LL_REAL, "bits", "Entropy of the full distribution of the first unseen token.") \
    LL_TOP_PAIRS(T) \
    C(REST_MASS, "rest_mass", LL_REAL, "probability", "1 minus the sum of the probabilities listed, never below 0.") \
    C(COPY_COLLAPSE, "copy_collapse", LL_BOOL, "", "The top-1 token repeats the prompt with confidence (rule and thresholds: provenance in the JSON).") \
    C(ENTROPY_COLLAPSE, "entropy_collapse", LL_BOOL, "", "Entropy is at most 1 bit.") \
    C(IS_ANSWER, "is_answer", LL_BOOL, "", "The answer's first token has rank 1; by text where the answer's id is unknown.")

#define LL_PURE_COLUMNS(C, T) \
    LL_PURE_SEED_COLUMNS(C, T) \
    LL_PASS_COLUMNS(C) \
    C(P_TOP1, "p_top1", LL_REAL, "probability", "Probability of the most likely token.") \
    C(P_ANSWER, "p_answer", LL_REAL, "probability", "Probability of the answer's first token; empty: answer not resolved.") \
    C(ANSWER_RANK, "answer_rank", LL_INT, "", "Rank of the answer's first token, 1 = most likely; ties share the best rank.") \
    C(KL_TO_FINAL_BITS, "kl_to_final_bits", LL_REAL, "bits", "KL divergence from this row's distribution to the model's own output.") \
    C(TOKEN_ID, "token_id", LL_INT, "", "Always empty here: the token is unseen.") \
    C(TOP_IDS, "top_ids", LL_TEXT, "", "Vocabulary ids of top1, top2, ... separated by spaces; texts are not unique, ids are.") \
    C(ROW_ID, "row_id", LL_TEXT, "", "Stable name of the row, pass:Llll:Ppppp; the records row of the same name reads the same place.")

#define LL_COL_NUMBER(id, name, kind, unit, doc) LL_REC_##id,
#define LL_TOP_NUMBER(k) LL_REC_TOP##k, LL_REC_PROB##k,
enum ll_rec_col { LL_RECORDS_COLUMNS(LL_COL_NUMBER, LL_TOP_NUMBER) LL_REC_COLS };
#undef LL_COL_NUMBER
#undef LL_TOP_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, doc) LL_PURE_##id,
#define LL_TOP_NUMBER(k) LL_PURE_TOP##k, LL_PURE_PROB##k,
enum ll_pure_col { LL_PURE_COLUMNS(LL_COL_NUMBER, LL_TOP_NUMBER) LL_PURE_COLS };
#undef LL_COL_NUMBER
#undef LL_TOP_NUMBER

/* Column of the k-th most likely token's text and probability, k = 1..LL_TOP_COLS. */
#define LL_REC_TOP(k) (LL_REC_TOP1 + 2 * ((k) - 1))
#define LL_REC_PROB(k) (LL_REC_PROB1 + 2 * ((k) - 1))
#define LL_PURE_TOP(k) (LL_PURE_TOP1 + 2 * ((k) - 1))
#define LL_PURE_PROB(k) (LL_PURE_PROB1 + 2 * ((k) - 1))

#define LL_NEXT_TOKEN "\xE2\x9F\xA8NEXT\xE2\x9F\xA9" /* the pure table's `token` */
#endif
