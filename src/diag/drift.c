/* drift.c - see drift.h: the two passes, the comparison of every point, the verdicts. */
#include "drift.h"

#include "exact.h"
#include "massive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t STREAM = LL_HOOK_BIT(LL_HOOK_EMBED) | LL_HOOK_BIT(LL_HOOK_RESID_PRE)
    | LL_HOOK_BIT(LL_HOOK_RESID_MID) | LL_HOOK_BIT(LL_HOOK_RESID_POST) | LL_HOOK_BIT(LL_HOOK_ATTN_OUT)
    | LL_HOOK_BIT(LL_HOOK_MLP_OUT);

/* ---- what the second figures leave out ------------------------------------------------------- */

/* The first token (of several), and dimensions in which the reference's stream is massive somewhere. */
static int find_skipped(struct ll_drift *d, struct ll_err *err)
{
    struct ll_massive m = {0};
    int dm = d->m->d_model, rc = LL_OK;
    d->skip_rows = calloc((size_t)d->n, 1);
    d->skip_cols = calloc((size_t)dm, 1);
    if (!d->skip_rows || !d->skip_cols)
        return ll_fail_mem(err, "left-out dimensions", (unsigned long long)dm);
    d->skip_rows[0] = d->n > 1;
    if ((rc = ll_massive_init(&m, d->n, dm, LL_MASSIVE_FACTOR, err)))
        return rc;
    for (int l = -1; l < d->m->n_layers && !rc; l++) {
        const struct ll_actv *a =
            l < 0 ? ll_acts_good(d->ref, LL_HOOK_EMBED, -1) : ll_acts_good(d->ref, LL_HOOK_RESID_POST, l);
        if (a && a->rows == d->n)
            rc = ll_massive_add(&m, a->x, err);
    }
    for (int i = 0; i < m.n && !rc; i++) {
        d->n_skip_cols += !d->skip_cols[m.at[i].dim];
        d->skip_cols[m.at[i].dim] = 1;
    }
    ll_massive_free(&m);
    return rc;
}

double ll_drift_off(const struct ll_cmp *c, const struct ll_cmp *without)
{
    return without->n ? fmax(c->rel, without->rel) : c->rel;
}

int ll_drift_measure(const struct ll_drift *d, int hook, const struct ll_actv *ours,
                     const struct ll_actv *ref, struct ll_cmp *c, struct ll_cmp *cx, struct ll_err *err)
{
    int scores = hook == LL_HOOK_ATTN_SCORES, in_stream = (STREAM & LL_HOOK_BIT(hook)) != 0;
    struct ll_cmp_mask mask = {d->skip_rows, in_stream ? d->skip_cols : NULL};
    int rc = ll_compare(c, ours, ref, scores, NULL, err);
    return rc ? rc : ll_compare(cx, ours, ref, scores, &mask, err);
}

/* ---- the passes ------------------------------------------------------------------------------ */

struct ll_acts_pass ll_drift_pass(const struct ll_drift *d, const struct ll_acts_want *want,
                                  const struct ll_acts *given)
{
    return (struct ll_acts_pass){.model = d->m,
                                 .engine = d->eng,
                                 .ids = d->ids,
                                 .n_ids = d->n,
                                 .to = d->m->n_layers,
                                 .want = want,
                                 .given = given};
}

static int whole(const struct ll_drift *d, int hook, int layer)
{
    const struct ll_actv *a = ll_acts_good(d->ref, hook, layer);
    return a && a->rows == d->n;
}

/* One token at a later position says nothing about its prefix: the isolated pass would mix theirs and ours.
 * Only what follows the last layer's attention may be the last token's alone. */
static int can_isolate(const struct ll_drift *d)
{
    for (int h = 0; h < LL_N_HOOKS; h++)
        for (int l = -1; l < d->m->n_layers - 1; l++) {
            const struct ll_actv *a = ll_acts_good(d->ref, h, l);
            if (a && !a->heads && a->rows != d->n && !(l < 0 && h != LL_HOOK_EMBED))
                return 0;
        }
    return 1;
}

