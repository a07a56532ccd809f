/* intervene.c - interventions at work (intervene.h): the listener, and everything before the pass but
 * sources. */
#include "intervene.h"

#include "intervene_source.h"
#include "steps.h"
#include "variant.h"

#include <stdlib.h>
#include <string.h>

/* ---- the listener ---------------------------------------------------------------------------- */

/* The floats of a row that an intervention is about. */
struct part {
    int at, n;
};
static struct part part_of(const struct ll_intervene *iv, const struct ll_intervention *v,
                           const struct ll_hook_visit *visit)
{
    enum ll_hook_width w = ll_hook_info(visit->hook)->width;
    int unit = w == LL_WIDTH_HEADS || w == LL_WIDTH_KV_HEADS ? iv->model->d_head : 1;
    return v->index < 0 ? (struct part){0, visit->width} : (struct part){v->index * unit, unit};
}

/* Positions p0..p1-1 of a sequence of n. */
static void positions_of(const struct ll_intervention *v, int n, int *p0, int *p1)
{
    int p = v->pos < 0 ? n + v->pos : v->pos, inside = p >= 0 && p < n;
    *p0 = !v->has_pos ? 0 : inside ? p : 0;
    *p1 = !v->has_pos ? n : inside ? p + 1 : 0;
}

static int grow(void **p, size_t *have, size_t want, size_t size, struct ll_err *err)
{
    if (want <= *have)
        return LL_OK;
    void *grown = realloc(*p, want * size);
    if (!grown)
        return ll_fail_mem(err, "interventions", want * size);
    *p = grown;
    *have = want;
    return LL_OK;
}

/* Means of the part over all n positions of x, into iv->mean; sums in rising order of the position. */
static int take_mean(struct ll_intervene *iv, const float *x, long stride, int n, struct part q,
                     struct ll_err *err)
{
    int rc = grow((void **)&iv->mean, &iv->n_mean, (size_t)q.n, sizeof *iv->mean, err);
    for (int i = 0; i < q.n && !rc; i++) {
        iv->mean[i] = 0;
        for (int p = 0; p < n; p++)
            iv->mean[i] += (double)x[p * stride + q.at + i];
        iv->mean[i] /= n;
    }
    return rc;
}

/* The source's row for position p of n. */
static const float *source_row(const struct ll_intervention *v, int p, int n)
{
    int row = v->n_rows == 1 ? 0 : v->has_pos && v->pos < 0 ? v->n_rows + (p - n) : p;
    return row >= 0 && row < v->n_rows ? v->values + (size_t)row * (size_t)v->width : NULL;
}

/* One sequence of n positions at x. */
static int apply_rows(struct ll_intervene *iv, const struct ll_intervention *v,
                      const struct ll_hook_visit *visit, float *x, int n, struct ll_err *err)
{
    struct part q = part_of(iv, v, visit);
    int p0, p1, rc = LL_OK;
    positions_of(v, n, &p0, &p1);
    if (v->kind == LL_IV_MEAN)
        rc = take_mean(iv, x, visit->stride, n, q, err);
    if (v->kind == LL_IV_PATCH && !v->has_pos && v->n_rows != n)
        return ll_fail(
            err, LL_EUSAGE,
            "intervention \"%s\": the source has %d positions, the prompt %d (name one with @pos=P)", v->spec,
            v->n_rows, n);
    for (int p = p0; p < p1 && !rc; p++) {
        float *to = x + p * visit->stride + q.at;
        const float *from = v->values ? source_row(v, p, n) : NULL;
        for (int i = 0; i < q.n; i++)
            if (v->kind == LL_IV_ZERO)
                to[i] = 0;
            else if (v->kind == LL_IV_MEAN)
                to[i] = (float)iv->mean[i];
            else if (v->kind == LL_IV_PATCH && from)
                to[i] = from[q.at + i];
            else if (v->kind == LL_IV_STEER && from && v->factor != 0)
                to[i] += (float)(v->factor * (double)from[q.at + i]);
    }
    return rc;
}

