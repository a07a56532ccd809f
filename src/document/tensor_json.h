/* tensor_json.h - the summary of a block of numbers (tensor_stats.h) as JSON members. */
#ifndef LL_TENSOR_JSON_H
#define LL_TENSOR_JSON_H
#include "json_write.h"
#include "tensor_stats.h"

/* Members n, rms, min, max, mean, std, l2, max_abs, n_nan, n_inf, n_subnormal, n_zero into the object that is
 * open. */
void ll_tensor_stats_json(struct ll_json *j, const struct ll_tensor_stats *s);
#endif
