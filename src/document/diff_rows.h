/* diff_rows.h - the row of a comparison of two checkpoints: figures in, cells out. */
#ifndef LL_DIFF_ROWS_H
#define LL_DIFF_ROWS_H
#include "diff.h"
#include "diff_record.h"
#include "token_names.h"

/* row: of ll_schema_diff. token_id: the prompt's token at pos. */
void ll_fill_diff(struct ll_row *row, int prompt, int pos, int layer, int token_id,
                  const struct ll_diff_row *d, const struct ll_token_names *names);
#endif