/* Scores or pattern of one sequence: 0 where a query may look. */
static void zero_square(const struct ll_intervene *iv, const struct ll_intervention *v,
                        const struct ll_hook_visit *visit)
{
    int n = visit->n_rows, window = iv->model->layers[visit->layer].window, p0, p1;
    positions_of(v, n, &p0, &p1);
    for (int h = v->index < 0 ? 0 : v->index; h < (v->index < 0 ? iv->model->n_heads : v->index + 1); h++)
        for (int t = p0; t < p1; t++)
            for (int s = window && t + 1 > window ? t + 1 - window : 0; s <= t; s++)
                visit->data[((size_t)h * (size_t)n + (size_t)t) * (size_t)visit->stride + (size_t)s] = 0;
}

static int go_round(struct ll_intervene *iv, const struct ll_hook_visit *v, struct ll_err *err)
{
    size_t row = (size_t)v->width;
    int rc = grow((void **)&iv->saved, &iv->n_saved, (size_t)v->n_rows * row, sizeof *iv->saved, err);
    for (int r = 0; r < v->n_rows && !rc; r++)
        if (v->hook == LL_HOOK_RESID_PRE)
            memcpy(iv->saved + (size_t)r * row, v->data + r * v->stride, sizeof *iv->saved * row);
        else
            memcpy(v->data + r * v->stride, iv->saved + (size_t)r * row, sizeof *iv->saved * row);
    return rc;
}

static int apply(struct ll_intervene *iv, const struct ll_intervention *v, const struct ll_hook_visit *visit,
                 struct ll_err *err)
{
    if (v->kind == LL_IV_SWAP)
        return LL_OK;
    if (v->kind == LL_IV_SKIP)
        return v->layer == visit->layer
                && (visit->hook == LL_HOOK_RESID_PRE || visit->hook == LL_HOOK_RESID_POST)
            ? go_round(iv, visit, err)
            : LL_OK;
    if (v->hook != (int)visit->hook || (v->layer >= 0 && v->layer != visit->layer))
        return LL_OK;
    if (visit->seq >= 0) {
        zero_square(iv, v, visit);
        return LL_OK;
    }
    const int *start = visit->batch->start;
    int rc = LL_OK;
    for (int s = 0; s < visit->batch->n_seq && !rc; s++)
        if (start[s] >= visit->row0 && start[s + 1] <= visit->row0 + visit->n_rows)
            rc = apply_rows(iv, v, visit, visit->data + (start[s] - visit->row0) * visit->stride,
                            start[s + 1] - start[s], err);
    return rc;
}

static int on_visit(void *arg, const struct ll_hook_visit *visit, struct ll_err *err)
{
    struct ll_intervene *iv = arg;
    int rc = LL_OK;
    for (int i = 0; i < iv->n && !rc; i++)
        rc = apply(iv, &iv->v[i], visit, err);
    return rc;
}

struct ll_listener ll_intervene_listener(struct ll_intervene *iv)
{
    struct ll_listener l = {0, on_visit, iv};
    for (int i = 0; i < iv->n; i++)
        if (iv->v[i].kind == LL_IV_SKIP)
            l.hooks |= LL_HOOK_BIT(LL_HOOK_RESID_PRE) | LL_HOOK_BIT(LL_HOOK_RESID_POST);
        else if (iv->v[i].kind != LL_IV_SWAP)
            l.hooks |= LL_HOOK_BIT(iv->v[i].hook);
    return l;
}

/* ---- before the pass ------------------------------------------------------------------------- */

/* How many parts [index] may name. */
static int n_parts(const struct ll_model *m, enum ll_hook h, int layer)
{
    switch (ll_hook_info(h)->width) {
    case LL_WIDTH_HEADS:
    case LL_WIDTH_POS_POS: return m->n_heads;
    case LL_WIDTH_KV_HEADS: return m->n_kv_heads;
    case LL_WIDTH_D_MLP: return layer < 0 ? m->d_mlp : m->layers[layer].mlp.W_in.n;
    default: return m->d_model;
    }
}

static int check_block(const struct ll_intervention *v, const struct ll_model *m, struct ll_err *err)
{
    int worst = v->kind == LL_IV_SWAP && v->other > v->layer ? v->other : v->layer;
    return worst < m->n_layers
        ? LL_OK
        : ll_fail(err, LL_EUSAGE, "intervention \"%s\": block: expected 0..%d, found %d", v->spec,
                  m->n_layers - 1, worst);
}

