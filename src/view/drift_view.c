/* drift_view.c - see drift_view.h */
#include "drift_view.h"

#include "cells.h"
#include "terminal.h"
#include "text_table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- one table, two ways --------------------------------------------------------------------- */

/* cell, num: one cell; close_table writes it. spare: see text_table.h. */
struct table {
    struct ll_report_text *out;
    struct ll_text_table t;
};

static void cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void cell(struct table *t, const char *fmt, ...)
{
    char text[96];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ll_text_table_cell(&t->t, "%s", text);
}

static void num(struct table *t, int there, const char *fmt, double v)
{
    char text[96] = "-";
    if (there)
        snprintf(text, sizeof text, fmt, v);
    ll_text_table_cell(&t->t, "%s", text);
}

static void title_of(struct ll_report_text *out, const char *title)
{
    ll_buf_addf(&out->screen, "\n%s\n", title);
    ll_buf_addf(&out->markdown, "\n## %s\n", title);
}

static struct table table_of(struct ll_report_text *out, const char *title, const char *heads,
                             const char *spare)
{
    struct table t = {out, ll_text_table(heads)};
    t.t.spare = spare;
    title_of(out, title);
    return t;
}

static void close_table(struct table *t) { ll_text_table_put(&t->t, &t->out->screen, &t->out->markdown); }

