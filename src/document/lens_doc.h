/* lens_doc.h - what `lens` found, as JSON and as CSV: figures in, bytes out. Columns and members are those of
 * src/record/lens_cols.h. */
#ifndef LL_LENS_DOC_H
#define LL_LENS_DOC_H
#include "lens_report.h"
#include "record.h"

/* The whole document, or all lines, appended. LL_OK or LL_EFAIL (memory). */
int ll_lens_json(struct ll_buf *out, const struct ll_lens_report *d, const struct ll_model_info *info,
                 struct ll_err *err);
int ll_lens_csv(struct ll_buf *out, const struct ll_lens_report *d, struct ll_err *err);
#endif
