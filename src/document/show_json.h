/* show_json.h - what a checkpoint is, and what a sweep over it would take, as a JSON document. */
#ifndef LL_SHOW_JSON_H
#define LL_SHOW_JSON_H
#include "buf.h"
#include "plan.h"
#include "record.h"

/* p: NULL where no plan was asked for. */
void ll_show_json(struct ll_buf *out, const struct ll_model *m, const struct ll_model_info *i,
                  const struct ll_plan *p, const struct ll_plan_opts *o);
#endif