static void line(struct ll_report_text *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void line(struct ll_report_text *out, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t n = out->markdown.len;
    if (n > 2 && out->markdown.s[n - 2] == '|') /* after a table */
        ll_buf_addc(&out->markdown, '\n');
    const char *words = text + strspn(text, " "),
               *gap = strstr(words, "  "); /* what follows the label and its spaces hangs under itself */
    const char *from = gap && gap - text < 20 ? gap + strspn(gap, " ") : words;
    char lead[40];
    snprintf(lead, sizeof lead, "%.*s", (int)(from - text), text);
    ll_put_wrapped(&out->screen, ll_stdout_columns(), lead, from);
    ll_buf_addf(&out->markdown, "%s\n\n", text);
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* Lines of names, layers taken together. */
static void names(struct ll_report_text *out, const char *lead, const struct ll_buf *lines)
{
    struct ll_buf text = {0}, all = {0};
    if (!lines->len)
        return;
    ll_ref_fold(lines, &text);
    ll_buf_addf(&all, "%s%s", lead, ll_buf_str(&text));
    char hang[40];
    snprintf(hang, sizeof hang, "%.11s", lead);
    ll_put_wrapped(&out->screen, ll_stdout_columns(), hang, ll_buf_str(&all) + 11);
    ll_buf_addf(&out->markdown, "%s\n\n", ll_buf_str(&all));
    ll_buf_free(&text);
    ll_buf_free(&all);
}

static void head(struct ll_report_text *out, const struct ll_drift_report *r)
{
    const struct ll_drift *d = r->d;
    struct ll_buf ids = {0};
    ll_buf_adds(&out->markdown, "# Drift\n\n");
    for (int i = 0; i < d->n && i < 24; i++)
        ll_buf_addf(&ids, "%s%d", i ? "," : "", d->ids[i]);
    line(out,
         "reference  %s%s%s: %d arrays, %d points, of %d more only the sum; %d arrays known and passed over",
         r->ref->kind, r->ref->n_seq && r->ref->seq[0].sequence[0] ? ", sequence " : "",
         r->ref->n_seq ? r->ref->seq[0].sequence : "", r->ref->n, r->place->n_placed, r->place->n_sums,
         r->place->n_ignored);
    if (*r->ref->model)
        line(out, "           made by %s", r->ref->model);
    line(out, "tokens     %d: %s%s", d->n, ll_buf_str(&ids), d->n > 24 ? ",..." : "");
    line(out, "epsilon    %g used, %g in the checkpoint's settings", (double)d->m->ln_final.eps,
         r->settings_eps);
    if (r->eps >= 0)
        line(out,
             "           mean absolute error over all depths: %.3g without the override, %.3g with %g: "
             "errors %s",
             r->eps_mae[0], r->eps_mae[1], r->eps, r->eps_mae[1] < r->eps_mae[0] ? "fall" : "do not fall");
    if (r->eps_hint)
        line(out, "           the first divergence vanishes with %s (of what is used)", r->eps_hint);
    if (r->broken)
        line(out, "broken     on purpose: %s", r->broken);
    if (r->order == 2)
        line(out, "order      q and k of the reference lie in GGUF's pairs; put in halves");
    if (d->trap_tested)
        line(out,
             "last dump  %s (relative error %.2g as the last block's output, %.2g as that of the final norm)",
             d->trap ? "is after the final norm, and is judged as such" : "is the last block's output",
             d->trap_raw, d->trap_normed);
    line(out,
         "left out   columns \"w/o\" leave out %s%d massive dimensions (beyond 100 medians in the reference)",
         d->skip_rows[0] ? "the first token and " : "", d->n_skip_cols);
    ll_buf_free(&ids);
    names(out, "unknown    without a meaning (--map FILE can give one): ", &r->place->unknown);
    names(out, "not used   ", &r->place->passed);
    if (r->place->bad.len)
        line(out, "not finite %.*s%s", (int)strcspn(r->place->bad.s, "\n"), r->place->bad.s,
             strchr(r->place->bad.s, '\n')[1] ? ", ..." : "");
}

static void growth_words(struct table *t, const struct ll_drift_depth *d, int k)
{
    if (k == 0 || d->growth <= 0)
        cell(t, "-");
    else if (!isfinite(d->growth))
        cell(t, "from 0%s", d->jump ? "!!" : "");
    else
        cell(t, "%.3fx%s", d->growth, d->jump == 2 ? "!!" : d->jump == 1 ? "!" : "");
}

static void accumulation(struct ll_report_text *out, const struct ll_drift_report *r)
{
    const struct ll_drift *d = r->d;
    struct table t =
        table_of(out, "Error accumulation",
                 "layers|MAE|MAE w/o|RMSE|RMSE w/o|max error|at|cosine|cos w/o|growth|top 3|status",
                 "RMSE w/o|cos w/o|at|RMSE|MAE w/o|top 3");
    for (int k = 0; k <= d->m->n_layers; k++) {
        const struct ll_drift_depth *x = &d->depths[k];
        cell(&t, "%d", k);
        if (!x->known) {
            for (int i = 1; i < 11; i++)
                cell(&t, "-");
            cell(&t, "missing");
            continue;
        }
        cell(&t, "%.3g", x->c.mae);
        num(&t, x->cx.n, "%.3g", x->cx.mae);
        cell(&t, "%.3g", x->c.rmse);
        num(&t, x->cx.n, "%.3g", x->cx.rmse);
        cell(&t, "%.3g", x->c.max);
        cell(&t, "%d:%d", x->c.max_row, x->c.max_col);
        cell(&t, "%.6f", x->c.cosine);
        num(&t, x->cx.n, "%.6f", x->cx.cosine);
        growth_words(&t, x, k);
        cell(&t, "%.0f%%", 100 * x->c.top3);
        cell(&t, "%s%s", ll_drift_depth_status(x), x->normed ? " (normed)" : "");
    }
    close_table(&t);
}

static void both_sides(struct ll_report_text *out, const struct ll_drift_report *r)
{
    struct table t = table_of(out, "Both sides",
                              "layers|mean|std|min|max|ref mean|ref std|ref min|ref max|rel MAE|ref std x",
                              "mean|ref mean|rel MAE|std|ref std");
    for (int k = 0; k <= r->d->m->n_layers; k++) {
        const struct ll_drift_depth *x = &r->d->depths[k];
        if (!x->known)
            continue;
        cell(&t, "%d", k);
        cell(&t, "%.3g", ll_tensor_mean(&x->c.ours));
        cell(&t, "%.3g", ll_tensor_std(&x->c.ours));
        cell(&t, "%.3g", x->c.ours.min);
        cell(&t, "%.3g", x->c.ours.max);
        cell(&t, "%.3g", ll_tensor_mean(&x->c.ref));
        cell(&t, "%.3g", ll_tensor_std(&x->c.ref));
        cell(&t, "%.3g", x->c.ref.min);
        cell(&t, "%.3g", x->c.ref.max);
        cell(&t, "%.3g", x->c.mae_rel);
        num(&t, x->std_ratio > 0,
            ll_drift_is_anomaly(x) ? ll_drift_is_shared(x) ? "%.3g (ours too)" : "%.3g anomaly" : "%.3g",
            x->std_ratio);
    }
    close_table(&t);
}

static void growth_summary(struct ll_report_text *out, const struct ll_drift_report *r)
{
    struct ll_drift_summary s = ll_drift_summarise(r->d->depths, r->d->m->n_layers);
    if (s.n_known)
        line(out,
             "growth     mean %.4g, geometric mean %.4g, total %.4g (%.3g to %.3g); %d jumps (!!), %d "
             "moderate (!); not judged where rounding explains a layer's error",
             s.mean_growth, s.geometric_growth, s.total_growth, s.first, s.last, s.n_jumps, s.n_moderate);
}

static const char *layer_verdict(const struct ll_drift_depth *x)
{
    return !(ll_drift_off(&x->iso, &x->iso_x) <= x->tol) ? "this layer"
        : !(ll_drift_off(&x->c, &x->cx) <= x->tol)       ? "accumulated"
                                                         : "same";
}

static void isolation(struct ll_report_text *out, const struct ll_drift_report *r)
{
    struct table t = table_of(out, "Layers alone, on the reference's input",
                              "layer|MAE|MAE w/o|RMSE|RMSE w/o|max error|rel MAE|running MAE|status|verdict",
                              "RMSE w/o|RMSE|MAE w/o|rel MAE");
    for (int k = 1; k <= r->d->m->n_layers; k++) {
        const struct ll_drift_depth *x = &r->d->depths[k];
        if (!r->isolate[k - 1])
            continue;
        cell(&t, "%d", k - 1);
        if (!x->has_iso) {
            for (int i = 1; i < 9; i++)
                cell(&t, "-");
            cell(&t, "%s", x->known ? "not run" : "missing");
        } else {
            cell(&t, "%.3g", x->iso.mae);
            num(&t, x->iso_x.n > 0, "%.3g", x->iso_x.mae);
            cell(&t, "%.3g", x->iso.rmse);
            num(&t, x->iso_x.n > 0, "%.3g", x->iso_x.rmse);
            cell(&t, "%.3g", x->iso.max);
            cell(&t, "%.3g", x->iso.mae_rel);
            cell(&t, "%.3g", x->c.mae);
            cell(&t, "%s", ll_drift_isolated_status(x));
            cell(&t, "%s", layer_verdict(x));
        }
    }
    close_table(&t);
}

static void components(struct ll_report_text *out, const struct ll_drift_report *r, int layer)
{
    char title[64];
    snprintf(title, sizeof title, layer >= 0 ? "Components of layer %d" : "Embedding and head", layer);
    struct table t = table_of(
        out, title,
        "point|shape|running MAE|running w/o|isolated MAE|isolated w/o|max error|rel|rms|ref rms|verdict",
        "shape|max error|running w/o|isolated w/o|rms|ref rms");
    for (int i = 0; i < r->d->n_points; i++) {
        const struct ll_drift_point *p = &r->d->points[i];
        const struct ll_actv *ours = ll_acts_at(&r->d->ours, p->hook, p->layer),
                             *ref = ll_acts_at(r->d->ref, p->hook, p->layer);
        if (p->layer != layer)
            continue;
        cell(&t, "%s", ll_hook_info((enum ll_hook)p->hook)->name);
        cell(&t, "%dx%d", p->self ? ours->rows : ref->rows, ours->width);
        cell(&t, "%.3g", p->running.mae);
        num(&t, p->running_x.n, "%.3g", p->running_x.mae);
        num(&t, p->has_isolated, "%.3g", p->isolated.mae);
        num(&t, p->has_isolated && p->isolated_x.n, "%.3g", p->isolated_x.mae);
        cell(&t, "%.3g", p->has_isolated ? p->isolated.max : p->running.max);
        cell(&t, "%.3g", p->off);
        cell(&t, "%.4g", ll_tensor_rms(&p->running.ours));
        cell(&t, "%.4g", ll_tensor_rms(&p->running.ref));
        cell(&t, "%s%s", p->self ? "self: " : "", ll_drift_verdict_name(p->verdict));
    }
    close_table(&t);
}

static void nodes(struct ll_report_text *out, const struct ll_drift_report *r)
{
    struct table t = table_of(out, "Nodes of llama.cpp",
                              "node|rms|ref rms|rms %|min|ref min|max|ref max|mean|ref mean|MAE|cosine",
                              "mean|ref mean|min|ref min|max|ref max");
    for (int i = 0; i < r->d->n_points; i++) {
        const struct ll_drift_point *p = &r->d->points[i];
        if (p->self)
            continue;
        struct ll_node_check c = ll_drift_node(r, p);
        cell(&t, "%.60s", ll_acts_at(r->d->ref, p->hook, p->layer)->origin);
        cell(&t, "%.4g", c.rms_ours);
        cell(&t, "%.4g", c.rms_ref);
        cell(&t, "%+.2f", c.rms_percent);
        cell(&t, "%.3g", p->running.ours.min);
        cell(&t, "%.3g", p->running.ref.min);
        cell(&t, "%.3g", p->running.ours.max);
        cell(&t, "%.3g", p->running.ref.max);
        cell(&t, "%.3g", ll_tensor_mean(&p->running.ours));
        cell(&t, "%.3g", ll_tensor_mean(&p->running.ref));
        cell(&t, "%.3g", p->running.mae);
        cell(&t, "%.5f%s", c.cosine, c.good ? "" : " beyond");
    }
    close_table(&t);
}

static void sums(struct ll_report_text *out, const struct ll_drift_report *r)
{
    struct ll_sum_check c;
    struct table t = {out, ll_text_table("node|sum|ref sum|difference|statistics only")};
    int n = 0;
    for (int hook = -1, layer; ll_drift_next_sum(r, &hook, &layer, &c); n++) {
        if (!n)
            title_of(out, "Nodes of which only the sum is known");
        cell(&t, "%.60s", c.origin);
        cell(&t, "%.6g", c.ours);
        cell(&t, "%.6g", c.ref);
        cell(&t, "%.3f%%", c.percent);
        cell(&t, "%s", c.good ? "within" : "beyond");
    }
    if (n)
        close_table(&t);
    ll_buf_free(&t.t.text);
}

static void divergence(struct ll_report_text *out, const struct ll_drift_report *r)
{
    const struct ll_drift *d = r->d;
    ll_buf_adds(&out->markdown, "\n");
    ll_buf_addc(&out->screen, '\n');
    if (d->first < 0) {
        line(out, "first divergence  none");
        return;
    }
    const struct ll_drift_point *p = &d->points[d->first];
    const struct ll_drift_shape *s = &r->shape;
    struct ll_buf about = {0};
    char name[64];
    ll_hook_full_name((enum ll_hook)p->hook, p->layer, name);
    int between = p->self ? 0 : ll_drift_describe(d, p->hook, p->layer, &about);
    line(out, "first divergence  %s, layer %d: %s%s", name, p->layer, ll_drift_operation(p->hook),
         between ? ", or an operation before it that the reference does not show" : "");
    line(out, "  computed        %s",
         p->self ? "from our own input, against double precision" : ll_buf_str(&about));
    line(out, "  error           %.3g of its rms %s, %.3g in the running pass; tolerance %g%s", p->off,
         p->has_isolated ? "on the reference's input" : "in the running pass", p->running.rel, p->tol,
         p->verdict == LL_DRIFT_SMALL ? " (within it, but no rounding)" : "");
    if (p->rerun.done)
        line(out, "  float64 re-run  ours is %.2g of the rms away from it, the reference %.2g: %s",
             p->rerun.ours, p->rerun.ref,
             p->rerun.ours < p->rerun.ref / 10
                 ? "our arithmetic is right for this formula; formula, weights or the reference differ"
                 : p->rerun.ref < p->rerun.ours / 10 ? "our arithmetic is off"
                                                     : "both are off it");
    if (!p->self)
        line(out,
             "  looks like      from position %d on; position 0 has %.2g of the mean error; left after one "
             "factor (%.4g) %.2g, one vector %.2g, sorting %.2g; three columns hold %.0f%%",
             s->first_bad_row < 0 ? 0 : s->first_bad_row, s->first_row, s->factor, s->factor_left,
             s->constant_left, s->sorted_left, 100 * s->columns3);
    ll_buf_reset(&about);
    ll_drift_read_off(d, p, &about);
    if (about.len)
        line(out, "  read off        %s", ll_buf_str(&about));
    ll_buf_free(&about);
}

static void tries(struct ll_report_text *out, const struct ll_drift_report *r)
{
    if (!r->n_tries) {
        line(out, "tries             %s", r->d->first < 0 ? "nothing to explain" : "no switch applies");
        return;
    }
    struct table t =
        table_of(out, "Which mistake explains it", "switch|rel after|points beyond|verdict", NULL);
    for (int i = 0; i < r->n_tries && (i < 12 || r->tries[i].verdict > LL_TRY_NO); i++) {
        cell(&t, "%s", r->tries[i].name);
        num(&t, r->tries[i].rel < 1e299, "%.3g", r->tries[i].rel);
        num(&t, r->tries[i].n_beyond >= 0, "%.0f", (double)r->tries[i].n_beyond);
        cell(&t, "%s", ll_try_verdict_name(r->tries[i].verdict));
    }
    close_table(&t);
    if (r->n_tries > 12 && r->tries[12].verdict == LL_TRY_NO)
        line(out, "(%d tried)", r->n_tries);
}

/* A table in Markdown; for a terminal, where four columns of words do not fit, a paragraph each. */
static void symptoms(struct ll_report_text *out, const struct ll_drift_report *r)
{
    const struct ll_drift_point *p = r->d->first < 0 ? NULL : &r->d->points[r->d->first];
    struct table t =
        table_of(out, "Symptoms and likely causes (seen: here)", "|symptom|likely cause|try", NULL);
    for (const struct ll_drift_symptom *s = ll_drift_symptoms; s->symptom; s++) {
        struct ll_buf words = {0};
        int seen = s->seen(r->d, p, &r->shape);
        ll_text_table_cell(&t.t, "%s", seen ? "seen" : "");
        ll_text_table_cell(&t.t, "%s", s->symptom);
        ll_text_table_cell(&t.t, "%s", s->cause);
        ll_text_table_cell(&t.t, "%s", s->tries);
        ll_buf_addf(&words, "%s: %s%s%s", s->symptom, s->cause, *s->tries ? "; try " : "", s->tries);
        ll_put_wrapped(&out->screen, ll_stdout_columns(), seen ? "seen  " : "      ", ll_buf_str(&words));
        ll_buf_free(&words);
    }
    ll_text_table_put(&t.t, NULL, &out->markdown);
}

void ll_drift_view(struct ll_report_text *out, const struct ll_drift_report *r)
{
    int first_layer = r->d->first < 0 ? -2 : r->d->points[r->d->first].layer;
    head(out, r);
    accumulation(out, r);
    growth_summary(out, r);
    both_sides(out, r);
    if (r->isolate)
        isolation(out, r);
    for (int l = -1; l < r->d->m->n_layers; l++)
        if (l == first_layer || (r->parts && (l < 0 || r->parts[l])))
            components(out, r, l);
    if (r->place->llama) {
        nodes(out, r);
        sums(out, r);
    }
    divergence(out, r);
    if (r->tried)
        tries(out, r);
    if (r->explain)
        symptoms(out, r);
    ll_buf_addc(&out->screen, '\n');
    ll_buf_addc(&out->markdown, '\n');
}
