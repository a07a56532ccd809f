/* doc_raw.c - raw lens against norm lens in the document (docs/experiment.md 8) */
#include "doc_parts.h"

#include <stdio.h>

static void put_sample(struct ll_json *j, const struct ll_doc_pass *p, const struct ll_doc_raw_row *r)
{
    const struct ll_doc_reading *n = &r->norm, *w = &r->raw;
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "fact_key", p->fact_key);
    ll_json_int(j, "layer", r->layer);
    ll_json_num(j, "kl_norm_vs_raw_bits", r->kl_bits);
    ll_json_bool(j, "top1_agree", n->top_id == w->top_id);
    ll_json_num(j, "p_top1_norm", n->p_top1);
    ll_json_num(j, "p_top1_raw", w->p_top1);
    ll_json_num(j, "p_answer_norm", n->p_answer);
    ll_json_num(j, "p_answer_raw", w->p_answer);
    ll_json_layer(j, "answer_rank_norm", n->answer_rank);
    ll_json_layer(j, "answer_rank_raw", w->answer_rank);
    ll_json_bool(j, "is_answer_norm", n->answer_rank == 1);
    ll_json_bool(j, "is_answer_raw", w->answer_rank == 1);
    ll_json_end(j);
}

/* Samples of the micro-suite's passes, as in the original, or of the main pass where there is no suite. The
 * summary is the main pass's alone. */
static void put_check(struct ll_doc *d)
{
    const struct ll_raw_sampled *s = &d->passes[0].sampled;
    struct ll_json *j = ll_doc_value(d, NULL, "raw_lens_check");
    int n = d->n_facts ? d->n_facts : 1;
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "mode", d->raw_mode == LL_RAW_OFF ? "off" : "sample");
    ll_json_arr(j, "samples");
    for (int i = 0; i < n; i++) {
        const struct ll_doc_pass *p = &d->passes[d->n_facts ? d->fact_pass[i] : 0];
        for (int k = 0; k < p->n_samples; k++)
            put_sample(j, p, &p->samples[k]);
    }
    ll_json_end(j);
    ll_json_obj(j, "summary");
    ll_json_layer(j, "first_norm_only_semantic_layer", s->first_norm_only);
    ll_json_num(j, "max_kl_norm_vs_raw_bits", s->max_kl_bits);
    ll_json_cstr(j, "lens_artifact_risk", s->n ? ll_tier_name(s->risk) : NULL);
    ll_json_end(j);
    ll_json_end(j);
}

static void put_window(struct ll_doc *d)
{
    const struct ll_doc_pass *p = &d->passes[0];
    int centers[LL_RAW_CENTERS], n = ll_raw_window_centers(&p->m, centers);
    double max = -1;
    struct ll_json *j = ll_doc_value(d, "diagnostics", "raw_lens_window");
    ll_json_obj(j, NULL);
    ll_json_int(j, "radius", d->rules.raw_radius);
    ll_json_arr_flat(j, "center_layers");
    for (int i = 0; i < n; i++)
        ll_json_int(j, NULL, centers[i]);
    ll_json_end(j);
    ll_json_arr_flat(j, "layers_checked");
    for (int i = 0; i < p->n_window; i++) {
        ll_json_int(j, NULL, p->window[i].layer);
        max = p->window[i].kl_bits > max ? p->window[i].kl_bits : max;
    }
    ll_json_end(j);
    ll_json_arr_flat(j, "norm_only_semantics_layers");
    for (int i = 0; i < p->n_window; i++)
        if (ll_norm_only_semantic(&d->main.rows[p->window[i].layer]) == 1)
            ll_json_int(j, NULL, p->window[i].layer);
    ll_json_end(j);
    if (max < 0)
        ll_json_null(j, "max_kl_norm_vs_raw_bits_window");
    else
        ll_json_num(j, "max_kl_norm_vs_raw_bits_window", max);
    ll_json_cstr(j, "mode", d->raw_mode == LL_RAW_OFF ? "off" : "window");
    ll_json_end(j);
}

