/* trace_view.h - a trace as a person reads it: tables of at most the terminal's width, what stands out marked
 * and explained. */
#ifndef LL_TRACE_VIEW_H
#define LL_TRACE_VIEW_H
#include "report_text.h"
#include "terminal.h"
#include "token_names.h"
#include "trace_report.h"

/* For a terminal as wide as term says, and for 120 columns without colour as a block of Markdown. The
 * criteria follow. */
void ll_trace_view(struct ll_report_text *out, const struct ll_trace_report *r,
                   const struct ll_token_names *names, const struct ll_term *term);
#endif
