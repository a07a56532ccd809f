/* trace_view.c - see trace_view.h: the head, one block step by step, the stream, what stands out */
#include "trace_parts.h"

#include "cells.h"
#include "intervene_view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *ll_trace_number(double v, char out[32])
{
    double a = fabs(v);
    if (isnan(v))
        return "-";
    int decimals = a < 10 ? 6 : a < 100 ? 5 : a < 1000 ? 4 : a < 1e4 ? 3 : 2;
    if (v != 0 && (a < 9.5e-5 || a >= 99999.5))
        snprintf(out, 32, "%.2e", v);
    else
        snprintf(out, 32, "%.*f", v == 0 ? 0 : decimals, v);
    return out;
}

void ll_trace_put_number(struct ll_buf *b, double v)
{
    char n[32];
    ll_buf_addf(b, " %9s", ll_trace_number(v, n));
}

void ll_trace_title(const struct ll_trace_view *v, const char *text)
{
    ll_buf_addc(v->out, '\n');
    ll_style(v->out, &v->term, LL_BOLD);
    ll_buf_addf(v->out, "%s\n", text);
    ll_style(v->out, &v->term, LL_PLAIN);
}

void ll_trace_wrap(const struct ll_trace_view *v, const char *lead, const char *text)
{
    ll_put_wrapped(v->out, v->term.width > 120 ? 120 : v->term.width, lead, text);
}

static void put_shape(struct ll_buf *b, int heads, int n, int k, int width)
{
    char s[40];
    if (heads)
        snprintf(s, sizeof s, "%dx%dx%d", heads, n, k);
    else if (n == 1)
        snprintf(s, sizeof s, "%d", k);
    else
        snprintf(s, sizeof s, "%dx%d", n, k);
    ll_buf_addf(b, "%-*s", width, s);
}

static void put_head(const struct ll_trace_view *v)
{
    const struct ll_model *m = v->r->model;
    struct ll_buf ids = {0}, lead = {0};
    ll_style(v->out, &v->term, LL_BOLD);
    ll_buf_addf(v->out, "%s", m->ckpt->clean);
    ll_style(v->out, &v->term, LL_PLAIN);
    ll_buf_addf(v->out, "  %s, %d layers, width %d, %s, eps %g\n", m->family->name, m->n_layers, m->d_model,
                ll_norm_kind_name(m), m->norm_eps);
    for (int i = 0; i < v->t->n_pos; i++)
        ll_buf_addf(&ids, "%s%d", i ? ", " : "", v->r->ids[i]);
    ll_buf_addf(&lead, "%d token%s: ", v->t->n_pos, v->t->n_pos == 1 ? "" : "s");
    ll_trace_wrap(v, ll_buf_str(&lead), ll_buf_str(&ids));
    ll_buf_free(&ids);
    ll_buf_free(&lead);
    ll_style(v->out, &v->term, LL_YELLOW);
    ll_intervene_lines(v->out, v->r->iv);
    ll_style(v->out, &v->term, LL_PLAIN);
}

/* ---- the block's steps ----------------------------------------------------------------------- */

/* Number and name of each step (docs/diagnostics.md 3.1). */
static const struct {
    enum ll_hook h;
    int number;
    const char *what;
} steps[] = {{LL_HOOK_RESID_PRE, 1, "block input"},
             {LL_HOOK_LN1_NORMALIZED, 2, "attention norm"},
             {LL_HOOK_Q, 3, "query"},
             {LL_HOOK_K, 3, "key"},
             {LL_HOOK_V, 3, "value"},
             {LL_HOOK_ROT_Q, 3, "query, rotated"},
             {LL_HOOK_ROT_K, 3, "key, rotated"},
             {LL_HOOK_ATTN_SCORES, 3, "scores"},
             {LL_HOOK_PATTERN, 3, "softmax"},
             {LL_HOOK_Z, 3, "attention, heads"},
             {LL_HOOK_ATTN_OUT, 3, "attention output"},
             {LL_HOOK_RESID_MID, 4, "+ stream"},
             {LL_HOOK_LN2_NORMALIZED, 5, "MLP norm"},
             {LL_HOOK_PRE, 6, "gate"},
             {LL_HOOK_PRE_LINEAR, 6, "up"},
             {LL_HOOK_POST, 6, "activated"},
             {LL_HOOK_MLP_OUT, 7, "MLP output"},
             {LL_HOOK_RESID_POST, 8, "+ stream = output"}};
