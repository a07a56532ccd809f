/* tables.h - the program's tables as Markdown, for docs/tables.md (a test keeps the two equal). */
#ifndef LL_TABLES_H
#define LL_TABLES_H
#include "buf.h"

void ll_put_tables(struct ll_buf *out);
#endif
