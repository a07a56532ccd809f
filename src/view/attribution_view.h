/* attribution_view.h - direct logit attribution (attribution.h) as a table. */
#ifndef LL_ATTRIBUTION_VIEW_H
#define LL_ATTRIBUTION_VIEW_H
#include "lens_report.h"
#include "terminal.h"

/* v->attribution is there. Whose share it is: the main answer's, or the model's first choice where none was
 * asked for. */
void ll_attribution_view(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_report *v);
#endif