static int check_point(const struct ll_intervention *v, const struct ll_model *m, struct ll_err *err)
{
    const struct ll_hook_info *h = ll_hook_info((enum ll_hook)v->hook);
    int somewhere = 0;
    if (h->width == LL_WIDTH_ONE)
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": nothing reads %s: expected another point",
                       v->spec, h->name);
    if (v->hook == LL_HOOK_LN_FINAL_NORMALIZED || v->hook == LL_HOOK_LOGITS)
        return ll_fail(err, LL_EUSAGE,
                       "intervention \"%s\": %s lies after the last residual, which the lens reads: expected "
                       "a point before it",
                       v->spec, h->name);
    if (h->width == LL_WIDTH_POS_POS && v->kind != LL_IV_ZERO)
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": %s takes zero: only", v->spec, h->name);
    if (v->layer >= m->n_layers)
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": block: expected 0..%d, found %d", v->spec,
                       m->n_layers - 1, v->layer);
    for (int l = 0; l < m->n_layers; l++)
        somewhere = somewhere
            || ((v->layer < 0 || v->layer == l)
                && ll_hook_fires(m, (enum ll_hook)v->hook, h->per_layer ? l : -1));
    if (!somewhere)
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": this model has no %s%s", v->spec, h->name,
                       v->layer < 0 ? "" : " in that block");
    int n = n_parts(m, (enum ll_hook)v->hook, v->layer);
    if (v->index >= n)
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": in brackets: expected 0..%d, found %d", v->spec,
                       n - 1, v->index);
    if (v->source && h->per_layer && v->layer < 0)
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": with a source, expected one block: blocks.L.…",
                       v->spec);
    return LL_OK;
}

/* A copy of the model that differs in the order of its blocks. */
static int swap_blocks(struct ll_intervene *iv, struct ll_err *err)
{
    int rc = ll_variant_make(&iv->copy, iv->model, NULL, err);
    for (int i = 0; i < iv->n && !rc; i++)
        if (iv->v[i].kind == LL_IV_SWAP) {
            struct ll_layer *a = &iv->copy->layers[iv->v[i].layer], *b = &iv->copy->layers[iv->v[i].other],
                            keep = *a;
            *a = *b;
            *b = keep;
        }
    iv->model = rc ? iv->model : iv->copy;
    return rc;
}

int ll_intervene_ready(struct ll_intervene *iv, const struct ll_model *model, struct ll_engine *engine,
                       const struct ll_intervene_prompts *prompts, struct ll_err *err)
{
    int rc = LL_OK, swaps = 0;
    iv->model = model;
    for (int i = 0; i < iv->n && !rc; i++)
        if (iv->v[i].hook < 0) {
            rc = check_block(&iv->v[i], model, err);
            swaps += iv->v[i].kind == LL_IV_SWAP;
        }
    if (!rc && swaps)
        rc = swap_blocks(iv, err);
    for (int i = 0; i < iv->n && !rc; i++)
        if (iv->v[i].hook >= 0 && !(rc = check_point(&iv->v[i], iv->model, err)) && iv->v[i].source)
            rc = ll_intervene_read(&iv->v[i], model, engine, prompts, err);
    return rc;
}

int ll_intervene_fits(const struct ll_intervene *iv, int n_ids, struct ll_err *err)
{
    for (int i = 0; i < iv->n; i++) {
        const struct ll_intervention *v = &iv->v[i];
        int p0, p1;
        positions_of(v, n_ids, &p0, &p1);
        if (p0 == p1)
            return ll_fail(
                err, LL_EUSAGE,
                "intervention \"%s\": position: expected %d..%d (the prompt has %d tokens), found %d",
                v->spec, -n_ids, n_ids - 1, n_ids, v->pos);
        if (v->kind == LL_IV_PATCH && !v->has_pos && v->n_rows != n_ids)
            return ll_fail(
                err, LL_EUSAGE,
                "intervention \"%s\": the source has %d positions, the prompt %d (name one with @pos=P)",
                v->spec, v->n_rows, n_ids);
        if (v->values && !source_row(v, p0, n_ids))
            return ll_fail(err, LL_EUSAGE, "intervention \"%s\": the source has no position %d, only 0..%d",
                           v->spec, p0, v->n_rows - 1);
    }
    return LL_OK;
}

void ll_intervene_free(struct ll_intervene *iv)
{
    for (int i = 0; i < iv->n; i++) {
        free(iv->v[i].spec);
        free(iv->v[i].values);
    }
    free(iv->v);
    ll_variant_free(iv->copy);
    free(iv->saved);
    free(iv->mean);
    memset(iv, 0, sizeof *iv);
}
