/* tracked_json.h - how an answer that is tracked was understood (tracked.h), as JSON members. */
#ifndef LL_TRACKED_JSON_H
#define LL_TRACKED_JSON_H
#include "json_write.h"
#include "tracked.h"

/* The array "answers": text, spelling, reason, is_followed, ids of each. */
void ll_tracked_set_json(struct ll_json *j, const struct ll_tracked_set *f);
#endif
