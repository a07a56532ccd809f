/* trace_view_all.c - the parts of a trace that look at all blocks: stability, massive activations, attention
 * (trace_parts.h). */
#include "trace_parts.h"

#include "cells.h"
#include "human.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- stability ------------------------------------------------------------------------------- */

/* One line a point, over all blocks. */
static void put_stable_point(const struct ll_trace_view *v, enum ll_hook h)
{
    struct ll_tensor_stats all;
    long long over = 0, under = 0;
    int fired = 0, at = -1;
    ll_tensor_stats_init(&all);
    for (int l = ll_hook_info(h)->per_layer ? 0 : -1;
         l < (ll_hook_info(h)->per_layer ? v->t->model->n_layers : 0); l++) {
        const struct ll_step *s = ll_step_at(&v->t->watch, h, l);
        if (!s)
            continue;
        double before = all.max_abs;
        ll_tensor_stats_merge(&all, &s->s);
        at = all.max_abs > before ? l : at;
        over += s->n_over_f16;
        under += s->n_under_f16;
        fired++;
    }
    if (!fired)
        return;
    ll_buf_addf(v->out, "%-19s", ll_hook_info(h)->name);
    ll_trace_put_number(v->out, all.min);
    ll_trace_put_number(v->out, all.max);
    ll_buf_addf(v->out, at >= 0 ? " %4d" : "    -", at);
    long long counts[] = {all.n_nan, all.n_pos_inf + all.n_neg_inf, all.n_subnormal, all.n_zero, over, under};
    for (int i = 0; i < 6; i++) {
        char c[16];
        ll_buf_addf(v->out, " %5s", ll_human_count((double)counts[i], c));
    }
    ll_buf_addc(v->out, '\n');
}

void ll_trace_put_stability(const struct ll_trace_view *v)
{
    const struct ll_watch *w = &v->t->watch;
    ll_trace_title(v, "every step of every block (counts over all of them; --json has each)");
    ll_style(v->out, &v->term, LL_BOLD);
    ll_buf_addf(v->out, "%-19s %9s %9s %4s %5s %5s %5s %5s %5s %5s\n", "step", "min", "max", "at", "NaN",
                "inf", "subn.", "zero", ">f16", "<6e-5");
    ll_style(v->out, &v->term, LL_PLAIN);
    for (int h = 0; h < LL_HOOK_LOGITS; h++)
        put_stable_point(v, (enum ll_hook)h);
    ll_trace_wrap(v, "",
                  "at: the block with the largest magnitude; subn.: subnormal in float32; >f16: beyond "
                  "65504, infinite in float16; <6e-5: not zero, subnormal in float16");
    for (int i = 0; i < w->n_first && i < 8; i++) {
        const struct ll_offence *o = &w->first[i];
        char name[64], text[240], head[24] = "", element[24] = "";
        ll_hook_full_name(o->hook, o->layer, name);
        if (o->head >= 0)
            snprintf(head, sizeof head, ", head %d", o->head);
        if (o->index >= 0)
            snprintf(element, sizeof element, ", element %d", o->index);
        snprintf(text, sizeof text, "%s: %s%s, position %d%s: %g", ll_bound_name(o->bound), name, head,
                 o->pos, element, o->value);
        ll_style(v->out, &v->term, LL_YELLOW);
        ll_trace_wrap(v, i ? "then    " : "first   ", text);
        ll_style(v->out, &v->term, LL_PLAIN);
    }
}

/* ---- massive activations, attention ---------------------------------------------------------- */

static int by_ratio(const void *pa, const void *pb)
{
    const struct ll_massive_at *a = pa, *b = pb;
    if (a->ratio != b->ratio)
        return a->ratio < b->ratio ? 1 : -1;
    return a->pos != b->pos ? (a->pos > b->pos) - (a->pos < b->pos) : (a->dim > b->dim) - (a->dim < b->dim);
}

