/* weights_view.c - see weights_view.h */
#include "weights_view.h"

#include "provenance.h"
#include "text_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Four decimals; a mean of -3e-05 would show as 0.0000. */
static const char *small(double v, char out[32])
{
    if (v == 0 || fabs(v) >= 0.001)
        return ll_fixed(v, 4, out);
    snprintf(out, 32, "%.2g", v);
    return out;
}

/* Why a layer has its status, in words. */
static void reasons(const struct ll_weight_report *r, int l, struct ll_buf *out)
{
    const struct ll_weight_layer *L = &r->w.layers[l];
    const struct ll_weight_cell *bad = ll_weight_bad(r, l);
    char v[32];
    if (L->missing.len)
        ll_buf_addf(out, "; incomplete: %s", ll_buf_str(&L->missing));
    if (L->wrong_shapes.len)
        ll_buf_addf(out, "; shape: %s", ll_buf_str(&L->wrong_shapes));
    if (bad)
        ll_buf_addf(out, "; not finite: %s, value %lld", bad->bad->name, (long long)bad->bad_at);
    if (r->f.differs[l])
        ll_buf_adds(out, "; other tensors or shapes than most layers");
    for (int i = 0; i < r->f.n; i++)
        if (r->f.flags[i].layer == l)
            ll_buf_addf(out, "; %s %s %s, z %.1f", ll_weight_part(r->f.flags[i].part)->name,
                        r->f.flags[i].is_std ? "std" : "mean", small(r->f.flags[i].value, v),
                        r->f.flags[i].z);
}

static void put_marks(const struct ll_weight_report *r, struct ll_buf *out)
{
    for (int i = 0; i < r->n_marks; i++)
        ll_buf_addf(out, "%s%d", i ? ", " : "", r->marks[i]);
}

static void put_title(struct ll_report_text *out, const struct ll_weight_report *r, const char *model)
{
    struct ll_buf *md = &out->markdown, marks = {0};
    put_marks(r, &marks);
    ll_buf_addf(md, "# Layer configuration of %s\n\n## Objective\n\nCompare the weights of all %d layers",
                model, r->w.n_layers);
    if (r->n_marks)
        ll_buf_addf(md, ", with a closer look at layer%s %s", r->n_marks > 1 ? "s" : "", ll_buf_str(&marks));
    ll_buf_adds(md, ".\n\n## Configuration summary\n");
    ll_buf_addf(&out->screen, "%s: %d layers%s%s\n\n", model, r->w.n_layers, r->n_marks ? ", marked: " : "",
                ll_buf_str(&marks));
    ll_buf_free(&marks);
}

static const char *std_of(const struct ll_weight_report *r, int l, int part, char out[32])
{
    return ll_weight_has(r, l, part) ? ll_fixed(ll_tensor_std(&ll_weight_at(r, l, part)->stats), 4, out)
                                     : "-";
}

static void put_summary(struct ll_report_text *out, const struct ll_weight_report *r)
{
    struct ll_text_table t = ll_text_table("Layer|Status|QK-Norm|Q Bias|K Bias|V Bias|Q Std|Gate Std|Params");
    static const char *const yes[] = {"No", "Yes"};
    char v[32];
    for (int l = 0; l < r->w.n_layers; l++) {
        ll_text_table_cell(&t, "%d", l);
        ll_text_table_cell(&t, "%s",
                           ll_weight_is_problem(r, l)     ? "**PROBLEM**"
                               : ll_weight_is_apart(r, l) ? "apart"
                                                          : "Normal");
        ll_text_table_cell(&t, "%s", yes[ll_weight_has_qk_norm(r, l)]);
        for (int p = LL_WP_B_Q; p <= LL_WP_B_V; p++)
            ll_text_table_cell(&t, "%s", yes[ll_weight_has(r, l, p)]);
        ll_text_table_cell(&t, "%s", std_of(r, l, LL_WP_Q, v));
        ll_text_table_cell(&t, "%s", std_of(r, l, LL_WP_GATE, v));
        ll_text_table_cell(&t, "%lld", (long long)r->w.layers[l].params);
    }
    ll_text_table_put(&t, &out->screen, &out->markdown);
}

/* mean ± std of some parts, for layers 0, 1 and the marked ones. */
static void put_parts(struct ll_report_text *out, const struct ll_weight_report *r, const char *title,
                      const char *heads, const int *parts, int n)
{
    struct ll_text_table t = ll_text_table(heads);
    char a[32], b[32];
    ll_buf_addf(&out->markdown, "## %s\n\nMean ± standard deviation.\n", title);
    ll_buf_addf(&out->screen, "\n%s, mean ± std\n", title);
    for (int i = -2; i < r->n_marks; i++) {
        int l = i < 0 ? i + 2 : r->marks[i];
        if (l >= r->w.n_layers || (i >= 0 && l < 2))
            continue;
        ll_text_table_cell(&t, "%d", l);
        for (int p = 0; p < n; p++)
            if (ll_weight_has(r, l, parts[p]))
                ll_text_table_cell(&t, "%s ± %s",
                                   ll_fixed(ll_tensor_mean(&ll_weight_at(r, l, parts[p])->stats), 4, a),
                                   ll_fixed(ll_tensor_std(&ll_weight_at(r, l, parts[p])->stats), 4, b));
            else
                ll_text_table_cell(&t, "-");
    }
    ll_text_table_put(&t, &out->screen, &out->markdown);
}

