/* findings.h - what stands out in a trace, each in a sentence: suspicious, or worth knowing because it only
 * looks so.
 *
 * The rules are a table of functions (findings.c); thresholds are stated there beside each. A note explains a
 * size that arithmetic makes necessary (an epsilon that matters, a product that must be small); a suspicion
 * is something a healthy trained model does not show. */
#ifndef LL_FINDINGS_H
#define LL_FINDINGS_H
#include "trace.h"

struct ll_finding {
    int suspicious;
    int layer;         /* -1: outside the blocks */
    enum ll_hook hook; /* the step that is marked */
    char text[320];
};
enum { LL_MAX_FINDINGS = 64 };
struct ll_findings {
    struct ll_finding v[LL_MAX_FINDINGS];
    int n;
};

/* Of one block (docs/diagnostics.md 3.3). Empties f first. */
void ll_findings_layer(struct ll_findings *f, const struct ll_trace *t);
/* Of the stream through all blocks: where it grows, shrinks, becomes massive. Empties f first. */
void ll_findings_sweep(struct ll_findings *f, const struct ll_trace *t);
/* NULL, or the first finding at that step. */
const struct ll_finding *ll_finding_at(const struct ll_findings *f, enum ll_hook h, int layer,
                                       int suspicious);

/* One consistency relation with its verdict. */
struct ll_relation {
    int applies; /* 0: told, not judged */
    int holds;
    int layer;
    enum ll_hook hook;
    char text[240];
};
enum { LL_MAX_RELATIONS = 12 };
/* Those of block t->layer, in pass order. Returns how many. */
int ll_trace_relations(const struct ll_trace *t, struct ll_relation out[LL_MAX_RELATIONS]);
#endif