enum { N_STEPS = sizeof steps / sizeof *steps, NAME = 17, SHAPE = 9 };

static void put_stats(const struct ll_trace_view *v, const struct ll_tensor_stats *s)
{
    const double shown[] = {ll_tensor_rms(s), s->min, s->max, ll_tensor_mean(s), ll_tensor_l2(s)};
    for (int i = 0; i < 5; i++)
        ll_trace_put_number(v->out, s->max_abs_at < 0 ? NAN : shown[i]); /* no value is finite */
    if (v->term.width >= 100)
        ll_buf_addf(v->out, " %6lld %6lld", (long long)s->n_nan, (long long)(s->n_pos_inf + s->n_neg_inf));
}

static void put_weights(const struct ll_trace_view *v, enum ll_hook at)
{
    for (int i = 0; i < v->t->n_weights; i++) {
        const struct ll_trace_weight *w = &v->t->weight[i];
        if (w->at != at)
            continue;
        ll_style(v->out, &v->term, LL_DIM);
        ll_buf_addf(v->out, "   %-*s ", NAME, w->name);
        put_shape(v->out, 0, w->n, w->k, SHAPE);
        put_stats(v, &w->s);
        if (v->term.width >= 120)
            ll_buf_addf(v->out, "  %s", w->type);
        ll_style(v->out, &v->term, LL_PLAIN);
        ll_buf_addc(v->out, '\n');
    }
}

static void put_step(const struct ll_trace_view *v, int number, const char *what, enum ll_hook h, int layer,
                     const struct ll_findings *f)
{
    const struct ll_step *s = ll_step_at(&v->t->watch, h, layer);
    put_weights(v, h);
    if (!s)
        return;
    int bad = ll_finding_at(f, h, layer, 1) != NULL, noted = ll_finding_at(f, h, layer, 0) != NULL;
    ll_style(v->out, &v->term, bad ? LL_YELLOW : LL_PLAIN);
    ll_buf_addf(v->out, "%d%c %-*s ", number, bad ? '!' : noted ? '*' : ' ', NAME, what);
    put_shape(v->out, s->n_heads, s->n_rows, s->width, SHAPE);
    put_stats(v, &s->s);
    if (v->term.width >= 120)
        ll_buf_addf(v->out, "  %s", ll_hook_info(h)->name);
    ll_style(v->out, &v->term, LL_PLAIN);
    if (v->term.width < 100 && s->s.first_bad >= 0)
        ll_buf_addf(v->out, "\n   ^ NaN %lld, infinite %lld", (long long)s->s.n_nan,
                    (long long)(s->s.n_pos_inf + s->s.n_neg_inf));
    ll_buf_addc(v->out, '\n');
}

static void put_absent(const struct ll_trace_view *v)
{
    struct ll_buf list = {0};
    const struct ll_layer *L = &v->t->model->layers[v->t->layer];
    for (int i = 0; i < N_STEPS; i++)
        if (!ll_hook_fires(v->t->model, steps[i].h, v->t->layer))
            ll_buf_addf(&list, "%s%s", list.len ? ", " : "", ll_hook_info(steps[i].h)->name);
    if (list.len) {
        ll_buf_addf(&list, "%s%s%s",
                    L->parallel ? "; attention and MLP both read the block's input (parallel)" : "",
                    L->experts.n          ? "; the MLP is a mixture of experts, shown as its output only"
                        : L->mlp.W_gate.n ? ""
                                          : "; the MLP has no gate: one projection",
                    !L->ln1.w ? "; its norms come after each half" : "");
        ll_trace_wrap(v, "this block has no ", ll_buf_str(&list));
    }
    ll_buf_free(&list);
}

