/* tune_json.h - a tuned lens that was fitted, and what it gains: config.json of its folder, and the command's
 * JSON document. */
#ifndef LL_TUNE_JSON_H
#define LL_TUNE_JSON_H
#include "record.h"
#include "tune.h"

/* All borrowed. */
struct ll_tune_doc {
    const struct ll_model_info *info;
    const struct ll_tune_job *job;
    const struct ll_tune *found;
};
void ll_tune_config(struct ll_buf *out, const struct ll_tune_doc *d);
void ll_tune_json(struct ll_buf *out, const struct ll_tune_doc *d);
#endif
