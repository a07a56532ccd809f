/* csv_row.h - a schema's header and a row's cells as lines of CSV (csv_text.h), for every file that holds
 * rows. */
#ifndef LL_CSV_ROW_H
#define LL_CSV_ROW_H
#include "record.h"

/* Append one line, line end included. Booleans are True/False, null an empty cell, reals the shortest text
 * that reads back the same. */
void ll_csv_header(struct ll_buf *out, const struct ll_schema *schema);
void ll_csv_row(struct ll_buf *out, const struct ll_row *row);
#endif
