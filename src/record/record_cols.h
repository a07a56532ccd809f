/* record_cols.h - the columns of a run's tables, one row each, and their numbers.
 *
 * A list is used twice: here for the enums (LL_REC_LAYER, LL_PURE_COPY_COLLAPSE, ...), in record.c for the
 * schemas, so that order, number and name cannot drift apart. To add or move a column, add or move a row.
 *   C(ID, "csv name", kind, unit, keep, doc)   one column; keep: how the index keeps it, LL_KEEP_...
 *   T(k)                                       the pair topK, probK
 * Source of names and order: the original experiment's late files (docs/experiment.md 16.1: 50, 85 and 25
 * columns), ours at the right. */
#ifndef LL_RECORD_COLS_H
#define LL_RECORD_COLS_H
#include "record.h"
#include "rules.h"

/* Files of one kind through several lenses: "-records.csv", "-records-tuned.csv", ... */
#define LL_RECORDS_FILE "-records"
#define LL_PURE_FILE "-pure-next-token"

/* clang-format off */
#define LL_TOP_PAIRS(T) \
    T(1) T(2) T(3) T(4) T(5) T(6) T(7) T(8) T(9) T(10) \
    T(11) T(12) T(13) T(14) T(15) T(16) T(17) T(18) T(19) T(20)
/* clang-format on */

/* The columns by which every table says to which pass a row belongs. */
#define LL_PASS_COLUMNS(C) \
    C(FACT_KEY, "fact_key", LL_TEXT, "", PLACE, \
      "The fact asked for, such as Germany→Berlin; empty: the prompt states none.") \
    C(FACT_INDEX, "fact_index", LL_INT, "", PLACE, "Number of the fact, from 0; empty: none.") \
    C(PROMPT_ID, "prompt_id", LL_TEXT, "", PLACE, \
      "Which prompt: pos (the probe), ctl (the control) or the experiment's own name.") \
    C(PROMPT_VARIANT, "prompt_variant", LL_TEXT, "", PLACE, "Wording of the prompt: orig, no_filler, ...")

#define LL_LAYER_DOC \
    "Lens row: 0 = embedding output, l = block l-1 at the run's site (normally the residual after it), " \
    "n_layers = before the head."
#define LL_TOP_IDS_COLUMN(C) \
    C(TOP_IDS, "top_ids", LL_TEXT, "", LISTED, \
      "Vocabulary ids of top1, top2, ... separated by spaces; texts are not unique, ids are.")

#define LL_JS_COLUMN(C) \
    C(JS_TO_FINAL_BITS, "js_to_final_bits", LL_REAL, "bits", COLUMN, \
      "Jensen-Shannon divergence of this row's distribution and the model's own output there, 0 to 1.")

#define LL_RECORDS_ORIGINAL(C, T) \
    LL_PASS_COLUMNS(C) \
    C(LAYER, "layer", LL_INT, "", PLACE, LL_LAYER_DOC) \
    C(POS, "pos", LL_INT, "", PLACE, "Position in the prompt as fed to the model, from 0.") \
    C(TOKEN, "token", LL_TEXT, "", TOKEN, "Text of the prompt's token at this position.") \
    C(ENTROPY, "entropy", LL_REAL, "bits", ENTROPY, \
      "Entropy of the full next-token distribution read at this row and position.") \
    C(ENTROPY_BITS, "entropy_bits", LL_REAL, "bits", ENTROPY, \
      "The same number as entropy, under a name that says its unit.") \
    LL_TOP_PAIRS(T) \
    C(REST_MASS, "rest_mass", LL_REAL, "probability", DERIVED, \
      "1 minus the sum of the probabilities listed, never below 0.")

#define LL_RECORDS_COLUMNS(C, T) \
    LL_RECORDS_ORIGINAL(C, T) \
    C(TOKEN_ID, "token_id", LL_INT, "", TOKEN, "Vocabulary id of the prompt's token.") \
    LL_TOP_IDS_COLUMN(C) \
    LL_JS_COLUMN(C) \
    C(ROW_ID, "row_id", LL_TEXT, "", DERIVED, \
      "Stable name of the row, pass:Llll:Ppppp such as pos.orig.0:L005:P0016; cite this.")

/* The pure table in three parts: what stands before the copy flags, the flags (their number and names are the
 * run's, record.h: ll_pure_schema_init), what follows them. */
