/* weights_view.h - what `weights` found, as a person reads it. */
#ifndef LL_WEIGHTS_VIEW_H
#define LL_WEIGHTS_VIEW_H
#include "report_text.h"
#include "weight_report.h"

/* Tables and findings; the criteria follow, and ll_weights_view_end after them. model: its name. */
void ll_weights_view(struct ll_report_text *out, const struct ll_weight_report *r, const char *model);
void ll_weights_view_end(struct ll_report_text *out);
#endif
