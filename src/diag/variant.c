/* variant.c - see variant.h. */
#include "variant.h"

#include "variants/edit.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the copy owns ---------------------------------------------------------------------- */

float *ll_edit_copy(struct ll_edit *e, const float *x, int n)
{
    struct ll_model *v = e->m;
    struct ll_small *grown = realloc(v->small, sizeof *grown * (size_t)(v->n_small + 1));
    float *y = malloc(sizeof *y * (size_t)n);
    if (grown)
        v->small = grown;
    if (!grown || !y) {
        free(y);
        ll_fail_mem(e->err, "variant", sizeof *y * (size_t)n);
        return NULL;
    }
    if (x)
        memcpy(y, x, sizeof *y * (size_t)n);
    v->small[v->n_small++] = (struct ll_small){y, n, NULL};
    return y;
}

int ll_edit_own_freqs(struct ll_edit *e, struct ll_rope *r)
{
    if (r->d_rot && !(r->inv_freq = ll_edit_copy(e, r->inv_freq, r->d_rot / 2)))
        return LL_EFAIL;
    return !r->d_rot || !r->long_freq || (r->long_freq = ll_edit_copy(e, r->long_freq, r->d_rot / 2))
        ? LL_OK
        : LL_EFAIL;
}

/* ---- switches by name ------------------------------------------------------------------------ */

int ll_n_switches(void) { return ll_n_edit_rows; }
const struct ll_switch *ll_switch_row(int i) { return &ll_edit_rows[i].s; }

/* The row of a name; a row that ends with VALUE takes the number. NULL: unknown. */
static const struct ll_edit_row *find(const char *name, double *value, struct ll_err *err)
{
    for (int i = 0; i < ll_n_edit_rows; i++) {
        size_t n = strlen(ll_edit_rows[i].s.name);
        if (!strcmp(ll_edit_rows[i].s.name, name)) {
            *value = ll_edit_rows[i].value;
            return n > 5 && !strcmp(name + n - 5, "VALUE") ? NULL : &ll_edit_rows[i];
        }
        if (n < 6 || strcmp(ll_edit_rows[i].s.name + n - 5, "VALUE")
            || strncmp(ll_edit_rows[i].s.name, name, n - 5))
            continue;
        char *end;
        *value = strtod(name + n - 5, &end);
        if (end == name + n - 5 || *end || !(*value >= ll_edit_rows[i].lo && *value <= ll_edit_rows[i].hi)) {
            ll_fail(err, LL_EUSAGE, "%s: expected a number in %g..%g", name, ll_edit_rows[i].lo,
                    ll_edit_rows[i].hi);
            return NULL;
        }
        return &ll_edit_rows[i];
    }
    ll_fail(err, LL_EUSAGE, "unknown switch \"%s\" (drift --explain lists them)", name);
    return NULL;
}

/* One switch "name" or "name@L". */
static int apply_one(struct ll_edit *e, char *text)
{
    char *at = strchr(text, '@'), *end;
    long layer = -1;
    if (at) {
        layer = strtol(at + 1, &end, 10);
        if (end == at + 1 || *end || layer < 0 || layer >= e->m->n_layers)
            return ll_fail(e->err, LL_EUSAGE, "switch %s: expected a layer in 0..%d after @", text,
                           e->m->n_layers - 1);
        *at = 0;
    }
    const struct ll_edit_row *row = find(text, &e->value, e->err);
    if (!row)
        return ll_fail(e->err, LL_EUSAGE, "switch %s: expected a number in place of VALUE",
                       text); /* the first reason stays */
    if (at && row->s.scope == LL_SWITCH_ENDS)
        return ll_fail(e->err, LL_EUSAGE, "switch %s: is not part of a block, expected no @layer", text);
    e->whole = !at;
    e->from = at ? (int)layer : 0;
    e->to = at ? (int)layer + 1 : e->m->n_layers;
    int n = row->apply(e);
    if (n < 0)
        return e->err && e->err->code ? e->err->code : n;
    return n ? LL_OK
             : ll_fail(e->err, LL_EUNSUP,
                       "switch %s changes nothing here: the model has no such part, or is so already", text);
}

static int apply_list(struct ll_edit *e, const char *list)
{
    int rc = LL_OK;
    for (const char *p = list ? list : ""; *p && !rc;) {
        char text[96];
        size_t n = strcspn(p, ",");
        if (n >= sizeof text)
            return ll_fail(e->err, LL_EUSAGE, "unknown switch \"%.40s...\"", p);
        memcpy(text, p, n);
        text[n] = 0;
        rc = apply_one(e, text);
        p += n + (p[n] == ',');
    }
    return rc;
}

/* ---- the copy -------------------------------------------------------------------------------- */

/* Layers point at the rotations of their own model, whose lists become the copy's own. */
static int copy_ropes(struct ll_edit *e, const struct ll_model *from)
{
    for (int l = 0; l < e->m->n_layers; l++)
        if (from->layers[l].rope)
            e->m->layers[l].rope = &e->m->ropes[from->layers[l].rope - from->ropes];
    for (int i = 0; i < e->m->n_ropes; i++)
        if (ll_edit_own_freqs(e, &e->m->ropes[i]))
            return LL_EFAIL;
    return LL_OK;
}

static int copy_model(struct ll_edit *e, const struct ll_model *from)
{
    struct ll_variant *v = e->variant;
    size_t n = (size_t)from->n_layers;
    v->model = *from;
    v->ops = ll_variant_ops_of(v);
    v->model.ops = &v->ops;
    v->model.small = NULL;
    v->model.n_small = 0;
    v->model.layers = malloc(sizeof *v->model.layers * n);
    v->mistakes = calloc(n, sizeof *v->mistakes);
    if (!v->model.layers || !v->mistakes)
        return ll_fail_mem(e->err, "variant", sizeof *v->model.layers * n);
    memcpy(v->model.layers, from->layers, sizeof *v->model.layers * n);
    for (int l = 0; l < from->n_layers; l++)
        v->mistakes[l] = ll_variant_mistakes(from, l);
    return copy_ropes(e, from);
}

int ll_variant_make(struct ll_model **variant, const struct ll_model *model, const char *list,
                    struct ll_err *err)
{
    struct ll_variant *v = calloc(1, sizeof *v);
    struct ll_edit e = {.variant = v, .m = &v->model, .err = err};
    *variant = NULL;
    if (!v)
        return ll_fail_mem(err, "variant", sizeof *v);
    int rc = copy_model(&e, model);
    if (!rc)
        rc = apply_list(&e, list);
    if (rc) {
        ll_variant_free(&v->model);
        return rc;
    }
    *variant = &v->model;
    return LL_OK;
}

void ll_variant_free(struct ll_model *m)
{
    struct ll_variant *v = (struct ll_variant *)m; /* its first member */
    if (!v)
        return;
    for (int i = 0; i < m->n_small; i++)
        free(m->small[i].v);
    free(m->small);
    free(m->layers);
    free(v->mistakes);
    free(v);
}