#define LL_PURE_BEFORE_FLAGS(C, T) \
    LL_PASS_COLUMNS(C) \
    C(LAYER, "layer", LL_INT, "", PLACE, LL_LAYER_DOC) \
    C(POS, "pos", LL_INT, "", PLACE, "The prompt's last position, whose next token nobody has seen.") \
    C(TOKEN, "token", LL_TEXT, "", TOKEN, "Always ⟨NEXT⟩: the token that follows the prompt.") \
    C(ENTROPY, "entropy", LL_REAL, "bits", ENTROPY, \
      "Entropy of the full distribution of the first unseen token.") \
    C(ENTROPY_BITS, "entropy_bits", LL_REAL, "bits", ENTROPY, \
      "The same number as entropy, under a name that says its unit.") \
    LL_TOP_PAIRS(T) \
    C(REST_MASS, "rest_mass", LL_REAL, "probability", COLUMN, \
      "1 minus the sum of the probabilities listed, never below 0.") \
    C(COPY_COLLAPSE, "copy_collapse", LL_BOOL, "", COLUMN, \
      "The top-1 token repeats the prompt with confidence (rule and thresholds: provenance in the " \
      "JSON).")

#define LL_PURE_AFTER_FLAGS(C) \
    C(ENTROPY_COLLAPSE, "entropy_collapse", LL_BOOL, "", COLUMN, \
      "Entropy is at most " LL_SAID(LL_ENTROPY_COLLAPSE_BITS) " bit.") \
    C(IS_ANSWER, "is_answer", LL_BOOL, "", COLUMN, \
      "The answer's first token has rank 1; by text where the answer's id is unknown.") \
    C(P_TOP1, "p_top1", LL_REAL, "probability", COLUMN, "Probability of the most likely token.") \
    C(P_TOP5, "p_top5", LL_REAL, "probability", COLUMN, "Sum of the five largest probabilities.") \
    C(P_ANSWER, "p_answer", LL_REAL, "probability", COLUMN, \
      "Probability of the answer's first token; empty: answer not resolved.") \
    C(ANSWER_MINUS_UNIFORM, "answer_minus_uniform", LL_REAL, "probability", COLUMN, \
      "p_answer minus 1/d_vocab.") \
    C(SEMANTIC_MARGIN_OK, "semantic_margin_ok", LL_BOOL, "", COLUMN, \
      "answer_rank is 1 and answer_minus_uniform at least " LL_SAID(LL_MARGIN_DELTA) "; norm lens only.") \
    C(TEACHER_ENTROPY_BITS, "teacher_entropy_bits", LL_REAL, "bits", COLUMN, \
      "Entropy of the model's own output, the same in all rows of a pass.") \
    C(KL_TO_FINAL_BITS, "kl_to_final_bits", LL_REAL, "bits", COLUMN, \
      "KL divergence from this row's distribution to the model's own output.") \
    C(KL_TO_FINAL_BITS_NORM_TEMP, "kl_to_final_bits_norm_temp", LL_REAL, "bits", COLUMN, \
      "The same with this row's logits divided by its calibrated temperature (tau_norm_per_layer in" \
      " the JSON).") \
    C(ANSWER_RANK, "answer_rank", LL_INT, "", COLUMN, \
      "Rank of the answer's first token, 1 = most likely; ties share the best rank.") \
    C(JACCARD50_RAW, "topk_jaccard_raw_norm@50", LL_REAL, "", COLUMN, \
      "Overlap of the 50 best ids read with and without the norm, intersection over union.") \
    C(JACCARD50_CONSECUTIVE, "topk_jaccard_consecutive@50", LL_REAL, "", COLUMN, \
      "Overlap of the 50 best ids of this row and the row before; empty at row 0.") \
    C(COS_TO_FINAL, "cos_to_final", LL_REAL, "", COLUMN, \
      "Cosine between this row's logits and the model's own, both without the head's bias.") \
    C(COS_TO_ANSWER, "cos_to_answer", LL_REAL, "", COLUMN, \
      "Cosine between the normalised residual and the unembedding vector of the answer's first " \
      "token.") \
    C(COS_TO_PROMPT_MAX, "cos_to_prompt_max", LL_REAL, "", COLUMN, \
      "The largest such cosine over the prompt's tokens that are more than white space or " \
      "punctuation.") \
    C(GEOM_CROSSOVER, "geom_crossover", LL_BOOL, "", COLUMN, \
      "cos_to_answer is at least cos_to_prompt_max + " LL_SAID(LL_GEOM_GAMMA) ".") \
    C(ECHO_MASS_PROMPT, "echo_mass_prompt", LL_REAL, "probability", COLUMN, \
      "Sum of the probabilities of the prompt's tokens that are more than white space or " \
      "punctuation.") \
    C(ANSWER_MASS, "answer_mass", LL_REAL, "probability", COLUMN, "The same number as p_answer.") \
    C(ANSWER_MINUS_ECHO_MASS, "answer_minus_echo_mass", LL_REAL, "probability", COLUMN, \
      "answer_mass minus echo_mass_prompt.") \
    C(MASS_RATIO, "mass_ratio_ans_over_prompt", LL_REAL, "", COLUMN, \
      "answer_mass over (echo_mass_prompt + " LL_SAID(LL_MASS_EPSILON) ").") \
    C(TOPK_PROMPT_MASS50, "topk_prompt_mass@50", LL_REAL, "probability", COLUMN, \
      "Probability of the prompt's tokens that are among the 50 best.") \
    C(CONTROL_MARGIN, "control_margin", LL_REAL, "probability", COLUMN, \
      "Control passes only: p of the control's answer minus p of the main prompt's answer.") \
    C(RESID_NORM_RATIO, "resid_norm_ratio", LL_REAL, "", COLUMN, \
      "Length of the normalised residual over length of the raw one, 1e-12 added to both.") \
    C(DELTA_RESID_COS, "delta_resid_cos", LL_REAL, "", COLUMN, \
      "Cosine between the raw and the normalised residual.") \
    C(ANSWER_LOGIT_GAP, "answer_logit_gap", LL_REAL, "logit", COLUMN, \
      "Logit of the answer minus that of the second best; only where the answer's token is the " \
      "best.") \
    C(ANSWER_VS_TOP1_GAP, "answer_vs_top1_gap", LL_REAL, "logit", COLUMN, \
      "Logit of the answer minus that of the best token; only where answer_rank is above 1.")

