/* lens_view.h - what `lens` found, as a person reads it: a layer a line, the answers, the attribution. */
#ifndef LL_LENS_VIEW_H
#define LL_LENS_VIEW_H
#include "lens_report.h"
#include "terminal.h"

/* Up to `top` tokens a layer, as the terminal has room for. */
void ll_lens_view(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_report *d, int top);
#endif
