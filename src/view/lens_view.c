/* lens_view.c - see lens_view.h */
#include "lens_view.h"

#include "answers_view.h"
#include "attribution_view.h"
#include "cells.h"
#include "human.h"
#include "intervene_view.h"
#include "utf8.h"
#include "width.h"

#include <math.h>
#include <string.h>

/* The text up to the position read; what does not fit is cut off in front, because the end is what matters.
 * Bytes are joined before they are decoded: a character may be spread over several tokens. */
static void put_prompt(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_report *d)
{
    enum { BYTES_A_COLUMN = 8 };
    struct ll_buf bytes = {0}, text = {0};
    int room = t->width - 12, first = d->pos;
    for (long have = 0; first > 0 && have < (long)room * BYTES_A_COLUMN; first--) {
        ll_buf_reset(&bytes);
        ll_token_bytes(d->names, d->ids[first], &bytes);
        have += (long)bytes.len;
    }
    ll_buf_reset(&bytes);
    for (int i = first; i <= d->pos; i++)
        ll_token_bytes(d->names, d->ids[i], &bytes);
    ll_utf8_clean(&text, ll_buf_str(&bytes), bytes.len);
    const char *s = ll_buf_str(&text);
    size_t n = text.len;
    for (int over = ll_text_width(s, n) - room; over > 0 && n;) {
        uint32_t cp;
        int len = ll_utf8_next(s, n, &cp, NULL);
        over -= ll_cp_width(cp);
        s += len;
        n -= (size_t)len;
    }
    ll_buf_addf(out, "reading  %s", first || s != ll_buf_str(&text) ? "…" : "");
    ll_put_cell(out, s, n, room, 0);
    ll_buf_addc(out, '\n');
    ll_buf_free(&bytes);
    ll_buf_free(&text);
}

static void put_header(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_report *d,
                       double bits_max)
{
    const struct ll_model *m = d->model;
    const int is_default_site = !strcmp(d->site, ll_site_name(LL_SITE_RESID_POST));
    char n[16];
    ll_style(out, t, LL_BOLD);
    ll_buf_addf(out, "%s", m->ckpt->clean);
    ll_style(out, t, LL_PLAIN);
    ll_buf_addf(out, "  %s, %d layers, width %d, vocabulary %d, %s parameters\n", m->family->name,
                m->n_layers, m->d_model, m->d_vocab, ll_human_count((double)m->n_params, n));
    put_prompt(out, t, d);
    ll_buf_addf(out, "position %d of 0..%d, %s%s lens (%s%s)%s%s%s\nentropy in bits, at most %.2f\n", d->pos,
                d->n_ids - 1, d->tuned_lens ? "tuned " : "", d->lens, ll_norm_kind_name(m),
                !strcmp(d->ln_bias, "drop") && m->ln_final.b ? ", bias dropped before the last row" : "",
                is_default_site ? "" : ", site ", is_default_site ? "" : d->site,
                !strcmp(d->head, "bare") ? ", bare head" : "", bits_max);
    ll_style(out, t, LL_YELLOW);
    ll_intervene_lines(out, d->iv);
    ll_style(out, t, LL_PLAIN);
    ll_buf_addc(out, '\n');
}

enum { BAR = 10, CELL = 11 }; /* columns of the entropy bar and of a token's text */

static int tokens_that_fit(const struct ll_lens_report *d, int top, const struct ll_term *t)
{
    int left = t->width - (5 + 1 + 6 + 1 + BAR + 2) - (ll_lens_main_slot(d) >= 0 ? 17 : 0),
        k = left / (CELL + 6);
    return k < 1 ? 1 : k > top ? top : k;
}

static void put_p(struct ll_buf *out, double p)
{
    if (p >= 0.9995)
        ll_buf_adds(out, "1.00");
    else if (p >= 0.0005)
        ll_buf_addf(out, ".%03d", (int)(p * 1000 + 0.5));
    else
        ll_buf_adds(out, "~0  ");
}

static void put_row(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_report *d, int layer,
                    double bits_max, int k)
{
    const struct ll_head_out *o = &d->rows[layer];
    const int slot = ll_lens_main_slot(d), answer = slot < 0 ? -1 : d->answers->tracked[slot];
    int hit = answer >= 0 && o->n_top && o->top[0].id == answer;
    ll_buf_addf(out, "%5d", layer);
    ll_buf_addf(out, " %6.3f ", o->entropy_bits);
    ll_style(out, t, LL_CYAN);
    ll_put_bar(out, o->entropy_bits / bits_max, BAR);
    ll_style(out, t, LL_PLAIN);
    for (int i = 0; i < k && i < o->n_top; i++) {
        struct ll_buf text = {0};
        ll_token_name(d->names, o->top[i].id, &text);
        ll_buf_adds(out, "  ");
        ll_style(out, t, o->top[i].id == answer ? LL_GREEN : i ? LL_DIM : LL_PLAIN);
        int blank = strspn(ll_buf_str(&text), " ") == text.len; /* would look like nothing */
        ll_put_cell(out, blank ? "␣" : ll_buf_str(&text), blank ? strlen("␣") : text.len, CELL - 1, 1);
        ll_buf_addc(out, ' ');
        put_p(out, ll_head_p(o, o->top[i].v));
        ll_style(out, t, LL_PLAIN);
        ll_buf_free(&text);
    }
    if (answer >= 0) {
        for (int i = o->n_top; i < k; i++)
            ll_buf_addf(out, "%*s", CELL + 6, "");
        ll_style(out, t, hit ? LL_GREEN : LL_PLAIN);
        ll_buf_addf(out, "  %7d %6.4f", o->tracked_rank[slot], ll_head_p(o, o->tracked_logit[slot]));
        ll_style(out, t, LL_PLAIN);
    }
    ll_buf_addc(out, '\n');
}

static void put_table(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_report *d, int top)
{
    const double bits_max = log2((double)d->model->d_vocab);
    const int k = tokens_that_fit(d, top, t), answered = ll_lens_main_slot(d) >= 0;
    put_header(out, t, d, bits_max);
    ll_style(out, t, LL_BOLD);
    ll_buf_addf(out, "layer  bits  %-*s  %-*s", BAR, "entropy", k * (CELL + 6) - 2,
                answered && k < 2 ? "next token" : "next token, most likely first");
    if (answered)
        ll_buf_addf(out, "  %7s %6s", "answer#", "p");
    ll_style(out, t, LL_PLAIN);
    ll_buf_addc(out, '\n');
    for (int l = 0; l <= d->model->n_layers; l++)
        put_row(out, t, d, l, bits_max, k);
}

void ll_lens_view(struct ll_buf *out, const struct ll_term *t, const struct ll_lens_report *d, int top)
{
    put_table(out, t, d, top);
    ll_answers_view(out, t, d);
    if (d->attribution)
        ll_attribution_view(out, t, d);
}