static void put_steps(const struct ll_trace_view *v, const struct ll_findings *f)
{
    char head[112];
    snprintf(head, sizeof head,
             "block %d of 0..%d, step by step (its weights beside the step that uses them)", v->t->layer,
             v->t->model->n_layers - 1);
    ll_trace_title(v, head);
    ll_style(v->out, &v->term, LL_BOLD);
    ll_buf_addf(v->out, "#  %-*s %-*s %9s %9s %9s %9s %9s", NAME, "step", SHAPE, "shape", "rms", "min", "max",
                "mean", "L2");
    if (v->term.width >= 100)
        ll_buf_addf(v->out, " %6s %6s", "NaN", "inf");
    if (v->term.width >= 120)
        ll_buf_adds(v->out, "  hook or type");
    ll_style(v->out, &v->term, LL_PLAIN);
    ll_buf_addc(v->out, '\n');
    for (int i = 0; i < N_STEPS; i++)
        put_step(v, steps[i].number,
                 steps[i].h == LL_HOOK_PRE && !ll_hook_fires(v->t->model, LL_HOOK_PRE_LINEAR, v->t->layer)
                     ? "projection"
                     : steps[i].what,
                 steps[i].h, v->t->layer, f);
    put_step(v, 9, "final norm", LL_HOOK_LN_FINAL_NORMALIZED, -1, f);
    ll_buf_addf(v->out, "9  %-*s %-*d", NAME, "... last token", SHAPE, v->t->model->d_model);
    put_stats(v, &v->t->final_last);
    ll_buf_addc(v->out, '\n');
    put_absent(v);
}

static void put_relations(const struct ll_trace_view *v)
{
    struct ll_relation r[LL_MAX_RELATIONS];
    ll_trace_title(v, "what follows from what");
    for (int i = 0, n = ll_trace_relations(v->t, r); i < n; i++) {
        ll_style(v->out, &v->term, r[i].holds ? LL_PLAIN : LL_YELLOW);
        ll_trace_wrap(v, !r[i].holds ? "broken  " : r[i].applies ? "holds   " : "note    ", r[i].text);
        ll_style(v->out, &v->term, LL_PLAIN);
    }
}

static void put_swap(const struct ll_trace_view *v)
{
    if (!v->t->swap[1].is_set)
        return;
    ll_trace_title(v, "act(up) * gate, the wrong order, against act(gate) * up, which the model computes");
    ll_buf_addf(v->out, "%-20s %9s %9s %12s %9s\n", "step", "rms right", "wrong", "|diff|/|right|", "cosine");
    for (int i = 0; i < LL_TRACE_SWAPS; i++) {
        const struct ll_trace_swap *s = &v->t->swap[i];
        if (!s->is_set)
            continue;
        ll_buf_addf(v->out, "%-20s", ll_hook_info(s->at)->name);
        ll_trace_put_number(v->out, s->rms_right);
        ll_trace_put_number(v->out, s->rms_wrong);
        ll_buf_addf(v->out, "     %9.6f  %9.6f\n", s->rel, s->cosine);
    }
}

/* ---- the stream through all blocks ----------------------------------------------------------- */

static double rms_at(const struct ll_trace_view *v, enum ll_hook h, int layer)
{
    const struct ll_step *s = ll_step_at(&v->t->watch, h, layer);
    return s ? ll_tensor_rms(&s->s) : NAN;
}

static void put_sweep_row(const struct ll_trace_view *v, int row, double most, int bar,
                          const struct ll_findings *f)
{
    double rms = row ? rms_at(v, LL_HOOK_RESID_POST, row - 1) : rms_at(v, LL_HOOK_EMBED, -1),
           before = row > 1 ? rms_at(v, LL_HOOK_RESID_POST, row - 2) : rms_at(v, LL_HOOK_EMBED, -1);
    const struct ll_step *s = row ? ll_step_at(&v->t->watch, LL_HOOK_RESID_POST, row - 1)
                                  : ll_step_at(&v->t->watch, LL_HOOK_EMBED, -1);
    int bad = row && ll_finding_at(f, LL_HOOK_RESID_POST, row - 1, 1),
        noted = row && ll_finding_at(f, LL_HOOK_RESID_POST, row - 1, 0);
    ll_style(v->out, &v->term, bad ? LL_YELLOW : LL_PLAIN);
    ll_buf_addf(v->out, "%4d%c", row, bad ? '!' : noted ? '*' : ' ');
    ll_trace_put_number(v->out, rms);
    ll_buf_addc(v->out, ' ');
    ll_style(v->out, &v->term, LL_CYAN);
    ll_put_bar(v->out, most > 0 ? rms / most : 0, bar);
    ll_style(v->out, &v->term, bad ? LL_YELLOW : LL_PLAIN);
    if (row) {
        ll_buf_addf(v->out, " %6.2fx", rms / before);
        ll_trace_put_number(v->out, rms_at(v, LL_HOOK_ATTN_OUT, row - 1));
        ll_trace_put_number(v->out, rms_at(v, LL_HOOK_MLP_OUT, row - 1));
    } else
        ll_buf_addf(v->out, "%28s", "");
    ll_trace_put_number(v->out, s ? s->s.max_abs : NAN);
    ll_style(v->out, &v->term, LL_PLAIN);
    ll_buf_addc(v->out, '\n');
}

