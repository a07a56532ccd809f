/* drift_view.h - what `drift` found, as tables for a terminal and in Markdown. */
#ifndef LL_DRIFT_VIEW_H
#define LL_DRIFT_VIEW_H
#include "drift_report.h"
#include "report_text.h"

/* The criteria follow. */
void ll_drift_view(struct ll_report_text *out, const struct ll_drift_report *r);
#endif