/* Is the last dump the last block's output, or that after the final norm? Each reading against what the last
 * layer gives on the reference's own input. If the normed one fits at least twice as well, the dump moves to
 * that point. */
static int test_trap(struct ll_drift *d, struct ll_err *err)
{
    int last = d->m->n_layers - 1, from = last > 0 && whole(d, LL_HOOK_RESID_POST, last - 1) ? last : 0;
    struct ll_actv *dump = ll_acts_at(d->ref, LL_HOOK_RESID_POST, last),
                   *norm = ll_acts_at(d->ref, LL_HOOK_LN_FINAL_NORMALIZED, -1), kept = *dump;
    struct ll_acts_want want = {.hooks = LL_HOOK_BIT(LL_HOOK_RESID_POST)
                                    | LL_HOOK_BIT(LL_HOOK_LN_FINAL_NORMALIZED)};
    struct ll_acts got = {0};
    struct ll_cmp raw, normed;
    if (!ll_acts_good(d->ref, LL_HOOK_RESID_POST, last))
        return LL_OK;
    *dump = (struct ll_actv){.bad_at = -1};
    struct ll_acts_pass pass = ll_drift_pass(d, &want, d->isolated ? d->ref : NULL);
    pass.from = from;
    int rc = ll_acts_run(&got, &pass, err);
    *dump = kept;
    if (!rc && !(rc = ll_compare(&raw, ll_acts_at(&got, LL_HOOK_RESID_POST, last), dump, 0, NULL, err))
        && !(rc = ll_compare(&normed, ll_acts_at(&got, LL_HOOK_LN_FINAL_NORMALIZED, -1), dump, 0, NULL,
                             err))) {
        d->trap_tested = 1;
        d->trap_raw = raw.rel;
        d->trap_normed = normed.rel;
        d->trap = normed.rel < raw.rel / 2 && normed.cosine > 0.9;
    }
    ll_acts_free(&got);
    if (rc || !d->trap)
        return rc;
    if (norm->x)
        ll_actv_free(dump); /* the reference has the normed stream under its own name, too */
    else {
        ll_actv_free(norm);
        *norm = *dump;
        *dump = (struct ll_actv){.bad_at = -1};
    }
    return LL_OK;
}

static int run_passes(struct ll_drift *d, struct ll_err *err)
{
    struct ll_acts_want want = {.hooks = d->self_layers ? LL_HOOK_BIT(LL_N_HOOKS) - 1 : 0,
                                .layers = d->self_layers,
                                .like = d->ref};
    const struct ll_acts_pass running = ll_drift_pass(d, &want, NULL),
                              isolated = ll_drift_pass(d, &want, d->ref);
    int rc = ll_acts_run(&d->ours, &running, err);
    want.hooks = 0;
    want.layers = NULL;
    if (!rc && d->isolated)
        rc = ll_acts_run(&d->iso, &isolated, err);
    return rc;
}

/* ---- points ---------------------------------------------------------------------------------- */

/* The double-precision result as an activation, to compare with; rounded to float, far below any
 * tolerance. */
static int exact_act(const struct ll_drift *d, const struct ll_acts *from, int hook, int layer,
                     struct ll_actv *out, struct ll_err *err)
{
    struct ll_exact e = {d->m, from, d->ids, d->n};
    double *x;
    *out = (struct ll_actv){.dtype = "float64", .bad_at = -1};
    int rc = ll_exact_point(&e, hook, layer, &x, &out->rows, &out->width, err);
    if (rc)
        return rc;
    out->heads = ll_hook_info((enum ll_hook)hook)->width == LL_WIDTH_POS_POS ? d->m->n_heads : 0;
    out->x = malloc(sizeof(float) * (size_t)out->rows * (size_t)out->width);
    for (size_t i = 0; out->x && i < (size_t)out->rows * (size_t)out->width; i++)
        out->x[i] = (float)x[i];
    free(x);
    return out->x
        ? LL_OK
        : ll_fail_mem(err, "double-precision values", sizeof(float) * (size_t)out->rows * (size_t)out->width);
}

