/* drift_graph.c - what each operation is called and what it reads. */
#include "drift.h"

#include <stdlib.h>

static const char *const names[LL_N_HOOKS] = {
    [LL_HOOK_EMBED] = "embedding",
    [LL_HOOK_RESID_PRE] = "block input",
    [LL_HOOK_LN1_SCALE] = "attention norm's divisor",
    [LL_HOOK_LN1_NORMALIZED] = "attention norm",
    [LL_HOOK_Q] = "projection of q",
    [LL_HOOK_K] = "projection of k",
    [LL_HOOK_V] = "projection of v",
    [LL_HOOK_ROT_Q] = "norm and rotation of q",
    [LL_HOOK_ROT_K] = "norm and rotation of k",
    [LL_HOOK_ATTN_SCORES] = "attention scores",
    [LL_HOOK_PATTERN] = "softmax",
    [LL_HOOK_Z] = "weighted sum of values",
    [LL_HOOK_ATTN_OUT] = "output projection",
    [LL_HOOK_RESID_MID] = "residual addition after attention",
    [LL_HOOK_LN2_SCALE] = "MLP norm's divisor",
    [LL_HOOK_LN2_NORMALIZED] = "MLP norm",
    [LL_HOOK_PRE] = "gate projection",
    [LL_HOOK_PRE_LINEAR] = "up projection",
    [LL_HOOK_POST] = "activation",
    [LL_HOOK_MLP_OUT] = "down projection",
    [LL_HOOK_RESID_POST] = "residual addition after the MLP",
    [LL_HOOK_LN_FINAL_SCALE] = "final norm's divisor",
    [LL_HOOK_LN_FINAL_NORMALIZED] = "final norm",
    [LL_HOOK_LOGITS] = "unembedding",
};

const char *ll_drift_operation(int hook) { return names[hook]; }

static int fill(struct ll_drift_input in[3], int n, int layer, int a, int b, int c)
{
    const int hooks[3] = {a, b, c};
    for (int i = 0; i < n; i++)
        in[i] = (struct ll_drift_input){hooks[i], layer};
    return n;
}

int ll_drift_inputs(const struct ll_model *m, int hook, int layer, struct ll_drift_input in[3])
{
    const struct ll_layer *L = layer >= 0 ? &m->layers[layer] : NULL;
    int attn_in = L && L->ln1.w ? LL_HOOK_LN1_NORMALIZED : LL_HOOK_RESID_PRE;
    int mlp_in = L && L->ln2.w ? LL_HOOK_LN2_NORMALIZED
        : L && L->parallel     ? LL_HOOK_LN1_NORMALIZED
                               : LL_HOOK_RESID_MID;
    switch (hook) {
    case LL_HOOK_EMBED: return 0;
    case LL_HOOK_RESID_PRE:
        return layer ? fill(in, 1, layer - 1, LL_HOOK_RESID_POST, 0, 0)
                     : fill(in, 1, -1, LL_HOOK_EMBED, 0, 0);
    case LL_HOOK_LN1_SCALE:
    case LL_HOOK_LN1_NORMALIZED: return fill(in, 1, layer, LL_HOOK_RESID_PRE, 0, 0);
    case LL_HOOK_Q:
    case LL_HOOK_K:
    case LL_HOOK_V: return fill(in, 1, layer, attn_in, 0, 0);
    case LL_HOOK_ROT_Q: return fill(in, 1, layer, LL_HOOK_Q, 0, 0);
    case LL_HOOK_ROT_K: return fill(in, 1, layer, LL_HOOK_K, 0, 0);
    case LL_HOOK_ATTN_SCORES: return fill(in, 2, layer, LL_HOOK_ROT_Q, LL_HOOK_ROT_K, 0);
    case LL_HOOK_PATTERN: return fill(in, 1, layer, LL_HOOK_ATTN_SCORES, 0, 0);
    case LL_HOOK_Z: return fill(in, 2, layer, LL_HOOK_PATTERN, LL_HOOK_V, 0);
    case LL_HOOK_ATTN_OUT: return fill(in, 1, layer, LL_HOOK_Z, 0, 0);
    case LL_HOOK_RESID_MID: return fill(in, 2, layer, LL_HOOK_RESID_PRE, LL_HOOK_ATTN_OUT, 0);
    case LL_HOOK_LN2_SCALE:
    case LL_HOOK_LN2_NORMALIZED:
        return fill(in, 1, layer, L->parallel ? LL_HOOK_RESID_PRE : LL_HOOK_RESID_MID, 0, 0);
    case LL_HOOK_PRE:
    case LL_HOOK_PRE_LINEAR: return fill(in, 1, layer, mlp_in, 0, 0);
    case LL_HOOK_POST: return fill(in, L->mlp.W_gate.n ? 2 : 1, layer, LL_HOOK_PRE, LL_HOOK_PRE_LINEAR, 0);
    case LL_HOOK_MLP_OUT: return fill(in, 1, layer, L->experts.n ? mlp_in : LL_HOOK_POST, 0, 0);
    case LL_HOOK_RESID_POST:
        return L->parallel ? fill(in, 3, layer, LL_HOOK_RESID_PRE, LL_HOOK_ATTN_OUT, LL_HOOK_MLP_OUT)
                           : fill(in, 2, layer, LL_HOOK_RESID_MID, LL_HOOK_MLP_OUT, 0);
    case LL_HOOK_LN_FINAL_SCALE:
    case LL_HOOK_LN_FINAL_NORMALIZED: return fill(in, 1, m->n_layers - 1, LL_HOOK_RESID_POST, 0, 0);
    default: return fill(in, 1, -1, LL_HOOK_LN_FINAL_NORMALIZED, 0, 0);
    }
}

