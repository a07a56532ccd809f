/* trace_report.h - a trace with what was asked of it and what stands out: what its JSON and its screen are
 * written from, and its criteria. */
#ifndef LL_TRACE_REPORT_H
#define LL_TRACE_REPORT_H
#include "criteria.h"
#include "findings.h"
#include "trace.h"

/* What was asked for. */
struct ll_trace_parts {
    int steps, sweep, stability, massive, attention;
};
struct ll_trace_report {
    const struct ll_model *model; /* the checkpoint's (t->model is what ran); borrowed, as the next three */
    const struct ll_trace *t;
    const int *ids; /* [t->n_pos] */
    const struct ll_intervene *iv;
    struct ll_trace_parts parts;
    struct ll_findings layer, sweep; /* of the block (parts.steps), of the stream (parts.sweep) */
};
/* Fills layer and sweep, as far as they were asked for. */
void ll_trace_find(struct ll_trace_report *r);
/* The criteria of docs/diagnostics.md 3.2 (parts.steps) and 3.5 (parts.stability). */
void ll_trace_judge(const struct ll_trace_report *r, struct ll_criteria *c);
#endif
