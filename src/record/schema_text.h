/* schema_text.h - a table's columns in Markdown: name, unit, meaning. */
#ifndef LL_SCHEMA_TEXT_H
#define LL_SCHEMA_TEXT_H
#include "record.h"

void ll_schema_put_columns(struct ll_buf *out, const struct ll_schema *s);
/* The same under the heading of a run's file, with how many columns are the original experiment's. */
void ll_schema_put_run_file(struct ll_buf *out, const struct ll_schema *s);
#endif
