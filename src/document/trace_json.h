/* trace_json.h - a trace as JSON members and as criteria of a diagnostic (diag_out.h). */
#ifndef LL_TRACE_JSON_H
#define LL_TRACE_JSON_H
#include "diag_doc.h"
#include "findings.h"
#include "trace.h"

/* What was asked for. */
struct ll_trace_parts {
    int steps, sweep, stability, massive, attention;
};

/* Members of the open object: layer, ids, interventions, rows, and per part relations, weights, act_order,
 * massive, attention, offences, norms; findings of both kinds. */
void ll_trace_json(struct ll_json *j, const struct ll_trace *t, const struct ll_trace_parts *parts,
                   const int *ids, const struct ll_intervene *iv, const struct ll_findings *layer,
                   const struct ll_findings *sweep);
/* The criteria of docs/diagnostics.md 3.2 (parts->steps) and 3.5 (parts->stability). */
void ll_trace_criteria(struct ll_diag *d, const struct ll_trace *t, const struct ll_trace_parts *parts);
#endif
