/* rows.h - a row of the lens as a row of the record tables, and as a prediction of the JSON document. */
#ifndef LL_ROWS_H
#define LL_ROWS_H
#include "experiment.h"
#include "prompts.h"
#include "record.h"

/* What the rows of one pass share. */
struct ll_row_context {
    const struct ll_session *s;
    const struct ll_pass_info *info;
    const struct ll_prompt *prompt;
    const struct ll_experiment *e;
    struct ll_buf scratch;           /* owned; freed by ll_row_context_free */
};
void ll_row_context_free(struct ll_row_context *c);
/* Fill a cleared records row of (layer, pos). */
void ll_fill_record(struct ll_row *row, struct ll_row_context *c, int layer, int pos, const struct ll_head_out *o);
/* Fill a cleared pure row (last position, answer followed as tracked id 0 where there is one) and say its flags. */
void ll_fill_pure(struct ll_row *row, struct ll_row_context *c, int layer, const struct ll_head_out *o, struct ll_row_flags *flags);
/* 1: the position gets the verbose top-k (spec 6): the last, or an important word. */
int ll_is_verbose(struct ll_row_context *c, int pos);

/* A prediction that owns its texts. */
struct ll_kept_prediction { struct ll_prediction p; struct ll_top *top; char *texts; };
/* temperature 0: as the model says it. */
int ll_prediction_keep(struct ll_kept_prediction *k, const struct ll_session *s, const char *prompt, double temperature, double entropy_bits,
                       double lse, const struct ll_hit *top, int n_top, struct ll_err *err);
void ll_prediction_free(struct ll_kept_prediction *k);
#endif
