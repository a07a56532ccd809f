/* weights_json.h - what `weights` found, as members of its JSON document. */
#ifndef LL_WEIGHTS_JSON_H
#define LL_WEIGHTS_JSON_H
#include "json_write.h"
#include "weight_report.h"

/* Numbers of layers, marked layers, layers with what is odd about them, outliers, and a row a layer and part.
 */
void ll_weights_json(struct ll_json *j, const struct ll_weight_report *r);
#endif
