/* show_view.h - what a checkpoint is, as a person reads it. */
#ifndef LL_SHOW_VIEW_H
#define LL_SHOW_VIEW_H
#include "buf.h"
#include "model.h"
#include "record.h"

/* tokens: what kind of tokenizer it has, or why there is none. */
void ll_show_text(struct ll_buf *out, const struct ll_model *m, const struct ll_model_info *i,
                  const char *tokens);
/* Every tensor: type, shape, read by the pass or not. */
void ll_show_tensors(struct ll_buf *out, const struct ll_model *m);
#endif