/* One number a row under its layer's name. */
static void put_rows(struct ll_doc *d, struct ll_json *j, const char *key,
                     double (*value)(const struct ll_row_stats *))
{
    ll_json_obj_flat(j, key);
    for (int l = 0; l < d->main.n_rows; l++) {
        char name[16];
        snprintf(name, sizeof name, "%d", l);
        ll_json_num(j, name, value(&d->main.rows[l]));
    }
    ll_json_end(j);
}

static double raw_norm(const struct ll_row_stats *r) { return r->jaccard50_raw; }
static double previous(const struct ll_row_stats *r) { return r->jaccard50_previous; }

static void put_overlap(struct ll_doc *d, struct ll_json *j)
{
    ll_json_obj(j, "topk_overlap");
    ll_json_int(j, "K", LL_TOP_COMPARED);
    ll_json_num(j, "jaccard_raw_norm_p50", d->full.jaccard50_p50);
    ll_json_layer(j, "first_jaccard_raw_norm_ge_0.5", d->full.first_jaccard);
    put_rows(d, j, "per_layer_raw_norm", raw_norm);
    put_rows(d, j, "per_layer_consecutive_norm", previous);
    ll_json_cstr(j, "cross_key", "topk_jaccard_raw_norm@50");
    ll_json_cstr(j, "consecutive_key", "topk_jaccard_consecutive@50");
    ll_json_end(j);
}

static void put_full(struct ll_doc *d)
{
    const struct ll_raw_full *f = &d->full;
    struct ll_json *j = ll_doc_value(d, "diagnostics", "raw_lens_full");
    ll_json_obj(j, NULL);
    ll_json_num(j, "pct_layers_kl_ge_1.0", f->pct_kl_ge_1);
    ll_json_num(j, "pct_layers_kl_ge_0.5", f->pct_kl_ge_half);
    ll_json_int(j, "n_norm_only_semantics_layers", f->n_norm_only);
    ll_json_layer(j, "earliest_norm_only_semantic", f->earliest_norm_only);
    ll_json_num(j, "max_kl_norm_vs_raw_bits", f->max_kl_bits);
    ll_json_cstr(j, "mode", "full");
    ll_doc_quartiles(j, "js_divergence_percentiles", f->js);
    ll_doc_quartiles(j, "l1_prob_diff_percentiles", f->l1);
    ll_json_layer(j, "first_js_le_0.1", f->first_js);
    ll_json_layer(j, "first_l1_le_0.5", f->first_l1);
    ll_json_num(j, "teacher_entropy_bits", d->main.teacher_entropy_bits);
    put_overlap(d, j);
    ll_json_obj(j, "score");
    ll_json_num(j, "lens_artifact_score", f->score);
    ll_json_num(j, "lens_artifact_score_v2", f->score_v2);
    ll_json_cstr(j, "tier", ll_tier_name(f->tier));
    ll_json_end(j);
    ll_json_end(j);
}

/* The score's own constants, so that a reader need not look them up (raw_checks.h has the formula). */
static void put_config(struct ll_doc *d)
{
    const struct ll_artifact_weights *w = &ll_artifact_weights;
    struct ll_json *j = ll_doc_value(d, "diagnostics", "config");
    ll_json_obj(j, NULL);
    ll_json_obj(j, "lens_artifact_score");
    ll_json_obj(j, "weights");
    ll_json_num(j, "pct_ge_1.0", w->pct_kl);
    ll_json_num(j, "norm_only", w->norm_only);
    ll_json_num(j, "max_kl_scaled", w->max_kl);
    ll_json_end(j);
    ll_json_obj(j, "thresholds");
    ll_json_num(j, "low", w->low);
    ll_json_num(j, "high", w->high);
    ll_json_end(j);
    ll_json_obj(j, "v2_addends");
    ll_json_num(j, "js_p50", w->js);
    ll_json_num(j, "l1_p50", w->l1);
    ll_json_end(j);
    ll_json_end(j);
    ll_json_end(j);
}

void ll_doc_put_raw(struct ll_doc *d)
{
    put_check(d);
    put_window(d);
    if (d->full.n == d->main.n_rows) { /* read raw at every row */
        put_full(d);
        put_config(d);
    } else
        ll_json_null(ll_doc_value(d, "diagnostics", "raw_lens_full"), NULL);
}
