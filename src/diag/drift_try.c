/* drift_try.c - which mistake makes the difference vanish (drift.h). First the suspicious point alone, its
 * layer run once a switch; a switch that mends it then runs through the whole isolated pass, in all layers
 * and in this one. */
#include "drift.h"

#include "grow.h"
#include "variant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    const struct ll_drift *d;
    const struct ll_drift_point *p;
    const struct ll_model *root;
    const char *base;
    struct ll_try *tries;
    int n, cap;
    struct ll_err *err;
};

const char *ll_try_verdict_name(enum ll_try_verdict v)
{
    static const char *const names[] = {[LL_TRY_NO] = "no",
                                        [LL_TRY_SMALLER] = "smaller",
                                        [LL_TRY_HERE] = "explains this operation",
                                        [LL_TRY_ALL] = "explains everything"};
    return names[v];
}

/* base with the switch, or without it where it is in there. out: 1024 bytes; 0: does not fit. */
static int toggled(const char *base, const char *name, char out[1024])
{
    size_t at = 0;
    int was = 0;
    for (const char *p = base ? base : ""; *p;) {
        size_t n = strcspn(p, ",");
        if (n == strlen(name) && !strncmp(p, name, n))
            was = 1;
        else {
            if (at + n + 2 > 1024)
                return 0;
            at += (size_t)snprintf(out + at, 1024 - at, "%s%.*s", at ? "," : "", (int)n, p);
        }
        p += n + (p[n] == ',');
    }
    out[at] = 0;
    if (was)
        return 1;
    return at + strlen(name) + 2 <= 1024 && snprintf(out + at, 1024 - at, "%s%s", at ? "," : "", name) > 0;
}

/* The point's isolated error with this model. */
static int error_here(const struct job *j, const struct ll_model *v, double *rel)
{
    const struct ll_drift *d = j->d;
    int hook = j->p->hook, layer = j->p->layer, n = d->m->n_layers,
        at_end = layer < 0 && hook != LL_HOOK_EMBED;
    int to = at_end ? n : layer + 1, from = at_end ? n : layer < 0 ? 0 : layer;
    const struct ll_actv *stream = from > 0 ? ll_acts_good(d->ref, LL_HOOK_RESID_POST, from - 1) : NULL;
    unsigned char *one = calloc((size_t)n, 1);
    struct ll_acts got = {0};
    struct ll_cmp c, cx;
    if (!one)
        return ll_fail_mem(j->err, "layers", (unsigned long long)n);
    if (layer >= 0)
        one[layer] = 1;
    struct ll_acts_want want = {.hooks = LL_HOOK_BIT(hook), .layers = one};
    struct ll_acts_pass pass = ll_drift_pass(d, &want, d->isolated ? d->ref : NULL);
    pass.model = v;
    pass.from = stream && stream->rows == d->n ? from : 0;
    pass.to = to;
    int rc = ll_acts_run(&got, &pass, j->err);
    if (!rc && !ll_acts_at(&got, hook, layer)->x)
        *rel = 1e300; /* the switch took the point away */
    else if (!rc
             && !(rc = ll_drift_measure(d, hook, ll_acts_at(&got, hook, layer),
                                        ll_acts_good(d->ref, hook, layer), &c, &cx, j->err)))
        *rel = c.n_bad ? 1e300 : ll_drift_off(&c, &cx);
    ll_acts_free(&got);
    free(one);
    return rc;
}

/* How many points are beyond tolerance with this model. */
static int count_beyond(const struct job *j, const struct ll_model *v, int *n)
{
    const struct ll_drift *d = j->d;
    struct ll_acts got = {0};
    struct ll_acts_want want = {.like = d->ref};
    struct ll_acts_pass pass = ll_drift_pass(d, &want, d->isolated ? d->ref : NULL);
    pass.model = v;
    int rc = ll_acts_run(&got, &pass, j->err);
    *n = 0;
    for (int i = 0; i < d->n_points && !rc; i++) {
        const struct ll_drift_point *p = &d->points[i];
        const struct ll_actv *a = ll_acts_at(&got, p->hook, p->layer);
        struct ll_cmp c, cx;
        if (p->self || p->verdict == LL_DRIFT_NOISE)
            continue;
        if (!a->x)
            ++*n;
        else if (!(rc = ll_drift_measure(d, p->hook, a, ll_acts_good(d->ref, p->hook, p->layer), &c, &cx,
                                         j->err)))
            *n += c.n_bad || !(ll_drift_off(&c, &cx) <= p->tol);
    }
    ll_acts_free(&got);
    return rc;
}

