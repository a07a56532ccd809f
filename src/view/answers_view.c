/* answers_view.c - see answers_view.h */
#include "answers_view.h"

#include "terminal.h"
#include "cells.h"
#include "width.h"

static double p_of(const struct ll_tracked *a, const struct ll_head_out *o)
{
    return ll_head_p(o, o->tracked_logit[a->slot]);
}
static int rank_of(const struct ll_tracked *a, const struct ll_head_out *o)
{
    return o->tracked_rank[a->slot];
}
static int n_layers(const struct ll_lens_report *v) { return v->model->n_layers; }

/* "p = 0.6562", and what is too small for that in powers of ten. */
static void put_p(double p, struct ll_buf *out)
{
    ll_buf_addf(out, p >= 0.0001 ? "p = %.4f" : "p = %.1e", p);
}

/* Its first token in quotes, at most `width` columns. */
static void put_token(const struct ll_lens_report *v, const struct ll_tracked *a, int width,
                      struct ll_buf *out)
{
    struct ll_buf text = {0}, cell = {0};
    ll_token_name(v->names, a->ids[0], &text);
    ll_put_cell(&cell, ll_buf_str(&text), text.len, width, 0);
    ll_buf_addf(out, "\"%s\"", ll_buf_str(&cell));
    ll_buf_free(&text);
    ll_buf_free(&cell);
}

/* First layer of the unbroken run of rank 1 that reaches the end; -1: none. */
static int on_top_from(const struct ll_lens_report *v, const struct ll_tracked *a)
{
    int first = -1;
    for (int l = n_layers(v); l >= 0 && rank_of(a, v->own) == 1 && rank_of(a, &v->rows[l]) == 1; l--)
        first = l;
    return first;
}

static void put_answer(const struct ll_lens_report *v, const struct ll_tracked *a, struct ll_buf *out)
{
    enum { WIDTH = 30 };
    int n = n_layers(v), first = on_top_from(v, a), rank = rank_of(a, v->own);
    double p = p_of(a, v->own);
    ll_buf_adds(out, "answer ");
    put_token(v, a, WIDTH, out);
    if (a->n_ids > 1)
        ll_buf_addf(out, " (the first of %d tokens)", a->n_ids);
    if (rank == 1 && first < 0) {
        ll_buf_adds(out, " is the model's output (");
        put_p(p, out);
        ll_buf_adds(out, "), but not on top of the last row\n");
    } else if (first < 0) {
        ll_buf_addf(out, " is not the model's output:\nrank %d, ", rank);
        put_p(p, out);
        ll_buf_adds(out, " there\n");
    } else {
        ll_buf_addf(out, " is on top from layer %d of %d to the end\n(%.0f %% of depth), ", first, n,
                    100.0 * first / n);
        put_p(p, out);
        ll_buf_adds(out, " at the output\n");
    }
    if (a->reason)
        ll_buf_adds(out,
                    "  (the tokenizer would join it with the prompt's end: followed as it continues\n   "
                    "the tokens that are there)\n");
}

static void put_other(const struct ll_lens_report *v, const struct ll_tracked *a, struct ll_buf *out)
{
    enum { WIDTH = 20 };
    ll_buf_addf(out, "  %s it would be ", ll_tracked_spelling(a));
    put_token(v, a, WIDTH, out);
    ll_buf_addf(out, ": rank %d, ", rank_of(a, v->own));
    put_p(p_of(a, v->own), out);
    ll_buf_addc(out, '\n');
}

static void put_lines(const struct ll_lens_report *v, struct ll_buf *out)
{
    for (int i = 0; i < v->answers->n; i++) {
        const struct ll_tracked *a = &v->answers->v[i];
        if (!i)
            ll_buf_addc(out, '\n');
        if (a->slot < 0)
            ll_buf_addf(out, "answer \"%.60s\" is not resolved (%s)\n", a->text ? a->text : "",
                        a->reason ? a->reason : "no place left");
        else if (a->is_other)
            put_other(v, a, out);
        else
            put_answer(v, a, out);
    }
}

enum { COLUMN = 18, LAYER = 5 }; /* columns of an answer and of the layer's number */

static void put_block(const struct ll_lens_report *v, const struct ll_tracked *const *a, int n,
                      const struct ll_term *t, struct ll_buf *out)
{
    ll_style(out, t, LL_BOLD);
    ll_buf_adds(out, "\nlayer");
    for (int i = 0; i < n; i++) {
        struct ll_buf name = {0};
        put_token(v, a[i], COLUMN - 4, &name);
        ll_buf_addf(out, "%*s%s", COLUMN - ll_text_width(ll_buf_str(&name), name.len), "", ll_buf_str(&name));
        ll_buf_free(&name);
    }
    ll_style(out, t, LL_PLAIN);
    ll_buf_addc(out, '\n');
    for (int l = 0; l <= n_layers(v); l++) {
        ll_buf_addf(out, "%*d", LAYER, l);
        for (int i = 0; i < n; i++) {
            ll_style(out, t, rank_of(a[i], &v->rows[l]) == 1 ? LL_GREEN : LL_PLAIN);
            ll_buf_addf(out, "%*d %6.4f", COLUMN - 7, rank_of(a[i], &v->rows[l]), p_of(a[i], &v->rows[l]));
            ll_style(out, t, LL_PLAIN);
        }
        ll_buf_addc(out, '\n');
    }
}

static void put_table(const struct ll_lens_report *v, const struct ll_term *t, struct ll_buf *out)
{
    const struct ll_tracked *all[LL_MAX_TRACKED];
    int n = 0, fit = (t->width - LAYER) / COLUMN;
    for (int i = 0; i < v->answers->n; i++)
        if (v->answers->v[i].slot >= 0 && !v->answers->v[i].is_other)
            all[n++] = &v->answers->v[i];
    if (n < 2)
        return;
    ll_buf_adds(out, "\nall answers: rank and probability at every layer\n");
    fit = fit < 1 ? 1 : fit;
    for (int from = 0; from < n; from += fit)
        put_block(v, all + from, n - from < fit ? n - from : fit, t, out);
}

void ll_answers_view(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_report *v)
{
    put_lines(v, out);
    put_table(v, t, out);
}
