/* depth_view.c - see depth_view.h */
#include "depth_view.h"

#include "cells.h"
#include "text_table.h"

/* A token's text in at most 20 columns. */
static const char *shown(const struct ll_token_names *names, int id, struct ll_buf *b)
{
    struct ll_buf raw = {0};
    ll_token_name(names, id, &raw);
    ll_buf_reset(b);
    ll_put_cell(b, ll_buf_str(&raw), raw.len, 20, 0);
    ll_buf_free(&raw);
    return ll_buf_str(b);
}

static void put_row(struct ll_text_table *t, const struct ll_depth_row *r, const struct ll_token_names *names)
{
    const struct ll_logit_health *h = &r->health;
    struct ll_buf text = {0};
    char v[32];
    const double figures[] = {
        h->stats.min,    h->stats.max, ll_tensor_mean(&h->stats), ll_tensor_std(&h->stats),
        h->entropy_bits, r->kl_bits};
    ll_text_table_cell(t, "%d", r->k);
    ll_text_table_cell(t, h->n_top ? "%d" : "-", h->n_top ? h->top[0].id : 0);
    ll_text_table_cell(t, "%s", h->n_top ? shown(names, h->top[0].id, &text) : "-");
    for (int i = 0; i < 6; i++)
        ll_text_table_cell(t, "%s", ll_fixed(figures[i], i < 4 ? 3 : 4, v));
    ll_text_table_cell(t, "%s", ll_health_name(h->health));
    ll_text_table_cell(t, "%s", r->verdict);
    ll_buf_free(&text);
}

static void put_table(struct ll_report_text *r, const struct ll_depth_row *rows, int n,
                      const struct ll_token_names *names)
{
    struct ll_text_table t =
        ll_text_table("Layers|Id|Predicted|Min|Max|Mean|Std|Entropy bits|KL to full|Health|Verdict");
    t.spare = "Mean|Std|Min|Verdict|Max";
    for (int i = 0; i < n; i++)
        put_row(&t, &rows[i], names);
    ll_text_table_put(&t, &r->screen, &r->markdown);
}

static void put_tops(struct ll_report_text *r, const struct ll_depth *d, const struct ll_token_names *names)
{
    ll_report_say(r, "\ntop-5 after the final norm (id text logit)\n\n");
    for (int i = 0; i < d->n_k; i++) {
        const struct ll_logit_health *h = &d->final[i].health;
        struct ll_buf line = {0}, text = {0};
        for (int k = 0; k < h->n_top; k++)
            ll_buf_addf(&line, "%s%d %s %.4g", k ? ", " : "", h->top[k].id, shown(names, h->top[k].id, &text),
                        (double)h->top[k].v);
        ll_report_say(r, "    %d: %s\n", d->final[i].k, ll_buf_str(&line));
        ll_buf_free(&line);
        ll_buf_free(&text);
    }
}

void ll_depth_view(struct ll_report_text *r, const struct ll_depth *d, const struct ll_depth_job *job,
                   const struct ll_token_names *names, const char *model)
{
    ll_buf_addf(&r->markdown, "# Depth truncation of %s\n\n", model);
    ll_report_say(r, "%s, %d layers, %d tokens\n\n", model, job->model->n_layers, job->n_ids);
    ll_report_say(r, "the first k layers, then final norm and unembedding\n");
    put_table(r, d->final, d->n_k, names);
    put_tops(r, d, names);
    ll_report_say(r, "\nthe same residuals with the gain of the next block's ln1 (lens row)\n");
    put_table(r, d->ln1, d->n_ln1, names);
    ll_report_say(r, "\n");
}
