/* plan_view.h - what a sweep over a model would take (plan.h), as a person reads it. */
#ifndef LL_PLAN_VIEW_H
#define LL_PLAN_VIEW_H
#include "buf.h"
#include "plan.h"

void ll_plan_text(const struct ll_plan *p, const struct ll_plan_opts *o, struct ll_buf *out);
#endif
