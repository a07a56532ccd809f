/* trace_report.c - see trace_report.h */
#include "trace_report.h"

#include <stdio.h>

void ll_trace_find(struct ll_trace_report *r)
{
    if (r->parts.steps)
        ll_findings_layer(&r->layer, r->t);
    if (r->parts.sweep)
        ll_findings_sweep(&r->sweep, r->t);
}

/* ---- criteria -------------------------------------------------------------------------------- */

static void place_of(const struct ll_offence *o, char out[160])
{
    char name[64];
    ll_hook_full_name(o->hook, o->layer, name);
    int n = snprintf(out, 160, "first at %s, position %d", name, o->pos);
    if (o->head >= 0)
        n += snprintf(out + n, 160 - (size_t)n, ", head %d", o->head);
    if (o->index >= 0)
        n += snprintf(out + n, 160 - (size_t)n, ", element %d", o->index);
    snprintf(out + n, 160 - (size_t)n, " (%g)", o->value);
}

static void judge_bound(struct ll_criteria *c, const struct ll_trace *t, enum ll_bound b)
{
    for (int i = 0; i < t->watch.n_first; i++)
        if (t->watch.first[i].bound == b) {
            char place[160];
            place_of(&t->watch.first[i], place);
            ll_criteria_add(c, LL_CRIT_FAIL, ll_bound_name(b), "%lld times, %s", t->watch.n_offences[b],
                            place);
            return;
        }
    ll_criteria_add(c, LL_CRIT_PASS, ll_bound_name(b), "%s", "");
}

static double worst_norm(const struct ll_trace *t, int from, int to, int *n)
{
    double worst = 0;
    *n = 0;
    for (int l = from; l <= to; l++)
        for (int which = 0; which < LL_N_CHECKS; which++) {
            const struct ll_norm_check *c =
                which == LL_CHECK_FINAL && l != to ? NULL : ll_norm_check_at(&t->watch, which, l);
            worst = c && c->worst_rel > worst ? c->worst_rel : worst;
            *n += c != NULL;
        }
    return worst;
}

void ll_trace_judge(const struct ll_trace_report *report, struct ll_criteria *c)
{
    const struct ll_trace *t = report->t;
    const struct ll_trace_parts *p = &report->parts;
    struct ll_relation r[LL_MAX_RELATIONS];
    judge_bound(c, t, LL_BOUND_FINITE);
    for (int b = LL_BOUND_SOFTMAX_SUM; p->stability && b < LL_N_BOUNDS; b++)
        judge_bound(c, t, (enum ll_bound)b);
    if (p->stability && t->n_pos == 1)
        ll_criteria_add(c, LL_CRIT_WARN, "more than one token",
                        "one token only: every softmax row is 1, attention is not exercised");
    int n_norms, all = p->stability;
    double worst = worst_norm(t, all ? 0 : t->layer, all ? t->model->n_layers - 1 : t->layer, &n_norms);
    if (p->steps || p->stability)
        ll_criteria_add(c,
                        !n_norms            ? LL_CRIT_NOT_RUN
                            : worst <= 1e-5 ? LL_CRIT_PASS
                                            : LL_CRIT_FAIL,
                        "norms agree with float64 within 1e-5", "%d norms, worst relative difference %.1e",
                        n_norms, worst);
    if (!p->steps)
        return;
    int broken = -1, judged = 0;
    for (int i = 0, n = ll_trace_relations(t, r); i < n; i++) {
        judged += r[i].applies;
        broken = r[i].applies && !r[i].holds && broken < 0 ? i : broken;
    }
    if (t->watch.n_offences[LL_BOUND_FINITE])
        ll_criteria_add(c, LL_CRIT_NOT_RUN, "relations hold", "not every value is finite");
    else
        ll_criteria_add(c, broken < 0 ? LL_CRIT_PASS : LL_CRIT_FAIL, "relations hold",
                        "%d of sizes that must follow from others%s%s", judged,
                        broken < 0 ? "" : "; broken: ", broken < 0 ? "" : r[broken].text);
    ll_criteria_add(c,
                    t->isolated < 0   ? LL_CRIT_NOT_RUN
                        : t->isolated ? LL_CRIT_PASS
                                      : LL_CRIT_FAIL,
                    "the block alone gives the full pass's bits", "%s",
                    t->isolated < 0   ? "interventions are active"
                        : t->isolated ? ""
                                      : "its output differs");
}