static int self_point(struct ll_drift *d, struct ll_drift_point *p, const struct ll_actv *ours,
                      struct ll_err *err)
{
    struct ll_actv exact;
    int rc = exact_act(d, &d->ours, p->hook, p->layer, &exact, err);
    p->self = 1;
    p->tol = d->tol > 0 ? d->tol : LL_DRIFT_TOL_F32;
    if (!rc)
        rc = ll_drift_measure(d, p->hook, ours, &exact, &p->isolated, &p->isolated_x, err);
    ll_actv_free(&exact);
    p->has_isolated = 1;
    p->running = p->isolated;
    p->running_x = p->isolated_x;
    p->off = p->isolated.rel;
    p->verdict = p->isolated.rel <= p->tol ? LL_DRIFT_SAME : LL_DRIFT_HERE;
    return rc;
}

/* Experts are chosen by comparing: half precision may turn a near tie, and then a whole row is another one. A
 * mistake would show in every row. Returns the rows that are off, where that explains it. */
static int routed_rows(const struct ll_drift *d, int hook, int layer, const struct ll_actv *ours,
                       const struct ll_actv *ref, double tol)
{
    int by_experts = layer >= 0 && d->m->layers[layer].experts.n
        && (hook == LL_HOOK_MLP_OUT || hook == LL_HOOK_RESID_POST);
    if (!by_experts || !ll_drift_is_half(ref->dtype) || ref->rows < 2)
        return 0;
    int n = ll_drift_rows_beyond(ours, ref, tol), few = ref->rows / LL_DRIFT_FEW_ROWS;
    return n <= (few > 1 ? few : 1) ? n : 0;
}

static int ref_point(struct ll_drift *d, struct ll_drift_point *p, const struct ll_actv *ref,
                     struct ll_err *err)
{
    const struct ll_actv *ours = ll_acts_at(&d->ours, p->hook, p->layer),
                         *iso = d->isolated ? ll_acts_at(&d->iso, p->hook, p->layer) : NULL;
    p->tol = ll_drift_tolerance(d->tol, ref->dtype,
                                ll_drift_is_half(ref->dtype) ? ll_drift_between(d, p->hook, p->layer) : 0);
    int rc = ll_drift_measure(d, p->hook, ours, ref, &p->running, &p->running_x, err);
    if (!rc && iso && iso->x) {
        p->has_isolated = 1;
        rc = ll_drift_measure(d, p->hook, iso, ref, &p->isolated, &p->isolated_x, err);
    }
    const struct ll_cmp *own = p->has_isolated ? &p->isolated : &p->running;
    p->off = ll_drift_off(own, p->has_isolated ? &p->isolated_x : &p->running_x);
    int beyond = !(p->off <= p->tol) || own->n_bad;
    if (beyond && !own->n_bad && !rc)
        p->routed = routed_rows(d, p->hook, p->layer, p->has_isolated ? iso : ours, ref, p->tol);
    p->verdict = p->routed                                   ? LL_DRIFT_NOISE
        : beyond                                             ? LL_DRIFT_HERE
        : ll_drift_off(&p->running, &p->running_x) <= p->tol ? LL_DRIFT_SAME
                                                             : LL_DRIFT_ACCUMULATED;
    return rc;
}

static int add_point(struct ll_drift *d, int hook, int layer, struct ll_err *err)
{
    const struct ll_actv *ref = ll_acts_good(d->ref, hook, layer), *ours = ll_acts_at(&d->ours, hook, layer);
    struct ll_drift_point *p = &d->points[d->n_points];
    if (!ours->x || (!ref && !(d->self_layers && (layer < 0 || d->self_layers[layer]))))
        return LL_OK;
    *p = (struct ll_drift_point){.hook = hook, .layer = layer};
    int rc = ref ? ref_point(d, p, ref, err) : self_point(d, p, ours, err);
    d->n_points += !rc;
    return rc;
}

