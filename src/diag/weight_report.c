/* weight_report.c - see weight_report.h */
#include "weight_report.h"

#include <stddef.h>

void ll_weight_report_free(struct ll_weight_report *r)
{
    ll_weight_flags_free(&r->f);
    ll_weights_free(&r->w);
}

/* ---- facts of a layer ------------------------------------------------------------------------ */

const struct ll_weight_cell *ll_weight_at(const struct ll_weight_report *r, int layer, int part)
{
    return &r->w.layers[layer].cell[part];
}

int ll_weight_has(const struct ll_weight_report *r, int layer, int part)
{
    return ll_weight_at(r, layer, part)->tensor != NULL;
}

int ll_weight_has_qk_norm(const struct ll_weight_report *r, int layer)
{
    return ll_weight_has(r, layer, LL_WP_Q_NORM) && ll_weight_has(r, layer, LL_WP_K_NORM);
}

const struct ll_weight_cell *ll_weight_bad(const struct ll_weight_report *r, int layer)
{
    for (int p = 0; p < LL_N_WEIGHT_PARTS; p++)
        if (ll_weight_at(r, layer, p)->bad)
            return ll_weight_at(r, layer, p);
    return NULL;
}

static int n_flags(const struct ll_weight_report *r, int layer)
{
    int n = 0;
    for (int i = 0; i < r->f.n; i++)
        n += r->f.flags[i].layer == layer;
    return n;
}

int ll_weight_is_problem(const struct ll_weight_report *r, int l)
{
    const struct ll_weight_layer *L = &r->w.layers[l];
    return L->missing.len || L->wrong_shapes.len || ll_weight_bad(r, l);
}

int ll_weight_is_apart(const struct ll_weight_report *r, int l) { return r->f.differs[l] || n_flags(r, l); }

const char *ll_weight_status(const struct ll_weight_report *r, int l)
{
    return ll_weight_is_problem(r, l) ? "problem" : ll_weight_is_apart(r, l) ? "apart" : "normal";
}

/* ---- criteria -------------------------------------------------------------------------------- */

/* The first layer for which the text is not empty; n: how many. */
static int first_with(const struct ll_weight_report *r, size_t offset, int *n)
{
    int first = -1;
    *n = 0;
    for (int l = 0; l <= r->w.n_layers; l++)
        if (((const struct ll_buf *)(const void *)((const char *)&r->w.layers[l] + offset))->len) {
            first = first < 0 ? l : first;
            ++*n;
        }
    return first;
}

static void judge_texts(const struct ll_weight_report *r, const char *name, size_t offset,
                        struct ll_criteria *c)
{
    int n, l = first_with(r, offset, &n);
    if (l < 0)
        ll_criteria_add(c, LL_CRIT_PASS, name, "%d layers, embedding, head and final norm", r->w.n_layers);
    else {
        const char *text =
            ll_buf_str((const struct ll_buf *)(const void *)((const char *)&r->w.layers[l] + offset));
        if (l < r->w.n_layers)
            ll_criteria_add(c, LL_CRIT_FAIL, name, "%d of %d parts of the model; layer %d: %.250s", n,
                            r->w.n_layers + 1, l, text);
        else
            ll_criteria_add(c, LL_CRIT_FAIL, name, "%.250s", text);
    }
}

static void judge_finite(const struct ll_weight_report *r, struct ll_criteria *c)
{
    const struct ll_weight_cell *first = NULL;
    int64_t n = 0;
    for (int l = 0; l <= r->w.n_layers; l++)
        for (int p = 0; p < LL_N_WEIGHT_PARTS; p++) {
            const struct ll_weight_cell *x = ll_weight_at(r, l, p);
            n += x->stats.n_nan + x->stats.n_pos_inf + x->stats.n_neg_inf;
            first = !first && x->bad ? x : first;
        }
    if (first)
        ll_criteria_add(c, LL_CRIT_FAIL, "all weights are finite", "%lld are not; tensor %s, value %lld",
                        (long long)n, first->bad->name, (long long)first->bad_at);
    else
        ll_criteria_add(c, LL_CRIT_PASS, "all weights are finite", "no NaN, no infinity");
}

void ll_weight_judge(const struct ll_weight_report *r, struct ll_criteria *c)
{
    int differ = 0, outliers = 0;
    judge_texts(r, "every tensor is there", offsetof(struct ll_weight_layer, missing), c);
    judge_texts(r, "shapes are those of config.json", offsetof(struct ll_weight_layer, wrong_shapes), c);
    int equal = r->w.n_config == r->w.n_stored && r->w.n_layers == r->w.n_config;
    ll_criteria_add(c, equal ? LL_CRIT_PASS : LL_CRIT_FAIL, "as many layers as config.json says",
                    "config.json %d, tensors %d", r->w.n_config, r->w.n_stored);
    judge_finite(r, c);
    for (int l = 0; l < r->w.n_layers; l++) {
        differ += r->f.differs[l];
        outliers += n_flags(r, l) > 0;
    }
    ll_criteria_add(c, LL_CRIT_PASS, "layers with other tensors or shapes are named",
                    "%d of %d differ from most", differ, r->w.n_layers);
    ll_criteria_add(c, LL_CRIT_PASS, "layers that stand apart are named",
                    "|z| above %.1f in %d of %d layers, %d statistics", LL_ROBUST_LIMIT, outliers,
                    r->w.n_layers, r->f.n);
}
