/* acts.c - see acts.h */
#include "acts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int ll_acts_init(struct ll_acts *a, int n_layers, int n_pos, struct ll_err *err)
{
    size_t n = (size_t)LL_N_HOOKS * ((size_t)n_layers + 1);
    *a = (struct ll_acts){.n_layers = n_layers, .n_pos = n_pos, .at = calloc(n, sizeof *a->at)};
    if (!a->at)
        return ll_fail_mem(err, "activations", n * sizeof *a->at);
    for (size_t i = 0; i < n; i++)
        a->at[i].bad_at = -1;
    return LL_OK;
}

void ll_actv_free(struct ll_actv *act)
{
    free(act->x);
    free(act->origin);
    *act = (struct ll_actv){.bad_at = -1};
}

void ll_acts_free(struct ll_acts *a)
{
    for (size_t i = 0; a->at && i < (size_t)LL_N_HOOKS * ((size_t)a->n_layers + 1); i++)
        ll_actv_free(&a->at[i]);
    free(a->at);
    memset(a, 0, sizeof *a);
}

struct ll_actv *ll_acts_at(const struct ll_acts *a, int hook, int layer)
{
    return &a->at[(size_t)hook * ((size_t)a->n_layers + 1) + (size_t)(layer < 0 ? a->n_layers : layer)];
}

const struct ll_actv *ll_acts_good(const struct ll_acts *a, int hook, int layer)
{
    const struct ll_actv *act = ll_acts_at(a, hook, layer);
    return act->x && act->bad_at < 0 ? act : NULL;
}

/* Scores of keys after the query say "masked" by any means: not looked at. */
void ll_actv_check(struct ll_actv *act, int is_scores)
{
    act->bad_at = -1;
    for (int64_t r = 0; r < act->rows; r++) {
        int seen = is_scores && act->heads ? (int)(r % act->width) + 1 : act->width;
        for (int c = 0; c < seen; c++) {
            float v = act->x[r * act->width + c];
            if (!isfinite(v) && !(is_scores && v == -INFINITY)) { /* a window masks earlier keys, too */
                act->bad_at = r * act->width + c;
                return;
            }
        }
    }
}

/* ---- the listener ---------------------------------------------------------------------------- */

struct keep {
    struct ll_acts *out;
    const struct ll_acts_want *want;
    const struct ll_acts *given;
    int n_heads;
};

static int is_square(enum ll_hook h) { return ll_hook_info(h)->width == LL_WIDTH_POS_POS; }

static int wanted(const struct keep *k, const struct ll_hook_visit *v)
{
    const struct ll_acts_want *w = k->want;
    const struct ll_actv *like = w->like ? ll_acts_at(w->like, (int)v->hook, v->layer) : NULL;
    if (like && (like->x || like->has_sum))
        return 1;
    return (w->hooks & LL_HOOK_BIT(v->hook)) && (v->layer < 0 || !w->layers || w->layers[v->layer]);
}

static int keep_rows(struct ll_actv *act, const struct ll_hook_visit *v, int heads, struct ll_err *err)
{
    *act = (struct ll_actv){.rows = v->n_rows * (heads ? heads : 1),
                            .width = v->width,
                            .heads = heads,
                            .dtype = "float32",
                            .bad_at = -1};
    size_t width = (size_t)act->width, bytes = sizeof(float) * (size_t)act->rows * width;
    if (!(act->x = malloc(bytes)))
        return ll_fail_mem(err, "activations", bytes);
    for (int r = 0; r < act->rows; r++)
        memcpy(act->x + (size_t)r * width, v->data + r * v->stride, sizeof(float) * width);
    ll_actv_check(act, v->hook == LL_HOOK_ATTN_SCORES);
    return LL_OK;
}

/* Scores below this mean masked, whatever number the reference has for it. */
static const float MASKED = -1e30f;

/* The reference's row in place of ours; of scores only keys up to the query's. */
static void put_row(float *to, const struct ll_actv *g, int r, int is_scores)
{
    const float *from = g->x + (size_t)r * (size_t)g->width;
    int n = is_scores ? r % g->width + 1 : g->width;
    for (int i = 0; i < n; i++)
        to[i] = is_scores && from[i] < MASKED ? -INFINITY : from[i];
}

static int on_hook(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct keep *k = arg;
    int heads = is_square(v->hook) ? k->n_heads : 0, rc;
    if (wanted(k, v) && (rc = keep_rows(ll_acts_at(k->out, (int)v->hook, v->layer), v, heads, err)))
        return rc;
    const struct ll_actv *g = k->given ? ll_acts_good(k->given, (int)v->hook, v->layer) : NULL;
    if (!g || g->width != v->width || g->row0 + g->rows > v->n_rows * (heads ? heads : 1))
        return LL_OK;
    for (int r = 0; r < g->rows; r++)
        put_row(v->data + (g->row0 + r) * v->stride, g, r, v->hook == LL_HOOK_ATTN_SCORES);
    return LL_OK;
}

/* ---- the pass -------------------------------------------------------------------------------- */

static uint32_t hooks_of(const struct ll_acts *a)
{
    uint32_t bits = 0;
    for (int h = 0; a && h < LL_N_HOOKS; h++)
        for (int l = -1; l < a->n_layers; l++)
            if (ll_acts_at(a, h, l)->x || ll_acts_at(a, h, l)->has_sum)
                bits |= LL_HOOK_BIT(h);
    return bits;
}

int ll_acts_run(struct ll_acts *out, const struct ll_acts_pass *a, struct ll_err *err)
{
    const struct ll_model *m = a->model;
    struct ll_pass pass = {0};
    int start[2] = {0, a->n_ids}, rc = ll_acts_init(out, m->n_layers, a->n_ids, err);
    struct ll_batch batch = {1, start, a->ids};
    struct keep k = {out, a->want, a->given, m->n_heads};
    struct ll_listener l = {a->want->hooks | hooks_of(a->want->like) | hooks_of(a->given), on_hook, &k};
    const struct ll_pass_plan plan = {m, a->n_ids, a->n_ids, &l, 1};
    const struct ll_actv *stream =
        a->given && a->from > 0 ? ll_acts_good(a->given, LL_HOOK_RESID_POST, a->from - 1) : NULL;
    if (!rc && a->from > 0 && (!stream || stream->rows != a->n_ids))
        rc = ll_fail(
            err, LL_EUSAGE,
            "the reference lacks the output of layer %d (all %d positions), where layer %d would start",
            a->from - 1, a->n_ids, a->from);
    if (!rc && !(rc = ll_pass_init(&pass, &plan, a->engine, err))) {
        pass.allow_nonfinite = 1;
        if (stream)
            memcpy(pass.resid, stream->x, sizeof(float) * (size_t)a->n_ids * (size_t)m->d_model);
        rc = ll_forward(&pass, &batch, a->from, a->to, err);
    }
    ll_pass_free(&pass);
    return rc;
}