/* In the order of the pass: embed, the blocks, the end. */
static int all_points(struct ll_drift *d, struct ll_err *err)
{
    size_t most = (size_t)LL_N_HOOKS * ((size_t)d->m->n_layers + 1);
    int rc = LL_OK;
    if (!(d->points = calloc(most, sizeof *d->points)))
        return ll_fail_mem(err, "points", most * sizeof *d->points);
    for (int hook = -1, layer; !rc && ll_drift_next(d->m, &hook, &layer);)
        rc = add_point(d, hook, layer, err);
    return rc;
}

/* ---- is it rounding? ------------------------------------------------------------------------- */

static int rerun(struct ll_drift *d, struct ll_drift_point *p, struct ll_err *err)
{
    struct ll_actv exact;
    struct ll_cmp ours, ref, scale;
    const struct ll_actv *r = ll_acts_good(d->ref, p->hook, p->layer),
                         *iso = ll_acts_at(&d->iso, p->hook, p->layer);
    int scores = p->hook == LL_HOOK_ATTN_SCORES, rc = exact_act(d, d->ref, p->hook, p->layer, &exact, err);
    if (!rc && !(rc = ll_compare(&ours, iso, &exact, scores, NULL, err))
        && !(rc = ll_compare(&ref, &exact, r, scores, NULL, err))
        && !(rc = ll_compare(&scale, iso, r, scores, NULL, err))) {
        double rms = ll_tensor_rms(&scale.ref);
        p->rerun = (struct ll_drift_rerun){1, rms > 0 ? ours.rmse / rms : 0, rms > 0 ? ref.rmse / rms : 0};
        /* both sides are off the exact result by a good part of their difference: neither made a mistake */
        if (p->rerun.ours > p->isolated.rel / 10 && p->rerun.ref > p->isolated.rel / 10 && p->rerun.ref < 0.1)
            p->verdict = LL_DRIFT_NOISE;
    }
    ll_actv_free(&exact);
    return rc == LL_EUNSUP ? LL_OK : rc;
}

enum { MOST_RERUNS = 8 }; /* of differences within tolerance */

/* Nothing beyond tolerance: a difference that rounding does not explain either? Only against float32
 * references. */
static int find_small(struct ll_drift *d, struct ll_err *err)
{
    int reruns = 0, rc = LL_OK;
    for (int i = 0; i < d->n_points && d->first < 0 && !rc; i++) {
        struct ll_drift_point *p = &d->points[i];
        if (p->self || !p->has_isolated || p->isolated.rel <= LL_DRIFT_FINE || p->tol > LL_DRIFT_TOL_F32
            || reruns++ >= MOST_RERUNS)
            continue;
        enum ll_drift_verdict was = p->verdict;
        rc = rerun(d, p, err);
        p->verdict = was;
        if (p->rerun.done && p->rerun.ours < p->isolated.rel / 10 && p->rerun.ref > p->isolated.rel / 2) {
            p->verdict = LL_DRIFT_SMALL;
            d->first = i;
        }
    }
    return rc;
}

/* The first point beyond tolerance that is not rounding. */
static int find_first(struct ll_drift *d, struct ll_err *err)
{
    int rc = LL_OK;
    d->first = -1;
    for (int i = 0; i < d->n_points && d->first < 0 && !rc; i++) {
        struct ll_drift_point *p = &d->points[i];
        if (p->verdict != LL_DRIFT_HERE)
            continue;
        if (!p->self && p->has_isolated && !p->isolated.n_bad)
            rc = rerun(d, p, err);
        if (p->verdict == LL_DRIFT_HERE)
            d->first = i;
    }
    return rc || d->first >= 0 ? rc : find_small(d, err);
}

/* ---- the accumulation table ------------------------------------------------------------------ */

