/* drift_growth.c - growth of errors over depths, and the words for sizes of errors (docs/diagnostics.md
 * 4.4). */
#include "drift.h"

#include "engine.h"

#include <math.h>

struct limit {
    double below;
    const char *name;
};

static const char *word(const struct limit *l, double v)
{
    while (l->below > 0 && !(v < l->below))
        l++;
    return l->name;
}

/* Of a depth: docs/diagnostics.md 4.4, as the next one, of a layer alone. */
static const char *depth_status(double mae)
{
    static const struct limit limits[] = {
        {0.001, "excellent"}, {0.01, "good"}, {0.1, "acceptable"}, {1, "degraded"}, {0, "poor"}};
    return word(limits, mae);
}

static const char *layer_status(double mae)
{
    static const struct limit limits[] = {{0.001, "excellent"}, {0.01, "good"}, {0.1, "warning"}, {0, "bug"}};
    return word(limits, mae);
}

int ll_drift_is_anomaly(const struct ll_drift_depth *d)
{
    return d->std_ratio >= LL_DRIFT_ANOMALY || (d->std_ratio > 0 && d->std_ratio <= 1 / LL_DRIFT_ANOMALY);
}
int ll_drift_is_shared(const struct ll_drift_depth *d)
{
    return fabs(d->our_ratio - d->std_ratio) <= 0.1 * d->std_ratio;
}
int ll_drift_layer_fails(const struct ll_drift_depth *d)
{
    return d->has_iso && !(d->iso.mae < LL_DRIFT_ISOLATED) && d->own != 1;
}

const char *ll_drift_isolated_status(const struct ll_drift_depth *d)
{
    return d->own == 1 && !(d->iso.mae < LL_DRIFT_ISOLATED) ? "rounding" : layer_status(d->iso.mae);
}

const char *ll_drift_depth_status(const struct ll_drift_depth *d)
{
    return d->c.mae <= d->floor && !(d->c.mae < LL_DRIFT_ISOLATED) ? "rounding" : depth_status(d->c.mae);
}

const char *ll_drift_verdict_name(enum ll_drift_verdict v)
{
    static const char *const names[] = {
        [LL_DRIFT_SAME] = "same",   [LL_DRIFT_ACCUMULATED] = "accumulated",
        [LL_DRIFT_HERE] = "here",   [LL_DRIFT_SMALL] = "small",
        [LL_DRIFT_NOISE] = "noise",
    };
    return names[v];
}

/* An error that rises out of the floor is judged against the floor: 1e-8 -> 1.1e-5 is no jump over one of
 * 1e-5, 1e-8 -> 1 is. */
static void judge(struct ll_drift_depth *d, const struct ll_drift_depth *before)
{
    double base = before->c.mae > d->floor || d->own ? before->c.mae : d->floor,
           rise = base > 0 ? d->c.mae / base
        : d->c.mae > 0     ? INFINITY
                           : 1;
    d->growth = before->c.mae > 0 ? d->c.mae / before->c.mae : d->c.mae > 0 ? INFINITY : 1;
    d->judged = !d->normed && (d->own ? d->own == 2 : d->c.mae > d->floor);
    d->jump = !d->judged || rise < LL_DRIFT_GROWTH ? 0 : rise < LL_DRIFT_JUMP ? 1 : 2;
}

void ll_drift_growth(struct ll_drift_depth *depths, int n)
{
    for (int k = 1; k <= n; k++) {
        struct ll_drift_depth *d = &depths[k], *before = &depths[k - 1];
        d->growth = d->std_ratio = d->our_ratio = 0;
        d->judged = d->jump = 0;
        double was = ll_tensor_std(&before->c.ref);
        if (d->known && before->known && was > 0 && !d->normed) {
            d->std_ratio = ll_tensor_std(&d->c.ref) / was;
            was = ll_tensor_std(&before->c.ours);
            d->our_ratio = was > 0 ? ll_tensor_std(&d->c.ours) / was : 0;
        }
        if (k == 1)
            d->growth = d->known;
        else if (d->known && before->known)
            judge(d, before);
    }
}

struct ll_drift_summary ll_drift_summarise(const struct ll_drift_depth *depths, int n)
{
    struct ll_drift_summary s = {0};
    double sum = 0;
    int n_growth = 0, first = 0, last = 0;
    for (int k = 1; k <= n; k++) {
        const struct ll_drift_depth *d = &depths[k];
        if (!d->known || d->normed)
            continue;
        first = first ? first : k;
        last = k;
        s.n_known++;
        s.n_judged += d->judged;
        s.n_jumps += d->jump == 2;
        s.n_moderate += d->jump == 1;
        if (k > 1 && d->growth > 0 && isfinite(d->growth)) {
            sum += d->growth;
            n_growth++;
        }
    }
    if (!first)
        return s;
    s.first = depths[first].c.mae;
    s.last = depths[last].c.mae;
    s.total_growth = s.first > 0 ? s.last / s.first : 0;
    s.mean_growth = n_growth ? sum / n_growth : 0;
    s.geometric_growth =
        last > first && s.total_growth > 0 ? ll_exp(ll_log(s.total_growth) / (last - first)) : 0;
    return s;
}