/* ---- in words -------------------------------------------------------------------------------- */

struct walk {
    const struct ll_drift *d;
    unsigned char *seen;
    struct ll_buf known, between;
    int layer, n_between;
};
enum { MOST_NAMED = 12 }; /* operations listed by name; many layers may lie between two known points */

static void visit(struct walk *w, int hook, int layer)
{
    const struct ll_model *m = w->d->m;
    struct ll_drift_input in[3];
    int n = ll_drift_inputs(m, hook, layer, in);
    for (int i = 0; i < n; i++) {
        unsigned char *seen = &w->seen[(size_t)in[i].hook * (size_t)(m->n_layers + 1)
                                       + (size_t)(in[i].layer < 0 ? m->n_layers : in[i].layer)];
        if (*seen)
            continue;
        *seen = 1;
        int is_input = in[i].hook == LL_HOOK_RESID_PRE; /* another name for what came before */
        if (ll_acts_good(w->d->ref, in[i].hook, in[i].layer)) {
            char name[64];
            ll_hook_full_name((enum ll_hook)in[i].hook, in[i].layer, name);
            ll_buf_addf(&w->known, "%s%s", w->known.len ? ", " : "", name);
            continue;
        }
        if (!is_input && w->n_between++ < MOST_NAMED) {
            ll_buf_addf(&w->between, "%s%s", w->between.len ? ", " : "", names[in[i].hook]);
            if (in[i].layer >= 0 && in[i].layer != w->layer)
                ll_buf_addf(&w->between, " of layer %d", in[i].layer);
        }
        visit(w, in[i].hook, in[i].layer);
    }
}

int ll_drift_describe(const struct ll_drift *d, int hook, int layer, struct ll_buf *out)
{
    unsigned char *seen = calloc((size_t)LL_N_HOOKS * (size_t)(d->m->n_layers + 1), 1);
    struct walk w = {.d = d, .seen = seen, .layer = layer};
    if (!seen) {
        out->failed = 1;
        return 0;
    }
    visit(&w, hook, layer);
    ll_buf_addf(out, "from %s", w.known.len ? ll_buf_str(&w.known) : "the token ids");
    if (w.n_between)
        ll_buf_addf(out, "; between them and it: %s%s", ll_buf_str(&w.between),
                    w.n_between > MOST_NAMED ? ", ..." : "");
    ll_buf_free(&w.known);
    ll_buf_free(&w.between);
    free(seen);
    return w.n_between;
}

int ll_drift_between(const struct ll_drift *d, int hook, int layer)
{
    struct ll_buf text = {0};
    int n = ll_drift_describe(d, hook, layer, &text);
    if (text.failed)
        n = n ? n : 1; /* no memory for the words: not known to be alone */
    ll_buf_free(&text);
    return n;
}

int ll_drift_is_alone(const struct ll_drift *d, const struct ll_drift_point *p)
{
    return ll_drift_between(d, p->hook, p->layer) == 0;
}

int ll_drift_next(const struct ll_model *m, int *hook, int *layer)
{
    /* the stage: -1 before the blocks, a block, n_layers behind them; of hooks outside blocks only the
     * embedding comes before */
    int h = *hook + 1,
        stage = *hook < 0        ? -1
        : *layer >= 0            ? *layer
        : *hook == LL_HOOK_EMBED ? -1
                                 : m->n_layers;
    for (; stage <= m->n_layers; stage++, h = 0)
        for (; h < LL_N_HOOKS; h++) {
            int layered = ll_hook_info((enum ll_hook)h)->per_layer;
            if (layered ? stage >= 0 && stage < m->n_layers
                        : stage == (h == LL_HOOK_EMBED ? -1 : m->n_layers)) {
                *hook = h;
                *layer = layered ? stage : -1;
                return 1;
            }
        }
    return 0;
}
