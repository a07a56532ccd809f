/* text_batch.h - windows of text through the model, a batch of about LL_BATCH_TOKENS at a time, residuals of
 * every lens row kept.
 *
 * The division into batches depends on the windows alone, so sums over batches are the same on every machine.
 */
#ifndef LL_TEXT_BATCH_H
#define LL_TEXT_BATCH_H
#include "capture.h"

/* Windows of text: ids[start[i] .. start[i+1]) are one sequence; borrowed. */
struct ll_windows {
    const int *ids, *start;
    int n;
};

enum { LL_BATCH_TOKENS = 1024 };
enum ll_text_skip {
    LL_SKIP_FIRST,
    LL_SKIP_ENDS
}; /* positions not kept: the first of each window; the first and the last */

struct ll_text_batch {
    const struct ll_stack *stack; /* kept rows in order */
    const float *const *final;    /* [stack->n_kept] ln_final.normalized, [d_model] each */
    const int *next;              /* [stack->n_kept] the id that follows (-1 at a window's end) */
    double done;                  /* share of the windows before this batch */
};
/* Most tokens of a batch. */
int ll_text_batch_rows(const struct ll_windows *text);
/* fn for each batch that keeps a row, in order. LL_OK, what fn returned, or as ll_forward. */
int ll_text_walk(const struct ll_model *m, struct ll_engine *eng, const struct ll_windows *text,
                 enum ll_text_skip skip,
                 int (*fn)(void *arg, const struct ll_text_batch *b, struct ll_err *err), void *arg,
                 struct ll_err *err);
#endif
