/* cells.h - text in columns of a terminal: cells, bars, wrapped lines. */
#ifndef LL_CELLS_H
#define LL_CELLS_H
#include "buf.h"

/* lead, then text broken at spaces so that no line is wider than `width` columns (0: never broken), the rest
 * under the text's first word; and a newline. */
void ll_put_wrapped(struct ll_buf *out, int width, const char *lead, const char *text);
/* Append text made visible (newline as ↵, tab as ⇥, other control characters as ·), cut to at most `width`
 * columns with …, and padded to it with spaces when pad is set. */
void ll_put_cell(struct ll_buf *out, const char *s, size_t n, int width, int pad);
/* A bar of `width` columns for a value in 0..1, in eighths of a column. */
void ll_put_bar(struct ll_buf *out, double value, int width);
#endif
