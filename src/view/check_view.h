/* check_view.h - what `check` found, as a person reads it: a table a part, its criteria below. */
#ifndef LL_CHECK_VIEW_H
#define LL_CHECK_VIEW_H
#include "check.h"
#include "report_text.h"

/* model: its name, or NULL. */
void ll_check_view(struct ll_report_text *r, const struct ll_check *k, const struct ll_check_job *job,
                   const struct ll_criteria *c, const char *model);
#endif