void ll_trace_put_massive(const struct ll_trace_view *v)
{
    const struct ll_massive *m = &v->t->massive;
    enum { MOST = 20, TEXT = 14 };
    char head[96];
    snprintf(head, sizeof head, "massive activations: beyond %g times the median magnitude of their row",
             m->factor);
    ll_trace_title(v, head);
    struct ll_massive_at *at = malloc(sizeof *at * (size_t)(m->n + 1));
    if (!at) {
        v->out->failed = 1;
        return;
    }
    if (m->n)
        memcpy(at, m->at, sizeof *at * (size_t)m->n);
    qsort(at, (size_t)m->n, sizeof *at, by_ratio);
    if (!m->n)
        ll_buf_adds(v->out, "none\n");
    else
        ll_buf_addf(v->out, "%4s %-*s %6s %6s %6s %10s %9s\n", "pos", TEXT, "token", "dim", "rises", "falls",
                    "peak", "x median");
    for (int i = 0; i < m->n && i < MOST; i++) {
        const struct ll_massive_at *a = &at[i];
        struct ll_buf text = {0};
        char peak[32], falls[16] = "never";
        ll_token_name(v->names, v->r->ids[a->pos], &text);
        if (a->last + 1 < m->n_rows)
            snprintf(falls, sizeof falls, "%d", a->last + 1);
        ll_buf_addf(v->out, "%4d ", a->pos);
        ll_put_cell(v->out, ll_buf_str(&text), text.len, TEXT, 1);
        ll_buf_addf(v->out, " %6d %6d %6s %10s %9.0f\n", a->dim, a->first, falls,
                    ll_trace_number(a->value, peak), a->ratio);
        ll_buf_free(&text);
    }
    if (m->n > MOST)
        ll_buf_addf(v->out, "and %d more (--json has all)\n", m->n - MOST);
    free(at);
    if (m->n)
        ll_trace_wrap(v, "",
                      "rises, falls: the lens row (0: embedding, l: after block l-1) where it first is, and "
                      "no longer is, massive");
}

/* One glyph a head for a value in 0..1. */
static void put_spark(const struct ll_trace_view *v, double x)
{
    static const char *const levels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    int i = isnan(x) ? -1 : (int)(x * 8);
    ll_buf_adds(v->out, i < 0 ? "?" : levels[i > 7 ? 7 : i]);
}

static void put_sinks(const struct ll_trace_view *v)
{
    int n = v->t->model->n_layers * v->t->model->n_heads, half = 0;
    for (int i = 0; i < n; i++)
        half += v->t->watch.pattern[i].sink > 0.5;
    if (v->t->n_pos < 2)
        ll_buf_adds(v->out, "one token only: nothing to look at\n");
    else if (half)
        ll_buf_addf(v->out,
                    "%d of %d heads put more than half of their mass on the first token: attention sinks\n",
                    half, n);
    else
        ll_buf_adds(v->out,
                    "no head puts more than half of its mass on the first token: no attention sink\n");
}

void ll_trace_put_attention(const struct ll_trace_view *v)
{
    int n = v->t->model->n_heads, room = (v->term.width - 36) / 2, shown = n < room ? n : room,
        wide = shown < 4 ? 4 : shown;
    ll_trace_title(v, "where attention looks (one mark a head)");
    ll_style(v->out, &v->term, LL_BOLD);
    ll_buf_addf(v->out, "block  sink  max  %-*s  bits  even  %-*s\n", wide, "head", wide, "head");
    ll_style(v->out, &v->term, LL_PLAIN);
    for (int l = 0; l < v->t->model->n_layers; l++) {
        const struct ll_head_pattern *p = v->t->watch.pattern + (size_t)l * (size_t)n;
        double sink = 0, most = 0, bits = 0, share = 0;
        for (int h = 0; h < n; h++) {
            sink += p[h].sink / n;
            most = p[h].sink > most ? p[h].sink : most;
            bits += p[h].entropy_bits / n;
            share += p[h].entropy_share / n;
        }
        ll_buf_addf(v->out, "%5d  %4.2f %4.2f  ", l, sink, most);
        for (int h = 0; h < shown; h++)
            put_spark(v, p[h].sink);
        ll_buf_addf(v->out, "%*s  %4.1f  %4.2f  ", wide - shown, "", bits, share);
        for (int h = 0; h < shown; h++)
            put_spark(v, p[h].entropy_share);
        ll_buf_adds(v->out, v->t->model->layers[l].window ? " windowed\n" : "\n");
    }
    put_sinks(v);
    if (shown < n)
        ll_buf_addf(v->out, "%d of %d heads shown (--json has all)\n", shown, n);
    ll_trace_wrap(
        v, "",
        "sink: mass on the first token; even: entropy of a row over its maximum; means over the queries "
        "after the first token; a window that does not reach the first token counts as no mass on it");
}
