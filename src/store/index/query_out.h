/* query_out.h - a query's rows as table, CSV or JSON; for src/store only. */
#ifndef LL_QUERY_OUT_H
#define LL_QUERY_OUT_H
#include "buf.h"
#include "index.h"

#include <sqlite3.h>

/* Step the statement to its end and append all rows. Returns SQLITE_DONE, or the code that stopped it, or
 * SQLITE_NOMEM; SQLITE_TOOBIG when the output would pass LL_MAX_OUTPUT bytes. Table: columns are aligned,
 * controls shown as \x1b or \n, long text is shortened with … until the lines fit into 80 columns (numbers
 * never are), null shown as "null" there. CSV and JSON hold every value whole: null is an empty cell or null,
 * a double the shortest text that reads back the same, a blob hexadecimal. */
enum { LL_MAX_OUTPUT = 1 << 28 };
int ll_query_write(sqlite3_stmt *st, enum ll_query_format format, struct ll_buf *out);
#endif
