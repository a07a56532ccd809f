/* answer_figures.h - what the walk and whole runs say of the accepted answers of a prompt. */
#ifndef LL_ANSWER_FIGURES_H
#define LL_ANSWER_FIGURES_H
#include "head_pass.h"

struct ll_answer_figures {
    const char *text;      /* borrowed; NULL: given as an id */
    int slot, first_id;    /* which tracked id is its first token, and that id; slot -1: unresolved */
    int n_tokens;          /* 0: unresolved */
    const double *logprob; /* [n_rows] of an answer of several tokens, all of them (teacher forcing); NULL:
                              never run; borrowed */
};
/* Joint natural-log probability of an answer at a row whose last position says o; NAN: unresolved or never
 * run. */
double ll_answer_logprob(const struct ll_answer_figures *a, int row, const struct ll_head_out *o);
/* Best rank of the first token of any of n accepted answers at such a row; -1: none resolved. */
int ll_answers_best_rank(const struct ll_answer_figures *a, int n, const struct ll_head_out *o);
#endif
