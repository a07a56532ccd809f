/* drift_criteria.c - see drift_report.h */
#include "drift_report.h"

#include <math.h>
#include <string.h>

struct ll_node_check ll_drift_node(const struct ll_drift_report *r, const struct ll_drift_point *p)
{
    struct ll_node_check c = {.rms_ours = ll_tensor_rms(&p->running.ours),
                              .rms_ref = ll_tensor_rms(&p->running.ref),
                              .cosine = p->running.cosine};
    c.rms_percent = c.rms_ref > 0 ? 100 * (c.rms_ours / c.rms_ref - 1) : c.rms_ours > 0 ? INFINITY : 0;
    c.good = fabs(c.rms_percent) <= (r->quantised ? 5 : 1) && c.cosine > (r->quantised ? 0.99 : 0.999)
        && !p->running.n_bad;
    return c;
}

static struct ll_sum_check check_sum(const struct ll_drift_report *r, const struct ll_actv *ours,
                                     const struct ll_actv *ref)
{
    struct ll_sum_check c = {.ref = ref->sum, .origin = ref->origin};
    double size = 0;
    int64_t n = (int64_t)ours->rows * ours->width,
            first = n - ref->sum_n; /* the last rows, where it holds fewer */
    for (int64_t i = first > 0 ? first : 0; i < n; i++) {
        c.ours += (double)ours->x[i];
        size += fabs((double)ours->x[i]);
    }
    c.percent = size > 0 ? 100 * fabs(c.ours - c.ref) / size : 0;
    c.good = c.percent <= (r->quantised ? 5 : 1);
    return c;
}

int ll_drift_next_sum(const struct ll_drift_report *r, int *hook, int *layer, struct ll_sum_check *c)
{
    while (ll_drift_next(r->d->m, hook, layer)) {
        const struct ll_actv *ref = ll_acts_at(r->d->ref, *hook, *layer),
                             *ours = ll_acts_at(&r->d->ours, *hook, *layer);
        if (ref->x || !ref->has_sum || !ours->x)
            continue;
        *c = check_sum(r, ours, ref);
        return 1;
    }
    return 0;
}

static void growth(struct ll_criteria *out, const struct ll_drift *d)
{
    struct ll_drift_summary s = ll_drift_summarise(d->depths, d->m->n_layers);
    struct ll_buf where = {0};
    for (int k = 1; k <= d->m->n_layers; k++)
        if (d->depths[k].jump) {
            ll_buf_addf(&where, "%s%d->%d ", where.len ? ", " : "", k - 1, k);
            if (isfinite(d->depths[k].growth))
                ll_buf_addf(&where, "%.4gx%s (block %d)", d->depths[k].growth,
                            d->depths[k].jump == 1 ? " moderate" : "", k - 1);
            else
                ll_buf_addf(&where, "from 0 (block %d)", k - 1);
        }
    if (s.n_known < 2)
        ll_criteria_add(out, LL_CRIT_NOT_RUN, "error growth below 1.2 in every layer",
                        "the reference holds %d outputs of layers", s.n_known);
    else if (where.len)
        ll_criteria_add(out, LL_CRIT_FAIL, "error growth below 1.2 in every layer", "%s", where.s);
    else
        ll_criteria_add(out, LL_CRIT_PASS, "error growth below 1.2 in every layer",
                        "%d of %d judged, the others' own error is rounding", s.n_judged, s.n_known - 1);
    ll_buf_free(&where);
}

static void isolation(struct ll_criteria *out, const struct ll_drift *d)
{
    int n = 0, worst = -1, rounded = 0, bad = 0; /* the worst of the layers that rounding does not explain; of
                                                    all, where it explains every one */
    for (int k = 1; k <= d->m->n_layers; k++)
        if (d->depths[k].has_iso) {
            int fails = ll_drift_layer_fails(&d->depths[k]);
            n++;
            rounded += !fails && !(d->depths[k].iso.mae < LL_DRIFT_ISOLATED);
            if (worst < 0 || fails > bad || (fails == bad && d->depths[k].iso.mae > d->depths[worst].iso.mae))
                worst = k;
            bad |= fails;
        }
    if (!n)
        ll_criteria_add(out, LL_CRIT_NOT_RUN, "isolated layers off by less than 0.01",
                        d->isolated ? "the reference holds no output of a layer"
                                    : "the reference lacks positions of the prefix");
    else
        ll_criteria_add(out, bad ? LL_CRIT_FAIL : LL_CRIT_PASS, "isolated layers off by less than 0.01",
                        "%d layers, worst %d: mean absolute error %.3g%s", n, worst - 1,
                        d->depths[worst].iso.mae, rounded && !bad ? ", rounding of so large a stream" : "");
}

