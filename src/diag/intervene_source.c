/* intervene_source.c - see intervene_source.h */
#include "intervene_source.h"

#include "literal.h"
#include "safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int width_of(const struct ll_model *m, const struct ll_intervention *v)
{
    switch (ll_hook_info((enum ll_hook)v->hook)->width) {
    case LL_WIDTH_HEADS: return m->n_heads * m->d_head;
    case LL_WIDTH_KV_HEADS: return m->n_kv_heads * m->d_head;
    case LL_WIDTH_D_MLP: return m->layers[v->layer].mlp.W_in.n;
    default: return m->d_model;
    }
}

static int ends_with(const struct ll_intervention *v, const char *end)
{
    size_t n = strlen(end);
    return v->n_source > n && !memcmp(v->source + v->n_source - n, end, n);
}

int ll_intervene_is_file(const struct ll_intervention *v)
{
    return v->source && (ends_with(v, ".safetensors") || ends_with(v, ".bin"));
}

/* ---- files ----------------------------------------------------------------------------------- */

/* n values that bytes hold in the given type -> v->values. */
static int take_values(struct ll_intervention *v, const char *what, enum ll_dtype type, const uint8_t *bytes,
                       size_t n, struct ll_err *err)
{
    if (!n || n % (size_t)v->width || n / (size_t)v->width > 1u << 24)
        return ll_fail(err, LL_EUSAGE,
                       "%s: expected a whole number of rows of %d values (%s), found %zu values", what,
                       v->width, ll_hook_info((enum ll_hook)v->hook)->name, n);
    if (!(v->values = malloc(sizeof *v->values * n)))
        return ll_fail_mem(err, "source of an intervention", sizeof *v->values * n);
    ll_dtype_info(type)->to_f32(bytes, v->values, n);
    v->n_rows = (int)(n / (size_t)v->width);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v->values[i]))
            return ll_fail(err, LL_EUSAGE, "%s: value %zu is not finite (NaN or infinity)", what, i);
    return LL_OK;
}

/* The tensor of the point's full name; else the only one there is, token ids not counted. */
static int from_safetensors(struct ll_intervention *v, const char *path, const struct ll_map *map,
                            struct ll_err *err)
{
    struct ll_st_header h;
    const struct ll_tensor *t = NULL, *only = NULL;
    char name[64];
    int rc = ll_st_parse(&h, path, map->data, map->size, err), others = 0;
    if (rc)
        return rc;
    ll_hook_full_name((enum ll_hook)v->hook, v->layer, name);
    for (int i = 0; i < h.n_tensors; i++) {
        if (!strcmp(h.tensors[i].name, name))
            t = &h.tensors[i];
        else if (strcmp(h.tensors[i].name, "input_ids"))
            others++, only = &h.tensors[i];
    }
    if (!t && others == 1)
        t = only;
    if (!t)
        rc = ll_fail(err, LL_EUSAGE, "%s: expected a tensor named %s, or one tensor only, found %d others",
                     path, name, others);
    else if (!ll_dtype_info(t->dtype)->is_float || ll_dtype_info(t->dtype)->block != 1)
        rc = ll_fail(err, LL_EUSAGE, "%s: tensor %s: expected floating-point values, found %s", path, t->name,
                     ll_tensor_type(t));
    else
        rc = take_values(v, path, t->dtype, t->data, t->size / (size_t)ll_dtype_info(t->dtype)->block_bytes,
                         err);
    ll_st_free(&h);
    return rc;
}

/* 4 bytes count, then so many binary32, all little-endian (docs/diagnostics.md 4.1). */
static int from_bin(struct ll_intervention *v, const char *path, const struct ll_map *map, struct ll_err *err)
{
    size_t n = map->size >= 4 ? (size_t)map->data[0] | (size_t)map->data[1] << 8 | (size_t)map->data[2] << 16
            | (size_t)map->data[3] << 24
                              : 0;
    if (map->size < 8 || map->size != 4 + 4 * n)
        return ll_fail(err, LL_EUSAGE,
                       "%s: expected 4 bytes of count and 4 a value, found a count of %zu in %zu bytes", path,
                       n, map->size);
    return take_values(v, path, LL_F32, map->data + 4, n, err);
}

static int from_file(struct ll_intervention *v, struct ll_err *err)
{
    struct ll_map map = {0};
    char *path = strndup(v->source, v->n_source);
    int rc = path ? ll_map_open(&map, path, err) : ll_fail_mem(err, "path", v->n_source);
    if (!rc)
        rc = ends_with(v, ".bin") ? from_bin(v, path, &map, err) : from_safetensors(v, path, &map, err);
    ll_map_close(&map);
    free(path);
    return rc;
}

