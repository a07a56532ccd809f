/* eval_given.h - the blocks of an evaluation prompt that do not come from the index: what columns mean, rows
 * that the user asks for, earlier evaluations, benchmark scores. */
#ifndef LL_EVAL_GIVEN_H
#define LL_EVAL_GIVEN_H
#include "eval_prompt.h"

enum { LL_GIVEN_COLUMNS, LL_GIVEN_EXTRA, LL_GIVEN_EVALUATIONS, LL_GIVEN_SCORES, LL_N_GIVEN };
enum { LL_EVAL_MAX_TEXT = 1 << 26 }; /* bytes of a file that goes into a prompt */
/* Where they come from; NULL: the block stays empty. All borrowed. */
struct ll_eval_given_ask {
    const char *run;    /* folder of the run */
    const char *db;     /* an index of it */
    const char *sql;    /* or a named query: rows to put in */
    const char *scores; /* CSV file with a column "source" */
};
/* Fill b[LL_N_GIVEN] for that kind of prompt. Returns LL_OK, LL_EUSAGE or LL_EFAIL; free each with
 * ll_eval_block_free, also after a failure. */
int ll_eval_given(struct ll_eval_block b[LL_N_GIVEN], enum ll_eval_kind kind,
                  const struct ll_eval_given_ask *ask, struct ll_err *err);
#endif