static int depth_row(struct ll_drift *d, int k, struct ll_err *err)
{
    struct ll_drift_depth *row = &d->depths[k];
    row->normed = d->trap && k == d->m->n_layers;
    int hook = row->normed ? LL_HOOK_LN_FINAL_NORMALIZED
        : k                ? LL_HOOK_RESID_POST
                           : LL_HOOK_EMBED,
        layer = row->normed ? -1 : k - 1;
    const struct ll_actv *ref = ll_acts_good(d->ref, hook, layer), *ours = ll_acts_at(&d->ours, hook, layer);
    if (!ref || !ours->x)
        return LL_OK;
    row->known = 1;
    row->tol = ll_drift_tolerance(d->tol, ref->dtype, LL_DRIFT_BLOCK_OPS);
    row->dtype = ref->dtype;
    int rc = ll_drift_measure(d, hook, ours, ref, &row->c, &row->cx, err);
    row->floor = row->c.mae_rel > 0 && isfinite(row->c.mae_rel)
        ? ll_drift_rounding(ref->dtype, k * LL_DRIFT_BLOCK_OPS) * row->c.mae / row->c.mae_rel
        : 0;
    return rc;
}

/* A layer alone: nothing of it patched but its input. Where the reference holds steps inside a layer, the
 * isolated pass would mend a mistake on the way, so those layers run once more with the stream only. */
static int whole_layers(struct ll_drift *d, struct ll_err *err)
{
    struct ll_acts only = {0}, got = {0};
    struct ll_acts_want want = {.like = &only};
    const struct ll_acts_pass pass = ll_drift_pass(d, &want, &only);
    int rc = ll_acts_init(&only, d->m->n_layers, d->n, err);
    for (int l = -1; l < d->m->n_layers && !rc; l++) { /* borrow the stream's places */
        int hook = l < 0 ? LL_HOOK_EMBED : LL_HOOK_RESID_POST;
        *ll_acts_at(&only, hook, l) = *ll_acts_at(d->ref, hook, l);
    }
    if (d->trap && !rc)
        *ll_acts_at(&only, LL_HOOK_LN_FINAL_NORMALIZED, -1) =
            *ll_acts_at(d->ref, LL_HOOK_LN_FINAL_NORMALIZED, -1);
    if (!rc)
        rc = ll_acts_run(&got, &pass, err);
    for (int k = 0; k <= d->m->n_layers && !rc; k++) {
        struct ll_drift_depth *row = &d->depths[k];
        int hook = row->normed ? LL_HOOK_LN_FINAL_NORMALIZED
            : k                ? LL_HOOK_RESID_POST
                               : LL_HOOK_EMBED,
            layer = row->normed ? -1 : k - 1;
        const struct ll_actv *ours = ll_acts_at(&got, hook, layer), *ref = ll_acts_at(&only, hook, layer);
        if (!row->known || (rc = ll_drift_measure(d, hook, ours, ref, &row->iso, &row->iso_x, err)))
            continue;
        double rounding = ll_drift_rounding(ref->dtype, LL_DRIFT_BLOCK_OPS);
        row->has_iso = 1;
        row->own = !row->iso.n_bad
                && (ll_drift_off(&row->iso, &row->iso_x) <= rounding
                    || (k && routed_rows(d, LL_HOOK_RESID_POST, k - 1, ours, ref, rounding)))
            ? 1
            : 2;
    }
    ll_acts_free(&got);
    free(only.at); /* what it held belongs to the reference */
    return rc;
}

int ll_drift_run(struct ll_drift *d, struct ll_err *err)
{
    int rc;
    d->first = -1;
    d->isolated = can_isolate(d);
    if ((rc = find_skipped(d, err)) || (rc = test_trap(d, err)) || (rc = run_passes(d, err))
        || (rc = all_points(d, err)) || (rc = find_first(d, err)))
        return rc;
    if (!(d->depths = calloc((size_t)d->m->n_layers + 1, sizeof *d->depths)))
        return ll_fail_mem(err, "depths", sizeof *d->depths * ((size_t)d->m->n_layers + 1));
    for (int k = 0; k <= d->m->n_layers && !rc; k++)
        rc = depth_row(d, k, err);
    if (!rc && d->isolated)
        rc = whole_layers(d, err);
    ll_drift_growth(d->depths, d->m->n_layers);
    return rc;
}

void ll_drift_free(struct ll_drift *d)
{
    if (d->ours.at)
        ll_acts_free(&d->ours);
    if (d->iso.at)
        ll_acts_free(&d->iso);
    free(d->points);
    free(d->depths);
    free(d->skip_rows);
    free(d->skip_cols);
}
