/* trace_text.h - inside src/cmd: what both halves of the view of a trace write with. */
#ifndef LL_TRACE_TEXT_H
#define LL_TRACE_TEXT_H
#include "trace_view.h"

/* A number in 9 columns or less: six decimals where it is small, as many digits as fit where it is large; "-"
 * for NaN. */
const char *ll_trace_number(double v, char out[32]);
/* A space and the number, right-aligned. */
void ll_trace_put_number(struct ll_buf *b, double v);
/* An empty line and a heading. */
void ll_trace_title(const struct ll_trace_view *v, const char *text);
/* A sentence behind lead, broken at spaces, with a hanging indent. */
void ll_trace_wrap(const struct ll_trace_view *v, const char *lead, const char *text);
#endif
