/* diff_out.h - where a comparison of two checkpoints goes: a CSV file of all rows, the SQLite index.
 *
 * Rows arrive while the models run. They are hashed as CSV, written to the file under a temporary name and
 * put aside in a temporary table; finish gives the file its name and, in one transaction, the index its rows.
 * The key of a comparison is the SHA-256 of what was compared and of all rows, so that a second time adds
 * nothing. Tables: index_diff.c. */
#ifndef LL_DIFF_OUT_H
#define LL_DIFF_OUT_H
#include "diff_record.h"

struct ll_diff_out;
/* csv, index: paths, NULL: not wanted; csv "-": standard output (rows are hashed in any case). Returns LL_OK,
 * LL_EUSAGE (index is another database) or LL_EFAIL. */
int ll_diff_out_open(struct ll_diff_out **out, const char *csv, const char *index, struct ll_err *err);
/* A row of ll_schema_diff. */
int ll_diff_out_row(struct ll_diff_out *out, const struct ll_row *row, struct ll_err *err);
/* key (65 bytes) gets the comparison's key; *added is 1 when the index got it, 0 when it had it (or none is
 * asked for). */
int ll_diff_out_finish(struct ll_diff_out *out, const struct ll_diff_doc *doc, char key[65], int *added,
                       struct ll_err *err);
/* Frees; what was not finished leaves nothing behind. NULL is fine. */
void ll_diff_out_close(struct ll_diff_out *out);
#endif
