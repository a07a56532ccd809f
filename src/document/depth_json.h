/* depth_json.h - what `depth` found, as members of its JSON document. */
#ifndef LL_DEPTH_JSON_H
#define LL_DEPTH_JSON_H
#include "depth.h"
#include "json_write.h"
#include "token_names.h"

/* token_ids, and a row a depth and norm. */
void ll_depth_json(struct ll_json *j, const struct ll_depth *d, const struct ll_depth_job *job,
                   const struct ll_token_names *names);
#endif
