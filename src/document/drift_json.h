/* drift_json.h - what `drift` found, as members of its JSON document. */
#ifndef LL_DRIFT_JSON_H
#define LL_DRIFT_JSON_H
#include "drift_report.h"
#include "json_write.h"

/* identity: of the checkpoint. */
void ll_drift_json(struct ll_json *j, const struct ll_drift_report *r, const char *identity);
#endif
