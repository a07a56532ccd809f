/* diff_view.h - a comparison of two checkpoints as a person reads it, in 80 columns. */
#ifndef LL_DIFF_VIEW_H
#define LL_DIFF_VIEW_H
#include "diff_record.h"
#include "terminal.h"

/* Append header, one line a lens row (a bar for the mean KL, ! and yellow where beyond tolerance), then what
 * it comes to in sentences. */
void ll_diff_view(struct ll_buf *out, const struct ll_term *t, const struct ll_diff_doc *d);
/* "KL 0.0123 > 0.01 bits, top-1 flips 6.1 > 5.0 %": each tolerance that a row exceeds. Appended. */
void ll_diff_put_beyond(struct ll_buf *out, const struct ll_diff_layer *l,
                        const double tolerance[LL_DIFF_TOLERANCES]);
#endif