static void put_sweep(const struct ll_trace_view *v, const struct ll_findings *f)
{
    int n = v->t->model->n_layers, bar = v->term.width - 56 > 60 ? 60 : v->term.width - 56;
    double most = rms_at(v, LL_HOOK_EMBED, -1);
    for (int l = 0; l < n; l++)
        most = fmax(most, rms_at(v, LL_HOOK_RESID_POST, l));
    ll_trace_title(v, "the stream after every block (row 0: the embedding, row l: after block l-1)");
    ll_style(v->out, &v->term, LL_BOLD);
    ll_buf_addf(v->out, " row  %9s %-*s %7s %9s %9s %9s\n", "rms", bar, "", "growth", "attention", "MLP",
                "largest");
    ll_style(v->out, &v->term, LL_PLAIN);
    for (int row = 0; row <= n; row++)
        put_sweep_row(v, row, most, bar, f);
}

/* ---- what stands out ------------------------------------------------------------------------- */

static void put_findings(const struct ll_trace_view *v, const struct ll_findings *f)
{
    int suspicious = 0;
    for (int i = 0; i < f->n; i++)
        suspicious += f->v[i].suspicious;
    ll_trace_title(v, "what stands out");
    if (!suspicious)
        ll_buf_adds(v->out, "nothing suspicious\n");
    for (int pass = 1; pass >= 0; pass--)
        for (int i = 0; i < f->n; i++) {
            if (f->v[i].suspicious != pass)
                continue;
            struct ll_buf text = {0};
            ll_buf_addf(&text, "%s: %s", ll_hook_info(f->v[i].hook)->name, f->v[i].text);
            ll_style(v->out, &v->term, pass ? LL_YELLOW : LL_PLAIN);
            ll_trace_wrap(v, pass ? "!  " : "*  ", ll_buf_str(&text));
            ll_style(v->out, &v->term, LL_PLAIN);
            ll_buf_free(&text);
        }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void put_all(const struct ll_trace_view *v)
{
    const struct ll_trace_parts *p = &v->r->parts;
    put_head(v);
    if (p->steps) {
        put_steps(v, &v->r->layer);
        put_relations(v);
        put_swap(v);
        put_findings(v, &v->r->layer);
    }
    if (p->sweep) {
        put_sweep(v, &v->r->sweep);
        put_findings(v, &v->r->sweep);
    }
    if (p->stability)
        ll_trace_put_stability(v);
    if (p->massive)
        ll_trace_put_massive(v);
    if (p->attention)
        ll_trace_put_attention(v);
    ll_buf_addc(v->out, '\n');
}

void ll_trace_view(struct ll_report_text *out, const struct ll_trace_report *r,
                   const struct ll_token_names *names, const struct ll_term *term)
{
    struct ll_trace_view v = {.r = r, .t = r->t, .names = names, .term = *term, .out = &out->screen};
    put_all(&v);
    ll_buf_addf(&out->markdown, "# Trace of %s\n\n```\n", r->model->ckpt->model_id);
    v.term = (struct ll_term){0, 120};
    v.out = &out->markdown;
    put_all(&v);
    ll_buf_adds(&out->markdown, "```\n\n## Criteria\n\n");
}
