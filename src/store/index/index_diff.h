/* index_diff.h - comparisons of two checkpoints in the index; for src/store only.
 *
 *     diffs          one comparison, UNIQUE by key
 *     diff_prompts   its prompts
 *     diff_rows      the rows of the CSV file, same names
 *     v_diff_rows    rows with the names of the models and the text of the prompt
 *     v_diff_layers  one row a comparison and lens row: means, maxima, flips, beyond (by the stored
 *                    tolerances) */
#ifndef LL_INDEX_DIFF_H
#define LL_INDEX_DIFF_H
#include "diff_record.h"
#include "index_db.h"

/* Append SQL that makes the tables and views where they are absent: part of every new index, and run before
 * rows are added so that an index made by an earlier version gets them too. */
void ll_index_put_diff_schema(struct ll_buf *sql);

struct ll_diff_load {
    sqlite3 *db;
    sqlite3_stmt *insert;
};
/* Open the index for writing and make the table that rows wait in. */
int ll_diff_load_begin(struct ll_diff_load *l, const char *index, struct ll_err *err);
int ll_diff_load_row(struct ll_diff_load *l, const struct ll_row *row, struct ll_err *err);
/* One transaction. *added: 0 when a comparison of this key was there. */
int ll_diff_load_finish(struct ll_diff_load *l, const struct ll_diff_doc *doc, const char *key, int *added,
                        struct ll_err *err);
void ll_diff_load_close(struct ll_diff_load *l);
#endif
