/* dump.c - see dump.h: which points, and what they held. Files are dump_files.c. */
#include "dump.h"

#include "forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which points ---------------------------------------------------------------------------- */

int ll_dump_choose(struct ll_dump_points *w, const char *list, int n_layers, struct ll_err *err)
{
    memset(w, 0, sizeof *w);
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ",");
        char name[96];
        int layer;
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        int h = ll_hook_parse(name, &layer);
        if (!strcmp(name, "all"))
            w->every = (LL_HOOK_BIT(LL_N_HOOKS)) - 1;
        else if (h < 0)
            return ll_fail(err, LL_EUSAGE, "--hooks: unknown hook point \"%s\" (see: logitlens help dump)",
                           name);
        else if (layer >= n_layers)
            return ll_fail(err, LL_EUSAGE, "--hooks: %s: expected a layer in 0..%d", name, n_layers - 1);
        else if (layer < 0)
            w->every |= LL_HOOK_BIT(h);
        else if (w->n_one == LL_DUMP_MAX_SINGLE)
            return ll_fail(err, LL_EUSAGE, "--hooks: expected at most %d single points", LL_DUMP_MAX_SINGLE);
        else {
            w->one[w->n_one].hook = h;
            w->one[w->n_one++].layer = layer;
        }
        p += n + (p[n] == ',');
    }
    return w->every || w->n_one ? LL_OK
                                : ll_fail(err, LL_EUSAGE, "--hooks: expected at least one hook point");
}

static int is_wanted(const struct ll_dump_points *w, int hook, int layer)
{
    if (w->every & LL_HOOK_BIT(hook))
        return 1;
    for (int i = 0; i < w->n_one; i++)
        if (w->one[i].hook == hook && w->one[i].layer == layer)
            return 1;
    return 0;
}

/* ---- what they held -------------------------------------------------------------------------- */

/* What the listener keeps. A hook may come in several chunks of rows; there is one sequence, so never more
 * than one here. */
struct keep {
    const struct ll_dump_points *w;
    const struct ll_model *m;
    struct ll_dump *d;
};

static int shape_of(const struct ll_model *m, const struct ll_hook_visit *v, struct ll_array *a)
{
    switch (ll_hook_info(v->hook)->width) {
    case LL_WIDTH_POS_POS:
        a->dims[0] = m->n_heads;
        a->dims[1] = a->dims[2] = v->n_rows;
        return 3;
    case LL_WIDTH_HEADS:
    case LL_WIDTH_KV_HEADS:
        a->dims[0] = v->n_rows;
        a->dims[1] = v->width / m->d_head;
        a->dims[2] = m->d_head;
        return 3;
    case LL_WIDTH_ONE: a->dims[0] = v->n_rows; return 1;
    default:
        a->dims[0] = v->n_rows;
        a->dims[1] = v->width;
        return 2;
    }
}

static int make_room(struct ll_dump *d, struct ll_err *err)
{
    if (d->n < d->cap)
        return LL_OK;
    int cap = d->cap ? 2 * d->cap : 64;
    struct ll_array *grown = realloc(d->arrays, sizeof *grown * (size_t)cap);
    if (!grown)
        return ll_fail_mem(err, "dump", sizeof *grown * (size_t)cap);
    d->arrays = grown;
    d->cap = cap;
    return LL_OK;
}

static int on_hook(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct keep *k = arg;
    int rc;
    if (!is_wanted(k->w, v->hook, v->layer))
        return LL_OK;
    if ((rc = make_room(k->d, err)))
        return rc;
    struct ll_array a = {.type = LL_ARRAY_F32};
    char name[64];
    a.n_dims = shape_of(k->m, v, &a);
    int square = a.n_dims == 3 && ll_hook_info(v->hook)->width == LL_WIDTH_POS_POS;
    size_t rows = square ? (size_t)k->m->n_heads * (size_t)v->n_rows : (size_t)v->n_rows,
           width = (size_t)v->width;
    float *x = malloc(sizeof *x * rows * width);
    ll_hook_full_name(v->hook, v->layer, name);
    a.name = strdup(name);
    if (!x || !a.name) {
        free(x);
        free(a.name);
        return ll_fail_mem(err, "dump", sizeof *x * rows * width);
    }
    for (size_t r = 0; r < rows; r++)
        memcpy(x + r * width, v->data + r * (size_t)v->stride, sizeof *x * width);
    a.data = x;
    k->d->arrays[k->d->n++] = a;
    return LL_OK;
}

int ll_dump_capture(struct ll_dump *d, const struct ll_opened *x, const struct ll_dump_points *w,
                    struct ll_err *err)
{
    const struct ll_model *m = x->s.model;
    struct ll_pass pass = {0};
    struct keep k = {.w = w, .m = m, .d = d};
    struct ll_listener l = {w->every, on_hook, &k};
    int start[2] = {0, x->p.ids.n};
    struct ll_batch batch = {1, start, x->p.ids.v};
    for (int i = 0; i < w->n_one; i++)
        l.hooks |= LL_HOOK_BIT(w->one[i].hook);
    int rc = ll_pass_init(&pass, &(struct ll_pass_plan){m, x->p.ids.n, x->p.ids.n, &l, 1}, x->s.engine, err);
    if (!rc)
        rc = ll_forward(&pass, &batch, 0, m->n_layers, err);
    ll_pass_free(&pass);
    return rc || d->n ? rc : ll_fail(err, LL_EUSAGE, "--hooks: the model has none of these points");
}

void ll_dump_free(struct ll_dump *d)
{
    for (int i = 0; i < d->n; i++) {
        free((void *)(uintptr_t)d->arrays[i].data);
        free(d->arrays[i].name);
    }
    free(d->arrays);
    memset(d, 0, sizeof *d);
}
