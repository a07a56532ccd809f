/* trace_parts.h - inside src/view: the parts of a trace's view, and what they write with. */
#ifndef LL_TRACE_PARTS_H
#define LL_TRACE_PARTS_H
#include "trace_view.h"

struct ll_trace_view {
    const struct ll_trace_report *r;
    const struct ll_trace *t; /* r->t */
    const struct ll_token_names *names;
    struct ll_term term;
    struct ll_buf *out;
};
/* A number in 9 columns or less: six decimals where it is small, as many digits as fit where it is large; "-"
 * for NaN. */
const char *ll_trace_number(double v, char out[32]);
/* A space and the number, right-aligned. */
void ll_trace_put_number(struct ll_buf *b, double v);
/* An empty line and a heading. */
void ll_trace_title(const struct ll_trace_view *v, const char *text);
/* A sentence behind lead, broken at spaces, with a hanging indent. */
void ll_trace_wrap(const struct ll_trace_view *v, const char *lead, const char *text);

/* The parts that look at all blocks (trace_view_all.c). */
void ll_trace_put_stability(const struct ll_trace_view *v);
void ll_trace_put_massive(const struct ll_trace_view *v);
void ll_trace_put_attention(const struct ll_trace_view *v);
#endif
