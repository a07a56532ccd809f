/* attribution_view.c - see attribution_view.h */
#include "attribution_view.h"

#include "terminal.h"
#include "cells.h"

#include <math.h>
#include <string.h>

enum { BAR = 7 };

static void put_share(struct ll_buf *out, const struct ll_term *t, double x, double most)
{
    ll_buf_addf(out, " %+8.3f ", x);
    ll_style(out, t, x < 0 ? LL_YELLOW : LL_CYAN);
    ll_put_bar(out, most > 0 ? fabs(x) / most : 0, BAR);
    ll_style(out, t, LL_PLAIN);
}

/* The heads of a block with the largest shares, as many as fit. */
static void put_heads(struct ll_buf *out, const double *share, int n, int room)
{
    int shown[8], n_shown = 0;
    for (; n_shown < room && n_shown < n && n_shown < 8; n_shown++) {
        int best = -1;
        for (int h = 0; h < n; h++) {
            int taken = 0;
            for (int i = 0; i < n_shown; i++)
                taken = taken || shown[i] == h;
            if (!taken && (best < 0 || fabs(share[h]) > fabs(share[best])))
                best = h;
        }
        shown[n_shown] = best;
        ll_buf_addf(out, "  %2d %+.3f", best, share[best]);
    }
}

static void put_name(const struct ll_lens_report *v, int id, struct ll_buf *out)
{
    struct ll_buf text = {0};
    ll_token_name(v->names, id, &text);
    ll_buf_addc(out, '"');
    ll_put_cell(out, ll_buf_str(&text), text.len, 24, 0);
    ll_buf_addf(out, "\" (id %d)", id);
    ll_buf_free(&text);
}

void ll_attribution_view(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_report *v)
{
    const struct ll_attribution *a = v->attribution;
    double most = 0, attn = 0, mlp = 0, written = 0;
    for (int l = 0; l < a->n_layers; l++) {
        most = fmax(most, fmax(fabs(a->attn[l]), fabs(a->mlp[l])));
        attn += a->attn[l];
        mlp += a->mlp[l];
        written += a->written[l];
    }
    ll_buf_adds(out, "\nwho speaks for ");
    put_name(v, v->attributed_id, out);
    if (v->against_id >= 0) {
        ll_buf_adds(out, " rather than ");
        put_name(v, v->against_id, out);
    }
    ll_buf_addf(out, "%s\nshares of the logit%s, the final norm's\ndivisor frozen at %.4g\n\n",
                ll_lens_main_slot(v) < 0 ? ", the model's first choice" : "",
                v->model->logit_cap > 0 ? " before the soft cap" : "", a->scale);
    ll_style(out, t, LL_BOLD);
    ll_buf_addf(out, "block %9s %-*s %9s %-*s  heads with the largest shares\n", "attention", BAR, "", "MLP",
                BAR, "");
    ll_style(out, t, LL_PLAIN);
    for (int l = 0; l < a->n_layers; l++) {
        ll_buf_addf(out, "%5d", l);
        put_share(out, t, a->attn[l], most);
        put_share(out, t, a->mlp[l], most);
        put_heads(out, a->head + (size_t)l * (size_t)a->n_heads, a->n_heads, (t->width - 40) / 11);
        ll_buf_addc(out, '\n');
    }
    ll_buf_addf(out, "\nembedding %+.4f, attention %+.4f, MLPs %+.4f, biases of norm and head %+.4f",
                a->embed, attn, mlp, a->bias);
    if (v->iv->n)
        ll_buf_addf(out, ",\nwritten by interventions %+.4f", written);
    ll_buf_addf(out, "\nsum %+.6f, the model's logit %+.6f, residue %.1e (heads %.1e)\n",
                a->logit - a->residue, a->logit, a->residue, a->head_residue);
    if (a->capped != a->logit)
        ll_buf_addf(out, "after the soft cap %+.6f\n", a->capped);
}