#define LL_PURE_OURS(C) \
    LL_TOP_IDS_COLUMN(C) \
    C(TOKEN_ID, "token_id", LL_INT, "", TOKEN, "Always empty here: the token is unseen.") \
    C(ANSWER_LOGPROB, "answer_logprob", LL_REAL, "nat", COLUMN, \
      "Natural logarithm of the probability of the whole answer, all its tokens, by teacher forcing" \
      " at this row.") \
    C(ACCEPTED_RANK, "accepted_rank", LL_INT, "", COLUMN, \
      "Best rank of the first token of any accepted answer.") \
    LL_JS_COLUMN(C) \
    C(ROW_ID, "row_id", LL_TEXT, "", DERIVED, \
      "Stable name of the row, pass:Llll:Ppppp; the records row of the same name reads the same " \
      "place.")

/* With and without the norm, row by row (docs/experiment.md 8.3). */
#define LL_RAWLENS_ORIGINAL(C) \
    LL_PASS_COLUMNS(C) \
    C(LAYER, "layer", LL_INT, "", PLACE, LL_LAYER_DOC) \
    C(P_TOP1_RAW, "p_top1_raw", LL_REAL, "probability", COLUMN, \
      "Largest probability, read without any norm.") \
    C(TOP1_ID_RAW, "top1_token_id_raw", LL_INT, "", COLUMN, "Id of that token.") \
    C(TOP1_STR_RAW, "top1_token_str_raw", LL_TEXT, "", COLUMN, "Its text.") \
    C(P_ANSWER_RAW, "p_answer_raw", LL_REAL, "probability", COLUMN, \
      "Probability of the answer's first token, read without any norm.") \
    C(ANSWER_RANK_RAW, "answer_rank_raw", LL_INT, "", COLUMN, "Its rank.") \
    C(P_TOP1_NORM, "p_top1_norm", LL_REAL, "probability", COLUMN, \
      "Largest probability through the run's lens.") \
    C(TOP1_ID_NORM, "top1_token_id_norm", LL_INT, "", COLUMN, "Id of that token.") \
    C(TOP1_STR_NORM, "top1_token_str_norm", LL_TEXT, "", COLUMN, "Its text.") \
    C(P_ANSWER_NORM, "p_answer_norm", LL_REAL, "probability", COLUMN, \
      "Probability of the answer's first token through the run's lens.") \
    C(ANSWER_RANK_NORM, "answer_rank_norm", LL_INT, "", COLUMN, "Its rank.") \
    C(KL_NORM_RAW, "kl_norm_vs_raw_bits", LL_REAL, "bits", COLUMN, \
      "KL divergence from the norm lens to the raw lens.") \
    C(KL_RAW_NORM, "kl_raw_to_norm_bits", LL_REAL, "bits", COLUMN, \
      "KL divergence from the raw lens to the norm lens.") \
    C(JS, "js_divergence", LL_REAL, "bits", COLUMN, "Jensen-Shannon divergence of the two, 0 to 1.") \
    C(ENTROPY_NORM, "entropy_bits_norm", LL_REAL, "bits", COLUMN, "Entropy through the run's lens.") \
    C(ENTROPY_RAW, "entropy_bits_raw", LL_REAL, "bits", COLUMN, "Entropy without any norm.") \
    C(ENTROPY_GAP, "entropy_gap_bits", LL_REAL, "bits", COLUMN, \
      "entropy_bits_norm minus the entropy of the model's own output.") \
    C(L1, "l1_prob_diff", LL_REAL, "probability", COLUMN, \
      "Sum of the absolute differences of the two distributions, 0 to 2.") \
    C(JACCARD50_RAW, "topk_jaccard_raw_norm@50", LL_REAL, "", COLUMN, \
      "Overlap of the 50 best ids of the two, intersection over union.") \
    C(JACCARD50_CONSECUTIVE, "topk_jaccard_consecutive@50", LL_REAL, "", COLUMN, \
      "Overlap of the 50 best ids of this row and the row before, norm lens; empty at row 0.") \
    C(NORM_ONLY, "norm_only_semantics", LL_BOOL, "", COLUMN, \
      "The answer has rank 1 through the norm lens but not without it.")
