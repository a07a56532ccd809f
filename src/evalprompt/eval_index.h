/* eval_index.h - an index of one run alone, in a temporary folder: what prompts are filled from and answers
 * are checked against. */
#ifndef LL_EVAL_INDEX_H
#define LL_EVAL_INDEX_H
#include "index_each.h"

enum { LL_EVAL_MAX_STEMS = 1000 };
struct ll_eval_index {
    char dir[256], *db; /* db: its path; owned */
    struct ll_reader *reader;
    char *stems[LL_EVAL_MAX_STEMS]; /* models with results; owned */
    int n_stems;
};
/* talk gets a line about each file that is not as it should be. Returns LL_OK, LL_EUSAGE or LL_EFAIL; close
 * in any case. */
int ll_eval_index_open(struct ll_eval_index *x, const char *run, void (*talk)(void *arg, const char *line),
                       void *arg, struct ll_err *err);
void ll_eval_index_close(struct ll_eval_index *x); /* and remove it */
/* Has the run a model of that name? */
int ll_eval_index_has(const struct ll_eval_index *x, const char *stem);
/* The model that the file of an evaluation is about: evaluation-<stem>.md, else the run's only one; NULL:
 * any. */
const char *ll_eval_index_subject(const struct ll_eval_index *x, const char *path);
#endif
