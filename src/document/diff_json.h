/* diff_json.h - a comparison of two checkpoints as a JSON document. */
#ifndef LL_DIFF_JSON_H
#define LL_DIFF_JSON_H
#include "diff_record.h"

/* Append the document: provenance, models, tolerances, prompts, one summary a lens row. key: of the
 * comparison (diff_out.h). */
void ll_diff_json(struct ll_buf *out, const struct ll_diff_doc *doc, const char *key);
#endif