#define LL_RAWLENS_COLUMNS(C) \
    LL_RAWLENS_ORIGINAL(C) \
    C(ROW_ID, "row_id", LL_TEXT, "", DERIVED, \
      "Stable name of the row; the pure row of the same name reads the same place.")

/* Every accepted answer of a pass, all its tokens. */
#define LL_ANSWERS_COLUMNS(C) \
    LL_PASS_COLUMNS(C) \
    C(LAYER, "layer", LL_INT, "", PLACE, LL_LAYER_DOC) \
    C(ANSWER_INDEX, "answer_index", LL_INT, "", COLUMN, \
      "Number of the accepted answer in the experiment's list, 0 = the main one.") \
    C(ANSWER, "answer", LL_TEXT, "", COLUMN, "Its text; empty: it was given as a token id.") \
    C(N_TOKENS, "n_tokens", LL_INT, "", COLUMN, \
      "How many tokens it has after this prompt; empty: not resolved.") \
    C(FIRST_ID, "first_id", LL_INT, "", COLUMN, "Id of its first token.") \
    C(FIRST_RANK, "first_rank", LL_INT, "", COLUMN, "Rank of that token at this row, 1 = most likely.") \
    C(P_FIRST, "p_first", LL_REAL, "probability", COLUMN, "Probability of that token at this row.") \
    C(LOGPROB, "logprob", LL_REAL, "nat", COLUMN, \
      "Natural logarithm of the probability of all its tokens in a row, by teacher forcing; empty: " \
      "not asked for.") \
    C(ROW_ID, "row_id", LL_TEXT, "", DERIVED, \
      "Stable name of the row; the pure row of the same name reads the same place.")

#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_REC_##id,
#define LL_TOP_NUMBER(k) LL_REC_TOP##k, LL_REC_PROB##k,
enum ll_rec_col { LL_RECORDS_COLUMNS(LL_COL_NUMBER, LL_TOP_NUMBER) LL_REC_COLS };
#undef LL_COL_NUMBER
#undef LL_TOP_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_PURE_##id,
#define LL_TOP_NUMBER(k) LL_PURE_TOP##k, LL_PURE_PROB##k,
/* Numbers of the default schema (ll_schema_pure, with LL_PURE_DEFAULT_FLAGS flags); of a run's own:
 * ll_pure_col(). */
#define LL_ONE_FLAG(x) +1
enum { LL_PURE_DEFAULT_FLAGS = 1 LL_COPY_SWEEP(LL_ONE_FLAG) LL_COPY_SOFT_KS(LL_ONE_FLAG) };
#undef LL_ONE_FLAG
enum ll_pure_col {
    LL_PURE_BEFORE_FLAGS(LL_COL_NUMBER, LL_TOP_NUMBER) LL_PURE_FLAGS,
    LL_PURE_LAST_FLAG = LL_PURE_FLAGS + LL_PURE_DEFAULT_FLAGS - 1,
    LL_PURE_AFTER_FLAGS(LL_COL_NUMBER) LL_PURE_OURS(LL_COL_NUMBER) LL_PURE_COLS
};
#undef LL_COL_NUMBER
#undef LL_TOP_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_RAWLENS_##id,
enum ll_rawlens_col { LL_RAWLENS_COLUMNS(LL_COL_NUMBER) LL_RAWLENS_COLS };
#undef LL_COL_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_ANSWERS_##id,
enum ll_answers_col { LL_ANSWERS_COLUMNS(LL_COL_NUMBER) LL_ANSWERS_COLS };
#undef LL_COL_NUMBER

/* Column of the k-th most likely token's text and probability, k = 1..LL_TOP_COLS. */
#define LL_REC_TOP(k) (LL_REC_TOP1 + 2 * ((k)-1))
#define LL_REC_PROB(k) (LL_REC_PROB1 + 2 * ((k)-1))
#define LL_PURE_TOP(k) (LL_PURE_TOP1 + 2 * ((k)-1))
#define LL_PURE_PROB(k) (LL_PURE_PROB1 + 2 * ((k)-1))

#define LL_NEXT_TOKEN "\xE2\x9F\xA8NEXT\xE2\x9F\xA9" /* the pure table's `token` */
#endif