static struct ll_try *add(struct job *j, const char *name, double rel)
{
    if (j->n == j->cap) {
        struct ll_try *grown = ll_grow_int(j->tries, &j->cap, sizeof *grown, 64, "tries", j->err);
        if (!grown)
            return NULL;
        j->tries = grown;
    }
    struct ll_try *t = &j->tries[j->n++];
    *t = (struct ll_try){.rel = rel, .n_beyond = -1};
    snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

/* The model with one switch as written. all: one of many; what does not apply is passed over, *v NULL. */
static int make(struct job *j, const char *name, int all, struct ll_model **v)
{
    char list[1024];
    struct ll_err local = {0};
    *v = NULL;
    if (!toggled(j->base, name, list))
        return ll_fail(j->err, LL_EUSAGE, "--try %s: too many switches", name);
    int rc = ll_variant_make(v, j->root, list, &local);
    if (rc == LL_EUNSUP && all)
        return LL_OK;
    return rc ? ll_fail(j->err, rc == LL_EUNSUP ? LL_EUSAGE : rc, "%s", local.msg) : LL_OK;
}

static int try_one(struct job *j, const char *name, int all)
{
    struct ll_model *v;
    int rc = make(j, name, all, &v);
    if (rc || !v || !j->p) { /* nothing to explain: the switch is only read */
        ll_variant_free(v);
        return rc;
    }
    struct ll_try *t;
    double rel = 0, before = j->p->off;
    if (!(rc = error_here(j, v, &rel)) && (t = add(j, name, rel))) {
        double within = j->p->verdict == LL_DRIFT_SMALL ? before / 10 : j->p->tol;
        t->verdict = rel <= within ? LL_TRY_HERE : rel <= before / 10 ? LL_TRY_SMALLER : LL_TRY_NO;
        if (t->verdict == LL_TRY_HERE && !(rc = count_beyond(j, v, &t->n_beyond)) && !t->n_beyond)
            t->verdict = LL_TRY_ALL;
    } else if (!rc)
        rc = LL_EFAIL;
    ll_variant_free(v);
    return rc;
}

/* A switch of the table: the whole model, and the suspicious layer alone. */
static int try_row(struct job *j, const char *name, int confined)
{
    char one[128];
    int rc = try_one(j, name, 1);
    if (rc || !confined || j->p->layer < 0)
        return rc;
    snprintf(one, sizeof one, "%s@%d", name, j->p->layer);
    return try_one(j, one, 1);
}

static int try_base(struct job *j)
{
    int rc = LL_OK;
    for (const char *p = j->base ? j->base : ""; *p && !rc;) {
        char name[96];
        size_t n = strcspn(p, ",");
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        int known = 0;
        for (int i = 0; i < j->n; i++)
            known |= !strcmp(j->tries[i].name, name);
        rc = known ? LL_OK : try_one(j, name, 1);
        p += n + (p[n] == ',');
    }
    return rc;
}

static int best_first(const void *a, const void *b)
{
    const struct ll_try *x = a, *y = b;
    if (x->verdict != y->verdict)
        return x->verdict > y->verdict ? -1 : 1;
    return x->rel < y->rel ? -1 : x->rel > y->rel ? 1 : strcmp(x->name, y->name);
}

int ll_drift_try(const struct ll_drift *d, const struct ll_model *root, const char *base, const char *list,
                 struct ll_try **tries, int *n, struct ll_err *err)
{
    int rc = LL_OK, all = !strcmp(list, "all");
    *tries = NULL;
    *n = 0;
    int none = d->first < 0 || d->points[d->first].self;
    if (none && all)
        return LL_OK;
    struct job j = {.d = d, .p = none ? NULL : &d->points[d->first], .root = root, .base = base, .err = err};
    for (int i = 0; all && i < ll_n_switches() && !rc; i++)
        if (!strstr(ll_switch_row(i)->name, "=VALUE"))
            rc = try_row(&j, ll_switch_row(i)->name, ll_switch_row(i)->scope == LL_SWITCH_LAYER);
    if (all && !rc)
        rc = try_base(&j);
    for (const char *p = all ? "" : list; *p && !rc;) {
        char name[96];
        size_t len = strcspn(p, ",");
        snprintf(name, sizeof name, "%.*s", (int)len, p);
        rc = try_one(&j, name, 0);
        p += len + (p[len] == ',');
    }
    if (rc) {
        free(j.tries);
        return rc;
    }
    if (j.n)
        qsort(j.tries, (size_t)j.n, sizeof *j.tries, best_first);
    *tries = j.tries;
    *n = j.n;
    return LL_OK;
}
