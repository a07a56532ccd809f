/* depth_view.h - what `depth` found, as a person reads it. */
#ifndef LL_DEPTH_VIEW_H
#define LL_DEPTH_VIEW_H
#include "depth.h"
#include "report_text.h"
#include "token_names.h"

/* Both tables and the most likely tokens of every depth; the criteria follow. model: its name. */
void ll_depth_view(struct ll_report_text *r, const struct ll_depth *d, const struct ll_depth_job *job,
                   const struct ll_token_names *names, const char *model);
#endif
