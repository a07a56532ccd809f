/* trace_view.h - a trace as a person reads it: tables of at most the terminal's width, what stands out marked
 * and explained. */
#ifndef LL_TRACE_VIEW_H
#define LL_TRACE_VIEW_H
#include "findings.h"
#include "session.h"
#include "trace.h"
#include "terminal.h"

struct ll_trace_view {
    const struct ll_session *s;
    const struct ll_trace *t;
    const int *ids;
    struct ll_term term;
    struct ll_buf *out;
};
/* Model, ids, interventions. */
void ll_trace_put_head(const struct ll_trace_view *v, const struct ll_intervene *iv);
/* Steps of the block with its weights; what stands out there is marked ! (suspicious) or * (explained below).
 */
void ll_trace_put_steps(const struct ll_trace_view *v, const struct ll_findings *f);
void ll_trace_put_relations(const struct ll_trace_view *v);
void ll_trace_put_swap(const struct ll_trace_view *v);
void ll_trace_put_sweep(const struct ll_trace_view *v, const struct ll_findings *f);
void ll_trace_put_stability(const struct ll_trace_view *v);
void ll_trace_put_massive(const struct ll_trace_view *v);
void ll_trace_put_attention(const struct ll_trace_view *v);
/* The sentences, suspicions first; says so when there is nothing. */
void ll_trace_put_findings(const struct ll_trace_view *v, const struct ll_findings *f);
#endif
