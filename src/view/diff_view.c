/* diff_view.c - see diff_view.h */
#include "diff_view.h"
#include "terminal.h"
#include "human.h"
#include "cells.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BAR = 12 };

static void put_model(struct ll_buf *out, const struct ll_term *t, char name, const struct ll_model_info *m,
                      const char *path)
{
    char n[16];
    ll_buf_addf(out, "%c  ", name);
    ll_style(out, t, LL_BOLD);
    ll_buf_adds(out, m->clean);
    ll_style(out, t, LL_PLAIN);
    ll_buf_addf(out, "  %s, %s, %d layers, width %d, %s parameters", m->family, m->stored_types, m->n_layers,
                m->d_model, ll_human_count((double)m->n_params, n));
    ll_buf_adds(out, "\n   ");
    ll_style(out, t, LL_DIM);
    ll_put_cell(out, path, strlen(path), t->width - 4, 0);
    ll_style(out, t, LL_PLAIN);
    ll_buf_addc(out, '\n');
}

static void put_header(struct ll_buf *out, const struct ll_term *t, const struct ll_diff_doc *d)
{
    int n = d->n_layers ? d->layers[0].n : 0;
    put_model(out, t, 'A', d->a, d->path_a);
    put_model(out, t, 'B', d->b, d->path_b);
    ll_buf_addf(out, "%d prompt%s (", d->n_prompts, d->n_prompts == 1 ? "" : "s");
    ll_put_cell(out, d->prompts_from, strlen(d->prompts_from), 30, 0);
    ll_buf_addf(out, "), %d position%s, %s lens; means\n", n, n == 1 ? "" : "s", d->a->lens_norm);
    if (d->a->n_layers != d->b->n_layers)
        ll_buf_addf(out, "%d and %d layers: rows have no counterpart, only the outputs are compared\n",
                    d->a->n_layers, d->b->n_layers);
    ll_buf_addc(out, '\n');
}

/* Three figures, in `width` columns; null as "-". */
static void put_number(struct ll_buf *out, double v, int width, const char *format)
{
    char text[32] = "-";
    if (isfinite(v))
        snprintf(text, sizeof text, format, v);
    ll_buf_addf(out, "%*s", width, text);
}

static void put_row(struct ll_buf *out, const struct ll_term *t, const struct ll_diff_doc *d,
                    const struct ll_diff_layer *l, double most)
{
    int output = l == &d->layers[d->n_layers - 1];
    ll_style(out, t, l->beyond ? LL_YELLOW : LL_PLAIN);
    if (d->a->n_layers != d->b->n_layers)
        ll_buf_addf(out, "%6s", "output");
    else
        ll_buf_addf(out, "%6d", l->layer);
    put_number(out, l->m[LL_DIFF_M_KL_AB].mean, 10, "%.3g");
    ll_style(out, t, LL_PLAIN);
    ll_buf_addc(out, ' ');
    ll_style(out, t, LL_CYAN);
    ll_put_bar(out, most > 0 ? l->m[LL_DIFF_M_KL_AB].mean / most : 0, BAR);
    ll_style(out, t, l->beyond ? LL_YELLOW : LL_PLAIN);
    put_number(out, l->m[LL_DIFF_M_JS].mean, 10, "%.3g");
    put_number(out, 100.0 * l->flips / l->n, 7, "%.1f");
    ll_buf_adds(out, " %");
    put_number(out, l->m[LL_DIFF_M_COS].mean, 10, "%.6f");
    put_number(out, l->m[LL_DIFF_M_REL_ERR].mean, 10, "%.3g");
    ll_buf_adds(out, l->beyond ? " !" : output ? "  " : "");
    ll_style(out, t, LL_PLAIN);
    ll_buf_adds(out, output ? " out\n" : "\n");
}

static void put_table(struct ll_buf *out, const struct ll_term *t, const struct ll_diff_doc *d)
{
    double most = 0;
    for (int i = 0; i < d->n_layers; i++)
        most = fmax(most, d->layers[i].m[LL_DIFF_M_KL_AB].mean);
    ll_style(out, t, LL_BOLD);
    ll_buf_addf(out, "%6s %9s %-*s%10s%9s%10s%10s", "layer", "KL(A|B)", BAR, " bits", "JS bits", "flips",
                "cosine", "rel.err");
    ll_style(out, t, LL_PLAIN);
    ll_buf_addc(out, '\n');
    for (int i = 0; i < d->n_layers; i++)
        put_row(out, t, d, &d->layers[i], most);
}

/* ---- what it comes to ------------------------------------------------------------------------ */

