/* tune_view.h - what a tuned lens gains on text held out, as a table. */
#ifndef LL_TUNE_VIEW_H
#define LL_TUNE_VIEW_H
#include "buf.h"
#include "tune.h"

void ll_tune_view(struct ll_buf *out, const struct ll_tune *t, const struct ll_tune_job *job);
#endif
