/* packed_ckpt.h - internal to ckpt: weights that a safetensors checkpoint spreads over several tensors. */
#ifndef LL_PACKED_CKPT_H
#define LL_PACKED_CKPT_H
#include "ckpt.h"

/* Follow settings "quantization_config" (absent: nothing to do): give each quantised weight its struct
 * ll_packed, name it "X.weight", and take its companions off the list. LL_OK; LL_EUNSUP: another method or
 * variant, by name; LL_EUSAGE: a companion is missing, has another shape or names groups that do not exist;
 * LL_EFAIL. */
int ll_ckpt_join_packed(struct ll_ckpt *c, struct ll_err *err);
/* Order of a checkpoint's list of struct ll_tensor, for qsort and bsearch; ckpt.c. */
int ll_tensor_by_name(const void *a, const void *b);
#endif
