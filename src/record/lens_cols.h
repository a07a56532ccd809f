/* lens_cols.h - what `lens --csv` and `lens --json` say: a layer's measures, its likely tokens, the answers
 * followed; and the shares of `lens --attribution`. Used like record_cols.h.
 *
 * Unlike a records row, a CSV row of `lens` is one likely token: the layer's measures are repeated in each of
 * its rows. Each answer that is followed beside the main one adds the columns LL_TRACKED_COLUMNS, their
 * names ending in its number: answer_rank_2, ... The JSON output has the same measures as members of a
 * layer, and lists tokens and answers within it. */
#ifndef LL_LENS_COLS_H
#define LL_LENS_COLS_H
#include "record_cols.h"

#define LL_LENS_MEASURES(C) \
    C(ENTROPY_BITS, "entropy_bits", LL_REAL, "bits", COLUMN, "Entropy of the row's distribution.") \
    C(KL_TO_FINAL_BITS, "kl_to_final_bits", LL_REAL, "bits", COLUMN, \
      "KL divergence from this row's distribution to the model's own output.") \
    LL_JS_COLUMN(C)
#define LL_LENS_MAIN_ANSWER(C) \
    C(ANSWER_RANK, "answer_rank", LL_INT, "", COLUMN, \
      "Rank of the first token of the first answer, 1 = most likely; empty: none asked for, or not " \
      "resolved.") \
    C(P_ANSWER, "p_answer", LL_REAL, "probability", COLUMN, "Its probability.")

/* A CSV row: a token of a layer's list. */
#define LL_LENS_COLUMNS(C) \
    C(LAYER, "layer", LL_INT, "", PLACE, LL_LAYER_DOC) \
    C(POS, "pos", LL_INT, "", PLACE, "Position read, from 0.") \
    LL_LENS_MEASURES(C) \
    LL_LENS_MAIN_ANSWER(C) \
    C(RANK, "rank", LL_INT, "", LISTED, "Place of the token in the layer's list, 1 = most likely.") \
    C(TOKEN_ID, "token_id", LL_INT, "", LISTED, "Vocabulary id of that token.") \
    C(TOKEN, "token", LL_TEXT, "", LISTED, "Its text.") \
    C(P, "p", LL_REAL, "probability", LISTED, "Its probability.") \
    C(INTERVENTIONS, "interventions", LL_TEXT, "", COLUMN, \
      "What was changed in the pass, joined by semicolons; empty: nothing.")
#define LL_TRACKED_COLUMNS(C) \
    C(ANSWER, "answer", LL_TEXT, "", COLUMN, "Answer number N; empty: it was given as a token id.") \
    C(SPELLING, "spelling", LL_TEXT, "", COLUMN, "How it is spelled: with_space, no_space, exact, ids.") \
    C(ANSWER_ID, "answer_id", LL_INT, "", COLUMN, "Id of its first token; empty: not resolved.") \
    C(ANSWER_RANK, "answer_rank", LL_INT, "", COLUMN, "Rank of that token at this layer.") \
    C(P_ANSWER, "p_answer", LL_REAL, "probability", COLUMN, "Its probability.")

/* Members of the JSON output: of a listed token, of a followed answer at a layer. */
#define LL_LENS_TOP_MEMBERS(C) \
    C(ID, "id", LL_INT, "", LISTED, "Vocabulary id.") \
    C(TEXT, "text", LL_TEXT, "", LISTED, "Text of the token.") \
    C(P, "p", LL_REAL, "probability", LISTED, "Its probability.")
#define LL_LENS_ANSWER_MEMBERS(C) \
    C(RANK, "rank", LL_INT, "", LISTED, "Rank of the answer's first token.") \
    C(P, "p", LL_REAL, "probability", LISTED, "Its probability.")

/* A row of lens --attribution --csv. */
#define LL_ATTRIBUTION_COLUMNS(C) \
    C(PART, "part", LL_TEXT, "", PLACE, \
      "embed, attn, head, attn_bias, mlp, mlp_bias, written, bias, logit, residue.") \
    C(LAYER, "layer", LL_INT, "", PLACE, "Block, from 0; empty: none.") \
    C(HEAD, "head", LL_INT, "", PLACE, "Head of that block, from 0; empty: all of it.") \
    C(SHARE, "share", LL_REAL, "logit", COLUMN, "What the part adds to the logit.") \
    C(INTERVENTIONS, "interventions", LL_TEXT, "", COLUMN, \
      "What was changed in the pass, joined by semicolons; empty: nothing.")

#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_LENSROW_##id,
enum ll_lensrow_col { LL_LENS_COLUMNS(LL_COL_NUMBER) LL_LENSROW_COLS };
#undef LL_COL_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_TRACKED_##id,
enum ll_tracked_col { LL_TRACKED_COLUMNS(LL_COL_NUMBER) LL_TRACKED_COLS };
#undef LL_COL_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_LENSTOP_##id,
enum ll_lenstop_col { LL_LENS_TOP_MEMBERS(LL_COL_NUMBER) LL_LENSTOP_COLS };
#undef LL_COL_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_LENSANSWER_##id,
enum ll_lensanswer_col { LL_LENS_ANSWER_MEMBERS(LL_COL_NUMBER) LL_LENSANSWER_COLS };
#undef LL_COL_NUMBER
#define LL_COL_NUMBER(id, name, kind, unit, keep, doc) LL_ATTR_##id,
enum ll_attr_col { LL_ATTRIBUTION_COLUMNS(LL_COL_NUMBER) LL_ATTR_COLS };
#undef LL_COL_NUMBER

extern const struct ll_schema ll_schema_lens, ll_schema_lens_top, ll_schema_lens_answer,
    ll_schema_attribution;

/* The CSV table with the columns of answers 2, 3, ... at its right. */
struct ll_lens_schema {
    struct ll_schema schema;
    struct ll_col *cols; /* owned */
    char *names;         /* owned */
};
/* n_more: answers beside the main one. LL_OK or LL_EFAIL (memory), *s then empty. */
int ll_lens_schema_init(struct ll_lens_schema *s, int n_more, struct ll_err *err);
void ll_lens_schema_free(struct ll_lens_schema *s);
/* The column of further answer i (from 0). */
int ll_tracked_col(int i, enum ll_tracked_col col);
#endif