static const struct {
    const char *name, *unit;
    double scale;
} shown[LL_DIFF_TOLERANCES] = {
    [LL_DIFF_T_KL] = {"KL", " bits", 1},      [LL_DIFF_T_JS] = {"JS", " bits", 1},
    [LL_DIFF_T_FLIPS] = {"flips", " %", 100}, [LL_DIFF_T_COS] = {"cosine", "", 1},
    [LL_DIFF_T_REL_ERR] = {"rel.err", "", 1},
};

void ll_diff_put_beyond(struct ll_buf *out, const struct ll_diff_layer *l,
                        const double tolerance[LL_DIFF_TOLERANCES])
{
    const char *sep = "";
    for (int i = 0; i < LL_DIFF_TOLERANCES; i++)
        if (l->beyond >> i & 1) {
            ll_buf_addf(out, "%s%s %.4g %c %g%s", sep, shown[i].name,
                        ll_diff_found(l, (enum ll_diff_tolerance)i) * shown[i].scale,
                        i == LL_DIFF_T_COS ? '<' : '>', tolerance[i] * shown[i].scale, shown[i].unit);
            sep = ", ";
        }
}

/* For each tolerance asked for, the first row beyond it: layers break differently under different measures.
 */
static void put_first_beyond(struct ll_buf *out, const struct ll_diff_doc *d)
{
    const int output = d->layers[d->n_layers - 1].layer;
    int asked = 0;
    ll_buf_adds(out, "first layer beyond tolerance (!)\n");
    for (int i = 0; i < LL_DIFF_TOLERANCES; i++) {
        const struct ll_diff_layer *l = ll_diff_first_beyond(d, (enum ll_diff_tolerance)i);
        if (d->tolerance[i] < 0)
            continue;
        asked++;
        ll_buf_addf(out, "  %-8s%c %g%s: ", shown[i].name, i == LL_DIFF_T_COS ? '<' : '>',
                    d->tolerance[i] * shown[i].scale, shown[i].unit);
        if (l)
            ll_buf_addf(out, "layer %d of %d, %.4g%s\n", l->layer, output,
                        ll_diff_found(l, (enum ll_diff_tolerance)i) * shown[i].scale, shown[i].unit);
        else
            ll_buf_adds(out,
                        d->a->d_model != d->b->d_model && i >= LL_DIFF_T_COS ? "not comparable\n" : "none\n");
    }
    if (!asked)
        ll_buf_adds(out, "  no tolerance was asked for\n");
}

static int is_same(const struct ll_diff_doc *d)
{
    for (int i = 0; i < d->n_layers; i++)
        if (d->layers[i].m[LL_DIFF_M_KL_AB].worst > 0 || d->layers[i].m[LL_DIFF_M_REL_ERR].worst > 0)
            return 0;
    return 1;
}

static void put_said(struct ll_buf *out, char name, const char *token, double p)
{
    ll_buf_addf(out, "%c says \"", name);
    ll_put_cell(out, token, strlen(token), 16, 0);
    ll_buf_addf(out, "\" (p %.3f)", p);
}

static void put_worst(struct ll_buf *out, const struct ll_term *t, const struct ll_diff_doc *d)
{
    const struct ll_diff_prompt *p = &d->prompts[d->worst_prompt];
    ll_buf_addf(out, "largest KL at the output: %.4g bits, prompt %d position %d, after \"", d->worst_kl_bits,
                d->worst_prompt, d->worst_pos);
    ll_put_cell(out, d->worst_token, strlen(d->worst_token), 16, 0);
    ll_buf_adds(out, "\"\n  ");
    put_said(out, 'A', d->worst_top1_a, d->worst_p_a);
    ll_buf_adds(out, ", ");
    put_said(out, 'B', d->worst_top1_b, d->worst_p_b);
    ll_buf_addc(out, '\n');
    if (p->text) {
        ll_buf_adds(out, "  ");
        ll_style(out, t, LL_DIM);
        ll_put_cell(out, p->text, p->n, t->width - 3, 0);
        ll_style(out, t, LL_PLAIN);
        ll_buf_addc(out, '\n');
    }
}

void ll_diff_view(struct ll_buf *out, const struct ll_term *t, const struct ll_diff_doc *d)
{
    const struct ll_diff_layer *last = &d->layers[d->n_layers - 1];
    put_header(out, t, d);
    put_table(out, t, d);
    ll_buf_addc(out, '\n');
    ll_buf_addf(out, "top-1 at the output differs in %d of %d positions (%.1f %%)\n", last->flips, last->n,
                100.0 * last->flips / last->n);
    put_first_beyond(out, d);
    if (is_same(d))
        ll_buf_adds(out, "no difference at all: every compared row is equal\n");
    else
        put_worst(out, t, d);
}
