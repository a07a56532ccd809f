/* model_finish.h - the last step of a model's run: its document, after which the sinks give its files their
 * names. */
#ifndef LL_MODEL_FINISH_H
#define LL_MODEL_FINISH_H
#include "model_passes.h"

/* LL_OK: all files of the model are there, and marked as whole (resume.h). */
int ll_model_finish(struct ll_model_passes *d, struct ll_err *err);
#endif