/* ---- prompts --------------------------------------------------------------------------------- */

struct keep {
    struct ll_intervention *v;
    float *x;
};

static int keep_rows(void *arg, const struct ll_hook_visit *visit, struct ll_err *err)
{
    struct keep *k = arg;
    (void)err;
    for (int r = 0; r < visit->n_rows && visit->layer == k->v->layer; r++)
        memcpy(k->x + (size_t)(visit->row0 + r) * (size_t)k->v->width, visit->data + r * visit->stride,
               sizeof *k->x * (size_t)k->v->width);
    return LL_OK;
}

/* What runs a prompt. */
struct runner {
    const struct ll_model *m;
    struct ll_engine *engine;
    const struct ll_intervene_prompts *prompts; /* NULL: there is no tokenizer */
};

/* The model as it is over the prompt from..to-1: *x [*n, width] at the point, allocated. */
static int run_prompt(struct ll_intervention *v, const struct runner *by, const char *from, const char *to,
                      float **x, int *n, struct ll_err *err)
{
    int *ids = NULL;
    struct ll_pass pass = {0};
    *x = NULL;
    if (!by->prompts)
        return ll_fail(err, LL_EUSAGE,
                       "intervention \"%s\": expected a file (*.safetensors, *.bin), found \"%.*s\"", v->spec,
                       (int)(to - from), from);
    int rc = by->prompts->encode(by->prompts->arg, from, (size_t)(to - from), &ids, n, err);
    if (!rc && !(*x = malloc(sizeof **x * (size_t)*n * (size_t)v->width)))
        rc = ll_fail_mem(err, "source of an intervention", sizeof **x * (size_t)*n * (size_t)v->width);
    struct keep k = {v, *x};
    struct ll_listener l = {LL_HOOK_BIT(v->hook), keep_rows, &k};
    int start[2] = {0, *n};
    struct ll_batch batch = {1, start, ids};
    if (!rc && !(rc = ll_pass_init(&pass, &(struct ll_pass_plan){by->m, *n, *n, &l, 1}, by->engine, err)))
        rc = ll_forward(&pass, &batch, 0, v->layer < 0 ? 0 : v->layer + 1,
                        err); /* no further than the point */
    ll_pass_free(&pass);
    free(ids);
    if (rc) {
        free(*x);
        *x = NULL;
        return ll_context(err, "intervention \"%s\": source", v->spec), rc;
    }
    return rc;
}

/* Only the last of n rows. */
static void keep_last(struct ll_intervention *v)
{
    memmove(v->values, v->values + (size_t)(v->n_rows - 1) * (size_t)v->width,
            sizeof *v->values * (size_t)v->width);
    v->n_rows = 1;
}

static int from_prompt(struct ll_intervention *v, const struct runner *by, struct ll_err *err)
{
    int is_diff = v->n_source > 5 && LL_BEGINS(v->source, "diff:"), n_b, rc;
    const char *a = v->source + (is_diff ? 5 : 0), *bar = is_diff ? memchr(a, '|', v->n_source - 5) : NULL,
               *end = v->source + v->n_source;
    float *b = NULL;
    if (is_diff && (!bar || bar == a || bar + 1 == end))
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": expected diff:PROMPT|PROMPT", v->spec);
    if ((rc = run_prompt(v, by, a, is_diff ? bar : end, &v->values, &v->n_rows, err)))
        return rc;
    if (is_diff || v->kind == LL_IV_STEER)
        keep_last(v);
    if (is_diff && !(rc = run_prompt(v, by, bar + 1, end, &b, &n_b, err)))
        for (int i = 0; i < v->width; i++)
            v->values[i] -= b[(size_t)(n_b - 1) * (size_t)v->width + (size_t)i];
    free(b);
    return rc;
}

int ll_intervene_read(struct ll_intervention *v, const struct ll_model *m, struct ll_engine *engine,
                      const struct ll_intervene_prompts *prompts, struct ll_err *err)
{
    const struct runner by = {m, engine, prompts};
    v->width = width_of(m, v);
    int rc = ll_intervene_is_file(v) ? from_file(v, err) : from_prompt(v, &by, err);
    if (!rc && v->kind == LL_IV_STEER && v->n_rows != 1)
        rc = ll_fail(err, LL_EUSAGE,
                     "intervention \"%s\": expected one row of %d values to add, found %d rows", v->spec,
                     v->width, v->n_rows);
    return rc;
}
