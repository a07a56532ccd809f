/* trace_json.h - a trace as members of its JSON document. */
#ifndef LL_TRACE_JSON_H
#define LL_TRACE_JSON_H
#include "json_write.h"
#include "trace_report.h"

/* block, token_ids, interventions, and per part weights, relations, act_order_swapped, massive, attention;
 * norms, offences, findings of both kinds, rows. */
void ll_trace_json(struct ll_json *j, const struct ll_trace_report *r);
#endif
