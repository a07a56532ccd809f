/* check_json.h - what `check` found, as members of its JSON document. */
#ifndef LL_CHECK_JSON_H
#define LL_CHECK_JSON_H
#include "check.h"
#include "json_write.h"

/* runs, format, token_ids, and one row a result: operations, quantised blocks, stored types, weights beside
 * the original, lower precision. */
void ll_check_json(struct ll_json *j, const struct ll_check *k, const struct ll_check_job *job);
#endif
