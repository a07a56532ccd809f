/* rows.h - a row of the lens as a row of the record tables, and as a prediction of the JSON document. */
#ifndef LL_ROWS_H
#define LL_ROWS_H
#include "answer_figures.h"
#include "metrics.h"
#include "record.h"
#include "token.h"

/* What a run asks of all its rows. All borrowed. */
struct ll_row_rules {
    int top_record, top_verbose; /* listed tokens of a row; of a verbose one */
    const char *const *words;    /* [n_words] whose positions are verbose, lower case */
    int n_words;
    int last_only;                       /* no records, no positions */
    struct ll_copy_opts copy;            /* the rule of copy_collapse */
    const struct ll_copy_labels *labels; /* the flag columns */
};
/* What the rows of one pass share; all borrowed but scratch. */
struct ll_row_context {
    const struct ll_row_rules *rules;
    const struct ll_tokenizer *tok; /* NULL: no texts */
    int d_vocab;
    const struct ll_pass_info *info;
    const int *ctx;
    int n_ctx; /* the prompt's ids without special tokens */
    const struct ll_answer_figures *answers;
    int n_answers,
        control_slot; /* the main answer first; the tracked id that a control's is held against, -1 */
    const struct ll_head_out *own;     /* the model's own output at the last position */
    const struct ll_pass_stats *stats; /* NULL: no analysis, its cells stay empty */
    const struct ll_lens_cells *tuned; /* [n_rows] of the tuned lens' rows; NULL: no analysis */
    int is_control;                    /* the pass has a control_margin */
    struct ll_buf scratch;             /* owned; freed by ll_row_context_free */
};
/* The lens through which a pure row was read; decides which cells it has (docs/experiment.md 11.3). */
enum ll_row_lens { LL_ROW_NORM, LL_ROW_TUNED };
void ll_row_context_free(struct ll_row_context *c);
/* Fill a cleared records row of (layer, pos). */
void ll_fill_record(struct ll_row *row, struct ll_row_context *c, int layer, int pos,
                    const struct ll_head_out *o);
/* Fill what a cleared row of ll_schema_lens (lens_cols.h) says of its layer: place, measures, and the main
 * answer, which is tracked id number slot (-1: none). */
void ll_fill_lens(struct ll_row *row, int layer, int pos, const struct ll_head_out *o, int slot);
/* Flags of the rows of one pass through one lens: o(arg, i) is the i-th of n rows in layer order, read at the
 * last position with the answers' first ids tracked. flags [n]. */
int ll_pass_flags(struct ll_row_context *c, const struct ll_head_out *(*o)(void *arg, int i), void *arg,
                  int n, struct ll_row_flags *flags, struct ll_err *err);
/* Fill a cleared pure row (of ll_schema_pure or a run's own flags) of such a row. */
void ll_fill_pure(struct ll_row *row, struct ll_row_context *c, enum ll_row_lens lens, int layer,
                  const struct ll_head_out *o, const struct ll_row_flags *flags);
/* Fill a cleared rawlens row; only for rows whose raw reading is set. */
void ll_fill_rawlens(struct ll_row *row, struct ll_row_context *c, int layer);
/* The id tracked at a position of the prompt: the next one; at the last the main answer's first. -1: none.
 */
int ll_position_target(const struct ll_row_context *c, int pos);
/* Its rank in a row of a sweep that tracked it there (sweep.h, follow); -1: no target. */
int ll_position_rank(const struct ll_row_context *c, int pos, const struct ll_head_out *o);
/* Fill a cleared positions row. */
void ll_fill_position(struct ll_row *row, struct ll_row_context *c, int layer, double frac, int pos,
                      const struct ll_head_out *o);
/* Fill a cleared answers row of accepted answer `index`. */
void ll_fill_answer(struct ll_row *row, struct ll_row_context *c, int layer, int index,
                    const struct ll_head_out *o);
/* Distinct ids of the prompt without specials that are not blank, in order of appearance
 * (docs/experiment.md 5.1). *ids owned by the caller. */
int ll_prompt_vocab(struct ll_row_context *c, int **ids, int *n, struct ll_err *err);
#endif
