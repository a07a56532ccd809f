/* answers_view.h - what `lens` says of the answers it tracks. */
#ifndef LL_ANSWERS_VIEW_H
#define LL_ANSWERS_VIEW_H
#include "lens_report.h"
#include "terminal.h"

/* For each answer where it is on top, its rank and p at the output, and the same of its other spelling. When
 * there are several, rank and p of them all at every layer, as many side by side as the terminal has room
 * for.
 */
void ll_answers_view(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_report *v);
#endif
