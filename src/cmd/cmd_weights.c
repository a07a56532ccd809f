/* cmd_weights.c - what the weights of every layer look like, and which layers stand apart
 * (docs/diagnostics.md 2). */
#include "cmd.h"
#include "diag_out.h"
#include "grid.h"
#include "provenance.h"
#include "session.h"
#include "stats.h"
#include "weight_flags.h"
#include "weight_scan.h"
#include "human.h"
#include "progress.h"
#include "print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct weights_opts {
    struct ll_diag_opts out;
    int threads, quiet;
    const char *mark;
};
enum { N_OPTS = LL_N_DIAG_OPTS + 4, MAX_MARKS = 256 };

static void opt_table(struct weights_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--mark", LL_OPT_STR, &o->mark, "LIST", "layers to show beside 0 and 1: 2,22,23", 0, 0, NULL},
        LL_OPT_DIAG(o->out),
        LL_OPT_THREADS(*o),
        LL_OPT_QUIET(*o),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_weights_options(struct ll_buf *out)
{
    struct weights_opts o = {0};
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

struct report {
    struct ll_diag d;
    struct ll_weights w;
    struct ll_weight_flags f;
    int marks[MAX_MARKS], n_marks;
};

/* ---- facts of a layer ------------------------------------------------------------------------ */

static const struct ll_weight_cell *cell(const struct report *r, int layer, int part)
{
    return &r->w.layers[layer].cell[part];
}
static int has(const struct report *r, int layer, int part) { return cell(r, layer, part)->tensor != NULL; }
static int has_qk_norm(const struct report *r, int layer)
{
    return has(r, layer, LL_WP_Q_NORM) && has(r, layer, LL_WP_K_NORM);
}

static const struct ll_weight_cell *bad_cell(const struct report *r, int layer)
{
    for (int p = 0; p < LL_N_WEIGHT_PARTS; p++)
        if (cell(r, layer, p)->bad)
            return cell(r, layer, p);
    return NULL;
}

static int n_flags(const struct report *r, int layer)
{
    int n = 0;
    for (int i = 0; i < r->f.n; i++)
        n += r->f.flags[i].layer == layer;
    return n;
}

/* A fault: something missing, odd or not finite. The criteria fail for the same. */
static int is_problem(const struct report *r, int l)
{
    const struct ll_weight_layer *L = &r->w.layers[l];
    return L->missing.len || L->odd.len || bad_cell(r, l);
}

/* Standing apart is no fault: first and last layers often do, and some families have two kinds of layers. */
static int is_apart(const struct report *r, int l) { return r->f.differs[l] || n_flags(r, l); }

static const char *status(const struct report *r, int l)
{
    return is_problem(r, l) ? "problem" : is_apart(r, l) ? "apart" : "normal";
}

/* Four decimals; a mean of -3e-05 would show as 0.0000. */
static const char *small(double v, char out[32])
{
    if (v == 0 || fabs(v) >= 0.001)
        return ll_fixed(v, 4, out);
    snprintf(out, 32, "%.2g", v);
    return out;
}

/* Why a layer has its status, in words. */
static void reasons(const struct report *r, int l, struct ll_buf *out)
{
    const struct ll_weight_layer *L = &r->w.layers[l];
    const struct ll_weight_cell *bad = bad_cell(r, l);
    char v[32];
    if (L->missing.len)
        ll_buf_addf(out, "; incomplete: %s", ll_buf_str(&L->missing));
    if (L->odd.len)
        ll_buf_addf(out, "; shape: %s", ll_buf_str(&L->odd));
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

/* ---- the parts of the report, in order ------------------------------------------------------- */

static void put_marks(const struct report *r, struct ll_buf *out)
{
    for (int i = 0; i < r->n_marks; i++)
        ll_buf_addf(out, "%s%d", i ? ", " : "", r->marks[i]);
}

static void put_title(struct report *r, const char *model)
{
    struct ll_buf *md = &r->d.markdown, *t = &r->d.table, marks = {0};
    put_marks(r, &marks);
    ll_buf_addf(md, "# Layer configuration of %s\n\n## Objective\n\nCompare the weights of all %d layers",
                model, r->w.n_layers);
    if (r->n_marks)
        ll_buf_addf(md, ", with a closer look at layer%s %s", r->n_marks > 1 ? "s" : "", ll_buf_str(&marks));
    ll_buf_adds(md, ".\n\n## Configuration summary\n");
    ll_buf_addf(t, "%s: %d layers%s%s\n\n", model, r->w.n_layers, r->n_marks ? ", marked: " : "",
                ll_buf_str(&marks));
    ll_buf_free(&marks);
}

static const char *std_of(const struct report *r, int l, int part, char out[32])
{
    return has(r, l, part) ? ll_fixed(ll_tensor_std(&cell(r, l, part)->stats), 4, out) : "-";
}

static void put_summary(struct report *r)
{
    struct ll_grid g = ll_grid("Layer|Status|QK-Norm|Q Bias|K Bias|V Bias|Q Std|Gate Std|Params");
    static const char *const yes[] = {"No", "Yes"};
    char v[32];
    for (int l = 0; l < r->w.n_layers; l++) {
        ll_grid_cell(&g, "%d", l);
        ll_grid_cell(&g, "%s", is_problem(r, l) ? "**PROBLEM**" : is_apart(r, l) ? "apart" : "Normal");
        ll_grid_cell(&g, "%s", yes[has_qk_norm(r, l)]);
        for (int p = LL_WP_B_Q; p <= LL_WP_B_V; p++)
            ll_grid_cell(&g, "%s", yes[has(r, l, p)]);
        ll_grid_cell(&g, "%s", std_of(r, l, LL_WP_Q, v));
        ll_grid_cell(&g, "%s", std_of(r, l, LL_WP_GATE, v));
        ll_grid_cell(&g, "%lld", (long long)r->w.layers[l].params);
    }
    ll_grid_put(&g, &r->d.table, &r->d.markdown);
}

/* mean ± std of some parts, for layers 0, 1 and the marked ones. */
static void put_parts(struct report *r, const char *title, const char *heads, const int *parts, int n)
{
    struct ll_grid g = ll_grid(heads);
    char a[32], b[32];
    ll_buf_addf(&r->d.markdown, "## %s\n\nMean ± standard deviation.\n", title);
    ll_buf_addf(&r->d.table, "\n%s, mean ± std\n", title);
    for (int i = -2; i < r->n_marks; i++) {
        int l = i < 0 ? i + 2 : r->marks[i];
        if (l >= r->w.n_layers || (i >= 0 && l < 2))
            continue;
        ll_grid_cell(&g, "%d", l);
        for (int p = 0; p < n; p++)
            if (has(r, l, parts[p]))
                ll_grid_cell(&g, "%s ± %s", ll_fixed(ll_tensor_mean(&cell(r, l, parts[p])->stats), 4, a),
                             ll_fixed(ll_tensor_std(&cell(r, l, parts[p])->stats), 4, b));
            else
                ll_grid_cell(&g, "-");
    }
    ll_grid_put(&g, &r->d.table, &r->d.markdown);
}

/* "no layer has Q bias", "all 24 layers have ...", "3 of 24 layers have ... (0, 1, 2)" */
static void put_distribution(struct report *r, const char *what, int (*is_there)(const struct report *, int))
{
    struct ll_buf list = {0};
    int n = 0, all = r->w.n_layers;
    for (int l = 0; l < all; l++)
        if (is_there(r, l)) {
            ll_buf_addf(&list, "%s%d", n++ ? ", " : "", l);
        }
    if (!n)
        ll_say(&r->d.table, &r->d.markdown, "- no layer has %s\n", what);
    else if (n == all)
        ll_say(&r->d.table, &r->d.markdown, "- all %d layers have %s\n", all, what);
    else
        ll_say(&r->d.table, &r->d.markdown, "- %d of %d layers have %s (%s)\n", n, all, what,
               ll_buf_str(&list));
    ll_buf_free(&list);
}

static int has_bq(const struct report *r, int l) { return has(r, l, LL_WP_B_Q); }
static int has_bk(const struct report *r, int l) { return has(r, l, LL_WP_B_K); }
static int has_bv(const struct report *r, int l) { return has(r, l, LL_WP_B_V); }

static void put_q_range(struct report *r)
{
    int lo = -1, hi = -1;
    char a[32], b[32];
    for (int l = 0; l < r->w.n_layers; l++) {
        if (!has(r, l, LL_WP_Q))
            continue;
        double v = ll_tensor_std(&cell(r, l, LL_WP_Q)->stats);
        lo = lo < 0 || v < ll_tensor_std(&cell(r, lo, LL_WP_Q)->stats) ? l : lo;
        hi = hi < 0 || v > ll_tensor_std(&cell(r, hi, LL_WP_Q)->stats) ? l : hi;
    }
    if (lo >= 0)
        ll_say(&r->d.table, &r->d.markdown,
               "- standard deviation of Q: smallest %s (layer %d), largest %s (layer %d)\n",
               std_of(r, lo, LL_WP_Q, a), lo, std_of(r, hi, LL_WP_Q, b), hi);
}

static void put_extras(struct report *r)
{
    for (int l = 0; l < r->w.n_layers; l++) {
        const char *extra = ll_buf_str(&r->w.layers[l].extra);
        if (!*extra || (l && !strcmp(extra, ll_buf_str(&r->w.layers[l - 1].extra))))
            continue;
        int to = l;
        while (to + 1 < r->w.n_layers && !strcmp(extra, ll_buf_str(&r->w.layers[to + 1].extra)))
            to++;
        ll_say(&r->d.table, &r->d.markdown, "- not read by this family, layers %d to %d: %.300s\n", l, to,
               extra);
    }
}

/* Layers that stand apart, and what is said when none does. */
static void put_special(struct report *r)
{
    int n = 0, marked = 0;
    for (int l = 0; l < r->w.n_layers; l++) {
        struct ll_buf why = {0};
        reasons(r, l, &why);
        if (why.len) {
            ll_say(&r->d.table, &r->d.markdown, "- layer %d: %.1500s\n", l, why.s + 2);
            n++;
        }
        ll_buf_free(&why);
    }
    if (!n)
        ll_say(&r->d.table, &r->d.markdown,
               "- nothing special found: no statistic of any layer has |z| above %.1f, all layers are "
               "complete and alike\n",
               LL_ROBUST_LIMIT);
    for (int i = 0; i < r->n_marks; i++) {
        int l = r->marks[i], special = is_problem(r, l) || is_apart(r, l);
        marked += special;
        if (!special)
            ll_say(&r->d.table, &r->d.markdown,
                   "- layer %d (marked): nothing special found, largest |z| of any statistic %.1f\n", l,
                   r->f.max_z[l]);
    }
    ll_say(&r->d.table, &r->d.markdown, "\n");
    ll_buf_adds(&r->d.markdown, "## Recommendations\n\n");
    if (r->n_marks && !marked)
        ll_buf_adds(
            &r->d.markdown,
            "- The weights give no reason to suspect the marked layers: look at activations instead.\n");
    else if (!n)
        ll_buf_adds(&r->d.markdown, "- The weights give no reason to suspect any layer.\n");
    if (n)
        ll_buf_adds(&r->d.markdown,
                    "- Standing apart is not being wrong: first and last layers often do. Missing tensors, "
                    "odd shapes and values that are not finite are faults.\n");
    ll_buf_adds(&r->d.markdown, "\n## Criteria\n\n");
}

static void put_findings(struct report *r)
{
    ll_buf_adds(&r->d.markdown, "## Findings\n\n");
    ll_buf_adds(&r->d.table, "\nfindings\n");
    put_distribution(r, "QK-norm", has_qk_norm);
    put_distribution(r, "a Q bias", has_bq);
    put_distribution(r, "a K bias", has_bk);
    put_distribution(r, "a V bias", has_bv);
    put_q_range(r);
    put_extras(r);
    put_special(r);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_row(struct report *r, int row, int part)
{
    const struct ll_weight_cell *c = cell(r, row, part);
    struct ll_json *j = &r->d.j;
    struct ll_buf shape = {0};
    ll_buf_addf(&shape,
                c->rows == 1 && ll_weight_part(part)->kind != LL_PART_MATRIX ? "[%lld]" : "[%lld, %lld]",
                (long long)(c->rows == 1 && ll_weight_part(part)->kind != LL_PART_MATRIX ? c->cols : c->rows),
                (long long)c->cols);
    ll_json_obj_flat(j, NULL);
    if (row < r->w.n_layers)
        ll_json_int(j, "layer", row);
    ll_json_cstr(j, "step", ll_weight_part(part)->name);
    ll_json_cstr(j, "tensor", c->tensor->name);
    ll_json_cstr(j, "dtype", ll_dtype_info(c->tensor->dtype)->name);
    ll_json_cstr(j, "shape", ll_buf_str(&shape));
    if (c->n_tensors > 1)
        ll_json_int(j, "tensors", c->n_tensors);
    ll_tensor_stats_json(j, &c->stats);
    if (c->bad) {
        ll_json_cstr(j, "not_finite_tensor", c->bad->name);
        ll_json_int(j, "not_finite_at", c->bad_at);
    }
    ll_json_end(j);
    ll_buf_free(&shape);
}

static void put_json(struct report *r)
{
    struct ll_json *j = &r->d.j;
    ll_json_int(j, "layers_in_config", r->w.n_config);
    ll_json_int(j, "layers_in_tensors", r->w.n_stored);
    ll_json_arr_flat(j, "marked");
    for (int i = 0; i < r->n_marks; i++)
        ll_json_int(j, NULL, r->marks[i]);
    ll_json_end(j);
    ll_json_arr(j, "layers");
    for (int l = 0; l < r->w.n_layers; l++) {
        const struct ll_weight_layer *L = &r->w.layers[l];
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "layer", l);
        ll_json_cstr(j, "status", status(r, l));
        ll_json_int(j, "params", L->params);
        ll_json_bool(j, "qk_norm", has_qk_norm(r, l));
        ll_json_bool(j, "q_bias", has_bq(r, l));
        ll_json_bool(j, "k_bias", has_bk(r, l));
        ll_json_bool(j, "v_bias", has_bv(r, l));
        ll_json_cstr(j, "missing", ll_buf_str(&L->missing));
        ll_json_cstr(j, "shapes", ll_buf_str(&L->odd));
        ll_json_cstr(j, "extra", ll_buf_str(&L->extra));
        ll_json_bool(j, "differs_from_most", r->f.differs[l]);
        ll_json_num(j, "max_abs_z", r->f.max_z[l]);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_arr(j, "outliers");
    for (int i = 0; i < r->f.n; i++) {
        const struct ll_weight_flag *f = &r->f.flags[i];
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "layer", f->layer);
        ll_json_cstr(j, "part", ll_weight_part(f->part)->name);
        ll_json_cstr(j, "statistic", f->is_std ? "std" : "mean");
        ll_json_num(j, "value", f->value);
        ll_json_num(j, "median", f->of.median);
        ll_json_num(j, "mad", f->of.mad);
        ll_json_num(j, "z", f->z);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_arr(j, "rows");
    for (int l = 0; l <= r->w.n_layers; l++)
        for (int p = 0; p < LL_N_WEIGHT_PARTS; p++)
            if (has(r, l, p))
                put_row(r, l, p);
    ll_json_end(j);
}

/* ---- criteria -------------------------------------------------------------------------------- */

/* The first layer for which the text is not empty; n: how many. */
static int first_with(const struct report *r, size_t offset, int *n)
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

static void put_text_criterion(struct report *r, const char *name, size_t offset)
{
    int n, l = first_with(r, offset, &n);
    if (l < 0)
        ll_diag_criterion(&r->d, LL_CRIT_PASS, name, "%d layers, embedding, head and final norm",
                          r->w.n_layers);
    else {
        const char *text =
            ll_buf_str((const struct ll_buf *)(const void *)((const char *)&r->w.layers[l] + offset));
        if (l < r->w.n_layers)
            ll_diag_criterion(&r->d, LL_CRIT_FAIL, name, "%d of %d parts of the model; layer %d: %.250s", n,
                              r->w.n_layers + 1, l, text);
        else
            ll_diag_criterion(&r->d, LL_CRIT_FAIL, name, "%.250s", text);
    }
}

static void judge_finite(struct report *r)
{
    const struct ll_weight_cell *first = NULL;
    int64_t n = 0;
    for (int l = 0; l <= r->w.n_layers; l++)
        for (int p = 0; p < LL_N_WEIGHT_PARTS; p++) {
            const struct ll_weight_cell *c = cell(r, l, p);
            n += c->stats.n_nan + c->stats.n_pos_inf + c->stats.n_neg_inf;
            first = !first && c->bad ? c : first;
        }
    if (first)
        ll_diag_criterion(&r->d, LL_CRIT_FAIL, "all weights are finite",
                          "%lld are not; tensor %s, value %lld", (long long)n, first->bad->name,
                          (long long)first->bad_at);
    else
        ll_diag_criterion(&r->d, LL_CRIT_PASS, "all weights are finite", "no NaN, no infinity");
}

static void judge(struct report *r)
{
    int differ = 0, outliers = 0;
    put_text_criterion(r, "every tensor is there", offsetof(struct ll_weight_layer, missing));
    put_text_criterion(r, "shapes are those of config.json", offsetof(struct ll_weight_layer, odd));
    int equal = r->w.n_config == r->w.n_stored && r->w.n_layers == r->w.n_config;
    ll_diag_criterion(&r->d, equal ? LL_CRIT_PASS : LL_CRIT_FAIL, "as many layers as config.json says",
                      "config.json %d, tensors %d", r->w.n_config, r->w.n_stored);
    judge_finite(r);
    for (int l = 0; l < r->w.n_layers; l++) {
        differ += r->f.differs[l];
        outliers += n_flags(r, l) > 0;
    }
    ll_diag_criterion(&r->d, LL_CRIT_PASS, "layers with other tensors or shapes are named",
                      "%d of %d differ from most", differ, r->w.n_layers);
    ll_diag_criterion(&r->d, LL_CRIT_PASS, "layers that stand apart are named",
                      "|z| above %.1f in %d of %d layers, %d statistics", LL_ROBUST_LIMIT, outliers,
                      r->w.n_layers, r->f.n);
}

/* ---- the command ----------------------------------------------------------------------------- */

static int parse_marks(struct report *r, const char *list, struct ll_err *err)
{
    for (const char *p = list; p && *p;) {
        char *end;
        long v = strtol(p, &end, 10);
        if (end == p || (*end && *end != ','))
            return ll_fail(err, LL_EUSAGE, "--mark: expected layers separated by commas, found \"%.20s\"", p);
        if (v < 0 || v >= r->w.n_layers)
            return ll_fail(err, LL_EUSAGE, "--mark: expected layers in 0..%d, found %ld", r->w.n_layers - 1,
                           v);
        if (r->n_marks == MAX_MARKS)
            return ll_fail(err, LL_EUSAGE, "--mark: expected at most %d layers", MAX_MARKS);
        r->marks[r->n_marks++] = (int)v;
        p = end + (*end == ',');
    }
    return LL_OK;
}

static void show_progress(void *arg, double done) { ll_progress_show(arg, done); }

static int scan(struct report *r, const struct weights_opts *o, struct ll_err *err)
{
    struct ll_engine *eng;
    struct ll_progress bar;
    long long bytes = 0;
    char size[16], rate[16];
    double t0 = ll_now_s();
    int rc = ll_engine_init(&eng, o->threads, err);
    if (rc)
        return rc;
    ll_progress_start(&bar, "reading weights", o->quiet);
    rc = ll_weight_scan(&r->w, eng, show_progress, &bar, &bytes, err);
    ll_progress_end(&bar);
    ll_engine_free(eng);
    double s = ll_now_s() - t0;
    if (!rc && !o->quiet)
        ll_say_line("read %s in %.2f s (%s/s)", ll_human_bytes((double)bytes, size), s,
                    ll_human_bytes((double)bytes / (s > 1e-6 ? s : 1e-6), rate));
    return rc ? rc : ll_weight_flags_find(&r->f, &r->w, err);
}

static int write_report(struct report *r, const struct weights_opts *o, struct ll_model *m,
                        struct ll_err *err)
{
    static const int attention[] = {LL_WP_Q, LL_WP_K, LL_WP_V, LL_WP_O},
                     ffn[] = {LL_WP_GATE, LL_WP_UP, LL_WP_DOWN};
    struct ll_session s = {.model = m};
    struct ll_model_info info;
    struct ll_info_text keep;
    int rc = ll_session_info(&s, LL_LENS_FINAL, &info, &keep, err);
    if (rc)
        return rc;
    ll_diag_begin(&r->d, "weights", &info);
    put_json(r);
    put_title(r, info.model_id);
    put_summary(r);
    put_parts(r, "Attention weights", "Layer|Q|K|V|O", attention, 4);
    put_parts(r, "FFN weights", "Layer|Gate|Up|Down", ffn, 3);
    put_findings(r);
    judge(r);
    ll_buf_addf(&r->d.markdown, "\n---\n\nMade by %s weights.\n", ll_tool_version());
    return ll_diag_finish(&r->d, &o->out, err);
}

int ll_cmd_weights(int argc, char **argv, struct ll_err *err)
{
    struct weights_opts o = {0};
    struct ll_opt t[N_OPTS];
    struct ll_model *m = NULL;
    struct report r = {0};
    const char *args[1];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, 1, &n_args, err)))
        return rc;
    if (n_args < 1)
        return ll_fail(err, LL_EUSAGE, "weights: expected a model (see: logitlens help weights)");
    if ((rc = ll_model_open_settings(&m, args[0], err)))
        return rc;
    ll_warn_notes(m, o.quiet);
    if (!(rc = ll_weights_find(&r.w, m, err)) && !(rc = parse_marks(&r, o.mark, err))
        && !(rc = scan(&r, &o, err)))
        rc = write_report(&r, &o, m, err);
    ll_diag_free(&r.d);
    ll_weight_flags_free(&r.f);
    ll_weights_free(&r.w);
    ll_model_close(m);
    return rc;
}
