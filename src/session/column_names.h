/* column_names.h - names of columns as people type them: is one a slip for another? */
#ifndef LL_COLUMN_NAMES_H
#define LL_COLUMN_NAMES_H
#include "buf.h"

/* How near is name[n] to `known`: 0 equal or not near, 1 the nearest. Near is: the same but for case, white
 * space around it, or "-", " " for "_"; or slips: one letter too many, missing or swapped with its neighbour
 * (in names of 3 and 4 letters), up to two of these or wrong letters (in longer ones). Pure. */
int ll_name_near(const char *name, size_t n, const char *known);
/* Append name[n], cut at `width` bytes, as it shows in a line: valid UTF-8 without control characters. */
void ll_put_name(struct ll_buf *out, const char *name, size_t n, size_t width);
#endif
