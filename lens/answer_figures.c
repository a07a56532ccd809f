/* answer_figures.c - see answer_figures.h */
#include "answer_figures.h"

#include <math.h>

double ll_answer_logprob(const struct ll_answer_figures *a, int row, const struct ll_head_out *o)
{
    if (a->slot < 0)
        return NAN;
    if (a->n_tokens > 1)
        return a->logprob ? a->logprob[row] : NAN;
    return (double)o->tracked_logit[a->slot] - o->lse;
}

int ll_answers_best_rank(const struct ll_answer_figures *a, int n, const struct ll_head_out *o)
{
    int best = -1;
    for (int i = 0; i < n; i++)
        if (a[i].slot >= 0 && (best < 0 || o->tracked_rank[a[i].slot] < best))
            best = o->tracked_rank[a[i].slot];
    return best;
}
