/* row_parts.h - what the files that fill rows share. Private to rows.c and row_flags.c. */
#ifndef LL_ROW_PARTS_H
#define LL_ROW_PARTS_H
#include "rows.h"

/* Text of an id, in c->scratch until the next call. */
const struct ll_buf *ll_row_show(struct ll_row_context *c, int id);
/* The tracked id that is the main answer's first; -1: unresolved. */
int ll_row_main_slot(const struct ll_row_context *c);
#endif