static void divergence(struct ll_criteria *out, const struct ll_drift *d)
{
    if (!d->n_points)
        ll_criteria_add(out, LL_CRIT_NOT_RUN, "no operation diverges", "nothing could be compared");
    else if (d->first < 0)
        ll_criteria_add(out, LL_CRIT_PASS, "no operation diverges", "%d points", d->n_points);
    else {
        const struct ll_drift_point *p = &d->points[d->first];
        char name[64];
        struct ll_buf about = {0};
        int between = p->self ? 0 : ll_drift_describe(d, p->hook, p->layer, &about);
        ll_buf_free(&about);
        ll_hook_full_name((enum ll_hook)p->hook, p->layer, name);
        ll_criteria_add(out, p->verdict == LL_DRIFT_SMALL ? LL_CRIT_WARN : LL_CRIT_FAIL,
                        "no operation diverges", "first: %s (%s%s), off by %.3g of its rms, tolerance %g%s",
                        name, ll_drift_operation(p->hook), between ? " or before it" : "", p->off, p->tol,
                        p->verdict == LL_DRIFT_SMALL ? ": within it, but no rounding" : "");
    }
}

static void whole_reference(struct ll_criteria *out, const struct ll_drift_report *r)
{
    int missing = 0;
    for (int k = 0; k <= r->d->m->n_layers; k++)
        missing += !r->d->depths[k].known;
    if (r->place->n_bad)
        ll_criteria_add(out, LL_CRIT_FAIL, "the reference is finite",
                        "%d arrays hold NaN or infinities, the first: %.*s", r->place->n_bad,
                        (int)strcspn(ll_buf_str(&r->place->bad), "\n"), ll_buf_str(&r->place->bad));
    if (missing)
        ll_criteria_add(out, LL_CRIT_WARN, "the reference is complete",
                        "%d of %d outputs of embedding and layers are missing", missing,
                        r->d->m->n_layers + 1);
}

static void nodes(struct ll_criteria *out, const struct ll_drift_report *r)
{
    const char *name = r->quantised ? "nodes within 5 % of rms and cosine above 0.99"
                                    : "nodes within 1 % of rms and cosine above 0.999";
    int n = 0, bad = 0;
    const struct ll_drift_point *first = NULL;
    if (!r->place->llama)
        return;
    for (int i = 0; i < r->d->n_points; i++)
        if (!r->d->points[i].self) {
            int good = ll_drift_node(r, &r->d->points[i]).good;
            n++;
            bad += !good;
            first = !good && !first ? &r->d->points[i] : first;
        }
    if (!n)
        ll_criteria_add(out, LL_CRIT_NOT_RUN, name, "the reference holds no whole node");
    else if (!bad)
        ll_criteria_add(out, LL_CRIT_PASS, name, "%d nodes", n);
    else
        ll_criteria_add(out, LL_CRIT_FAIL, name, "%d of %d are not, the first: %s", bad, n,
                        ll_acts_at(r->d->ref, first->hook, first->layer)->origin);
}

static void sums(struct ll_criteria *out, const struct ll_drift_report *r)
{
    int n = 0, bad = 0;
    const char *first = "";
    struct ll_sum_check c;
    for (int hook = -1, layer; ll_drift_next_sum(r, &hook, &layer, &c); n++) {
        first = !c.good && !bad ? c.origin : first;
        bad += !c.good;
    }
    const char *name =
        r->quantised ? "sums within 5 % (statistics only)" : "sums within 1 % (statistics only)";
    if (bad)
        ll_criteria_add(out, LL_CRIT_FAIL, name, "%d of %d nodes are not, the first: %s", bad, n, first);
    else if (n)
        ll_criteria_add(out, LL_CRIT_PASS, name, "%d nodes", n);
}

void ll_drift_judge(const struct ll_drift_report *r, struct ll_criteria *out)
{
    if (r->ids_from_reference || r->ids_proven)
        ll_criteria_add(out, LL_CRIT_PASS, "same token ids",
                        r->ids_proven ? "given, and the same in the reference" : "taken from the reference");
    else
        ll_criteria_add(out, LL_CRIT_NOT_RUN, "same token ids", "the reference does not say which it had");
    whole_reference(out, r);
    growth(out, r->d);
    isolation(out, r->d);
    divergence(out, r->d);
    nodes(out, r);
    sums(out, r);
    if (r->token_ref < 0)
        ll_criteria_add(out, LL_CRIT_NOT_RUN, "same predicted token",
                        "the reference holds no logits (--expect-token ID gives its token)");
    else
        ll_criteria_add(out,
                        r->token_ours == r->token_ref ? LL_CRIT_PASS
                            : r->token_tie            ? LL_CRIT_WARN
                                                      : LL_CRIT_FAIL,
                        "same predicted token", "expected %d, obtained %d%s", r->token_ref, r->token_ours,
                        r->token_tie ? ": as good as equal in both, the reference's rounding decides" : "");
}