/* "no layer has Q bias", "all 24 layers have ...", "3 of 24 layers have ... (0, 1, 2)" */
static void put_distribution(struct ll_report_text *out, const struct ll_weight_report *r, const char *what,
                             int (*is_there)(const struct ll_weight_report *, int))
{
    struct ll_buf list = {0};
    int n = 0, all = r->w.n_layers;
    for (int l = 0; l < all; l++)
        if (is_there(r, l)) {
            ll_buf_addf(&list, "%s%d", n++ ? ", " : "", l);
        }
    if (!n)
        ll_report_say(out, "- no layer has %s\n", what);
    else if (n == all)
        ll_report_say(out, "- all %d layers have %s\n", all, what);
    else
        ll_report_say(out, "- %d of %d layers have %s (%s)\n", n, all, what, ll_buf_str(&list));
    ll_buf_free(&list);
}

static int has_bq(const struct ll_weight_report *r, int l) { return ll_weight_has(r, l, LL_WP_B_Q); }

static int has_bk(const struct ll_weight_report *r, int l) { return ll_weight_has(r, l, LL_WP_B_K); }

static int has_bv(const struct ll_weight_report *r, int l) { return ll_weight_has(r, l, LL_WP_B_V); }

static void put_q_range(struct ll_report_text *out, const struct ll_weight_report *r)
{
    int lo = -1, hi = -1;
    char a[32], b[32];
    for (int l = 0; l < r->w.n_layers; l++) {
        if (!ll_weight_has(r, l, LL_WP_Q))
            continue;
        double v = ll_tensor_std(&ll_weight_at(r, l, LL_WP_Q)->stats);
        lo = lo < 0 || v < ll_tensor_std(&ll_weight_at(r, lo, LL_WP_Q)->stats) ? l : lo;
        hi = hi < 0 || v > ll_tensor_std(&ll_weight_at(r, hi, LL_WP_Q)->stats) ? l : hi;
    }
    if (lo >= 0)
        ll_report_say(out, "- standard deviation of Q: smallest %s (layer %d), largest %s (layer %d)\n",
                      std_of(r, lo, LL_WP_Q, a), lo, std_of(r, hi, LL_WP_Q, b), hi);
}

static void put_extras(struct ll_report_text *out, const struct ll_weight_report *r)
{
    for (int l = 0; l < r->w.n_layers; l++) {
        const char *extra = ll_buf_str(&r->w.layers[l].extra);
        if (!*extra || (l && !strcmp(extra, ll_buf_str(&r->w.layers[l - 1].extra))))
            continue;
        int to = l;
        while (to + 1 < r->w.n_layers && !strcmp(extra, ll_buf_str(&r->w.layers[to + 1].extra)))
            to++;
        ll_report_say(out, "- not read by this family, layers %d to %d: %.300s\n", l, to, extra);
    }
}

/* Layers that stand apart, and what is said when none does. */
static void put_special(struct ll_report_text *out, const struct ll_weight_report *r)
{
    int n = 0, marked = 0;
    for (int l = 0; l < r->w.n_layers; l++) {
        struct ll_buf why = {0};
        reasons(r, l, &why);
        if (why.len) {
            ll_report_say(out, "- layer %d: %.1500s\n", l, why.s + 2);
            n++;
        }
        ll_buf_free(&why);
    }
    if (!n)
        ll_report_say(out,
                      "- nothing special found: no statistic of any layer has |z| above %.1f, all layers are "
                      "complete and alike\n",
                      LL_ROBUST_LIMIT);
    for (int i = 0; i < r->n_marks; i++) {
        int l = r->marks[i], special = ll_weight_is_problem(r, l) || ll_weight_is_apart(r, l);
        marked += special;
        if (!special)
            ll_report_say(out,
                          "- layer %d (marked): nothing special found, largest |z| of any statistic %.1f\n",
                          l, r->f.max_z[l]);
    }
    ll_report_say(out, "\n");
    ll_buf_adds(&out->markdown, "## Recommendations\n\n");
    if (r->n_marks && !marked)
        ll_buf_adds(
            &out->markdown,
            "- The weights give no reason to suspect the marked layers: look at activations instead.\n");
    else if (!n)
        ll_buf_adds(&out->markdown, "- The weights give no reason to suspect any layer.\n");
    if (n)
        ll_buf_adds(&out->markdown,
                    "- Standing apart is not being wrong: first and last layers often do. Missing tensors, "
                    "odd shapes and values that are not finite are faults.\n");
    ll_buf_adds(&out->markdown, "\n## Criteria\n\n");
}

static void put_findings(struct ll_report_text *out, const struct ll_weight_report *r)
{
    ll_buf_adds(&out->markdown, "## Findings\n\n");
    ll_buf_adds(&out->screen, "\nfindings\n");
    put_distribution(out, r, "QK-norm", ll_weight_has_qk_norm);
    put_distribution(out, r, "a Q bias", has_bq);
    put_distribution(out, r, "a K bias", has_bk);
    put_distribution(out, r, "a V bias", has_bv);
    put_q_range(out, r);
    put_extras(out, r);
    put_special(out, r);
}

void ll_weights_view(struct ll_report_text *out, const struct ll_weight_report *r, const char *model)
{
    static const int attention[] = {LL_WP_Q, LL_WP_K, LL_WP_V, LL_WP_O},
                     ffn[] = {LL_WP_GATE, LL_WP_UP, LL_WP_DOWN};
    put_title(out, r, model);
    put_summary(out, r);
    put_parts(out, r, "Attention weights", "Layer|Q|K|V|O", attention, 4);
    put_parts(out, r, "FFN weights", "Layer|Gate|Up|Down", ffn, 3);
    put_findings(out, r);
}

void ll_weights_view_end(struct ll_report_text *out)
{
    ll_buf_addf(&out->markdown, "\n---\n\nMade by %s weights.\n", ll_tool_version());
}
