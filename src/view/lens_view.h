/* lens_view.h - what `lens` found, as a table that a person reads: a layer a line. */
#ifndef LL_LENS_VIEW_H
#define LL_LENS_VIEW_H
#include "lens_doc.h"
#include "terminal.h"

/* Header and layers, with up to `top` tokens a layer as the terminal has room for. d->info is not read. */
void ll_lens_table(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_doc *d, int top);
#endif
