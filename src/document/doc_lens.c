/* doc_lens.c - what the lens did at each row and whether another would have said the same: norms used,
 * agreement of lenses, decoding points, calibration (docs/experiment.md 9.8 to 9.10, 10.1, 11.3) */
#include "doc_parts.h"

#include <math.h>
#include <stdio.h>

static const double AGREE_AT_LEAST = 0.5; /* jaccard@10 of the decoding points, docs/experiment.md 9.9 */

/* ---- docs/experiment.md 9.10 ----------------------------------------------------------------- */
/* "ln_final", "blocks[3].ln1", "raw": where a norm lies in the model. */
static void norm_place(const struct ll_model *m, const struct ll_norm *norm, char out[32])
{
    snprintf(out, 32, "%s", !norm ? "raw" : norm == &m->ln_final ? "ln_final" : "unknown");
    for (int l = 0; norm && norm != &m->ln_final && l < m->n_layers; l++) {
        const struct ll_layer *b = &m->layers[l];
        const struct {
            const struct ll_norm *at;
            const char *name;
        } of[] = {{&b->ln1, "ln1"}, {&b->ln1_post, "ln1_post"}, {&b->ln2, "ln2"}, {&b->ln2_post, "ln2_post"}};
        for (size_t i = 0; i < sizeof of / sizeof *of; i++)
            if (norm == of[i].at)
                snprintf(out, 32, "blocks[%d].%s", l, of[i].name);
    }
}

static void put_provenance(struct ll_doc *d)
{
    static const char *const strategy[LL_N_LENSES] = {"final", "next_ln1", "post_ln2", "raw"};
    const struct ll_model *m = d->set.s->model;
    struct ll_json *j = ll_doc_value(d, "diagnostics", "normalization_provenance");
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "arch", m->family->post_norms ? "post_norm" : "pre_norm");
    ll_json_obj(j, "strategy");
    ll_json_cstr(j, "primary", strategy[d->set.e->lens]);
    ll_json_cstr(j, "ablation", d->n_points ? "post_ln2_vs_next_ln1@targets" : NULL);
    ll_json_end(j);
    ll_json_arr(j, "per_layer");
    for (int l = 0; l < d->main.n_rows; l++) {
        const struct ll_norm *norm = ll_lens_norm(m, d->set.e->lens, l);
        const struct ll_row_stats *r = &d->main.rows[l];
        char place[32];
        norm_place(m, norm, place);
        ll_json_obj(j, NULL);
        ll_json_int(j, "layer", l);
        ll_json_cstr(j, "ln_source", place);
        ll_json_bool(j, "eps_inside_sqrt", norm != NULL);
        ll_json_bool(j, "scale_gamma_used", norm != NULL);
        ll_json_num(j, "resid_norm_ratio", r->resid_norm_ratio);
        ll_json_num(j, "delta_resid_cos", r->delta_resid_cos);
        ll_json_num(j, "raw_resid_norm", r->resid_norm);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_end(j);
}

static void put_layer_map(struct ll_doc *d)
{
    const struct ll_model *m = d->set.s->model;
    struct ll_json *j = ll_doc_value(d, "diagnostics", "layer_map");
    ll_json_arr(j, NULL);
    for (int l = 0; l <= m->n_layers; l++) {
        char place[32], block[32];
        norm_place(m, ll_lens_norm(m, d->set.e->lens, l), place);
        snprintf(block, sizeof block, l == m->n_layers ? "final" : "blocks[%d]", l ? l - 1 : 0);
        ll_json_obj(j, NULL);
        ll_json_int(j, "layer", l);
        ll_json_cstr(j, "block", block);
        ll_json_cstr(j, "stream", !l ? "pre_block" : l == m->n_layers ? "unembed_head" : "post_block");
        ll_json_cstr(j, "norm", place);
        ll_json_end(j);
    }
    ll_json_end(j);
}

static void put_unembed_bias(struct ll_doc *d)
{
    const struct ll_model *m = d->set.s->model;
    double sum = 0, max = 0;
    for (int v = 0; m->b_U && v < m->d_vocab; v++) {
        sum += (double)m->b_U[v] * (double)m->b_U[v];
        max = fabs((double)m->b_U[v]) > max ? fabs((double)m->b_U[v]) : max;
    }
    struct ll_json *j = ll_doc_value(d, "diagnostics", "unembed_bias");
    ll_json_obj(j, NULL);
    ll_json_bool(j, "present", m->b_U != NULL);
    ll_json_num(j, "l2_norm", sqrt(sum));
    ll_json_num(j, "max_abs", max);
    ll_json_end(j);
}

/* ---- docs/experiment.md 9.8 ------------------------------------------------------------------ */
static void put_agreement(struct ll_json *j, const char *key, int layer, struct ll_agreement a)
{
    ll_json_obj(j, key);
    if (layer >= 0)
        ll_json_int(j, "layer", layer);
    ll_json_num(j, "jaccard@10", a.jaccard10);
    ll_json_num(j, "jaccard@50", a.jaccard50);
    ll_json_num(j, "spearman_top50", a.spearman50);
    ll_json_end(j);
}

static void put_lens_pair(struct ll_doc *d, struct ll_json *j, const char *key, enum ll_lens_of lens,
                          struct ll_agreement p50)
{
    ll_json_obj(j, key);
    ll_json_arr(j, "at_targets");
    for (int i = 0; i < d->n_agree; i++)
        put_agreement(j, NULL, d->agree_at[i].layer, ll_agreement_at(&d->main, d->agree_at[i].layer, lens));
    ll_json_end(j);
    put_agreement(j, "p50", -1, p50);
    ll_json_end(j);
}

static void put_consistency(struct ll_doc *d)
{
    struct ll_json *j = ll_doc_value(d, "diagnostics", "lens_consistency");
    ll_json_obj(j, NULL);
    ll_json_arr_flat(j, "targets");
    for (int i = 0; i < d->n_agree; i++)
        ll_json_cstr(j, NULL, d->agree_at[i].name);
    ll_json_end(j);
    put_lens_pair(d, j, "norm_vs_raw", LL_OF_RAW, d->agree_raw);
    if (d->set.tuned)
        put_lens_pair(d, j, "norm_vs_tuned", LL_OF_TUNED, d->agree_tuned);
    ll_json_end(j);
}

/* ---- docs/experiment.md 9.9 ------------------------------------------------------------------ */
static int rank1_agree(const struct ll_decoding_point *p)
{
    return p->ln1.answer_rank == 1 && p->ln2.answer_rank == 1;
}

static void put_point(struct ll_json *j, const char *name, const struct ll_decoding_point *p)
{
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "name", name);
    ll_json_int(j, "layer", p->row);
    ll_json_bool(j, "rank1_agree", rank1_agree(p));
    if (p->ln1.answer_rank > 0 && p->ln2.answer_rank > 0)
        ll_json_int(j, "delta_answer_rank", p->ln2.answer_rank - p->ln1.answer_rank);
    else
        ll_json_null(j, "delta_answer_rank");
    ll_json_bool(j, "top1_token_agree", p->ln1.top[0].id == p->ln2.top[0].id);
    ll_json_layer(j, "answer_rank_post_ln2", p->ln2.answer_rank);
    ll_json_layer(j, "answer_rank_next_ln1", p->ln1.answer_rank);
    ll_json_int(j, "top1_id_post_ln2", p->ln2.top[0].id);
    ll_json_int(j, "top1_id_next_ln1", p->ln1.top[0].id);
    ll_json_num(j, "p_answer_post_ln2", p->ln2.p_answer);
    ll_json_num(j, "p_answer_next_ln1", p->ln1.p_answer);
    ll_json_num(j, "p_top1_post_ln2", p->ln2.p_top1);
    ll_json_num(j, "p_top1_next_ln1", p->ln1.p_top1);
    ll_json_num(j, "spearman_top50", p->spearman50);
    ll_json_num(j, "jaccard@10", p->jaccard10);
    ll_json_num(j, "jaccard@50", p->jaccard50);
    ll_json_cstr(j, "status", "ok");
    ll_json_end(j);
}

static int preferred_point(const struct ll_doc *d)
{
    const struct ll_pass_milestones *m = &d->passes[0].m;
    int layer = m->strong_run2 >= 0 ? m->strong_run2 : m->strong >= 0 ? m->strong : m->L_semantic;
    for (int i = 0; i < d->n_points; i++)
        if (d->targets[i].layer == layer)
            return i;
    return -1;
}

static int points_consistent(const struct ll_doc *d)
{
    int at = preferred_point(d);
    for (int i = 0; i < d->n_points; i++)
        if (!rank1_agree(&d->points[i]))
            return 0;
    return !d->n_points ? -1 : at >= 0 && d->points[at].jaccard10 >= AGREE_AT_LEAST;
}

static void put_decoding_point(struct ll_doc *d)
{
    int at = preferred_point(d);
    d->points_consistent = points_consistent(d);
    struct ll_json *j = ll_doc_value(d, "diagnostics", "decoding_point");
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "arch", d->set.s->model->family->post_norms ? "post_norm" : "pre_norm");
    ll_json_bool(j, "tested", d->n_points > 0);
    ll_json_arr_flat(j, "strategies");
    ll_json_cstr(j, NULL, "post_ln2");
    ll_json_cstr(j, NULL, "next_ln1");
    ll_json_end(j);
    ll_json_arr(j, "targets");
    for (int i = 0; i < d->n_points; i++) {
        ll_json_obj_flat(j, NULL);
        ll_json_cstr(j, "name", d->targets[i].name);
        ll_json_int(j, "layer", d->targets[i].layer);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_arr(j, "per_target");
    for (int i = 0; i < d->n_points; i++)
        put_point(j, d->targets[i].name, &d->points[i]);
    ll_json_end(j);
    ll_json_obj(j, "gate");
    ll_doc_tri(j, "decoding_point_consistent", d->points_consistent);
    ll_json_end(j);
    if (at >= 0) {
        ll_json_obj(j, "preferred_target");
        ll_json_cstr(j, "name", d->targets[at].name);
        ll_json_int(j, "layer", d->targets[at].layer);
        ll_json_end(j);
    }
    ll_json_end(j);
}

/* ---- docs/experiment.md 10.1, 11.3 ----------------------------------------------------------- */
static void put_calibration(struct ll_doc *d)
{
    static const char *const keys[3] = {"kl_to_final_bits_norm_temp@25%", "kl_to_final_bits_norm_temp@50%",
                                        "kl_to_final_bits_norm_temp@75%"};
    if (!d->set.tau) {
        ll_json_null(ll_doc_value(d, "diagnostics", "tau_norm_per_layer"), NULL);
        return;
    }
    struct ll_json *j = ll_doc_value(d, "diagnostics", "tau_norm_per_layer");
    ll_json_arr_flat(j, NULL);
    for (int l = 0; l < d->main.n_rows; l++)
        ll_json_num(j, NULL, d->set.tau[l]);
    ll_json_end(j);
    for (int q = 1; q <= 3; q++) {
        int l = ll_quarter_row(d->main.n_layers, q);
        j = ll_doc_value(d, "diagnostics", keys[q - 1]);
        ll_json_obj(j, NULL);
        ll_json_int(j, "layer", l);
        ll_json_num(j, "value", d->main.rows[l].kl_to_final_norm_temp_bits);
        ll_json_end(j);
    }
}

static void put_ranks(struct ll_json *j, const char *key, const int rank[LL_N_RANK_AT])
{
    ll_json_obj(j, key);
    ll_json_layer(j, "le_10", rank[2]);
    ll_json_layer(j, "le_5", rank[1]);
    ll_json_layer(j, "le_1", rank[0]);
    ll_json_end(j);
}

/* Layers: alt - baseline, null unless both are there. */
static void put_later(struct ll_json *j, const char *key, int base, int alt)
{
    if (base < 0 || alt < 0)
        ll_json_null(j, key);
    else
        ll_json_int(j, key, alt - base);
}

static void put_sidecar_metrics(struct ll_json *j, const char *name, const struct ll_sidecar *base,
                                const struct ll_sidecar *alt)
{
    double gain[3];
    ll_json_obj(j, "metrics");
    ll_json_obj(j, "rank_milestones");
    put_ranks(j, "baseline", base->rank);
    put_ranks(j, name, alt->rank);
    ll_json_obj(j, "delta");
    put_later(j, "le_10", base->rank[2], alt->rank[2]);
    put_later(j, "le_5", base->rank[1], alt->rank[1]);
    put_later(j, "le_1", base->rank[0], alt->rank[0]);
    ll_json_end(j);
    ll_json_end(j);
    ll_json_obj(j, "kl_bits_at_percentiles");
    ll_doc_quartiles(j, "baseline", base->kl_at);
    ll_doc_quartiles(j, name, alt->kl_at);
    for (int i = 0; i < 3; i++)
        gain[i] = base->kl_at[i] - alt->kl_at[i];
    ll_doc_quartiles(j, "delta", gain);
    ll_json_end(j);
    ll_json_obj(j, "first_kl_le_1.0");
    ll_json_layer(j, "baseline", base->first_kl_1);
    ll_json_layer(j, name, alt->first_kl_1);
    put_later(j, "delta", base->first_kl_1, alt->first_kl_1);
    ll_json_end(j);
    ll_json_end(j);
}

static void put_tuned(struct ll_doc *d)
{
    struct ll_json *j = ll_doc_value(d, NULL, "tuned_lens");
    ll_json_obj(j, NULL);
    const struct ll_experiment *e = d->set.e;
    ll_json_cstr(j, "status",
                 d->set.tuned                                   ? "loaded"
                     : e->tuned_dir && e->tuned == LL_TUNED_OFF ? "disabled"
                                                                : "missing");
    ll_json_cstr(j, "mode", ll_tuned_mode_name(e->tuned_dir ? e->tuned : LL_TUNED_OFF));
    if (d->set.tuned) {
        struct ll_sidecar base, alt;
        ll_sidecar_of(&base, &d->main, LL_OF_NORM);
        ll_sidecar_of(&alt, &d->main, LL_OF_TUNED);
        ll_json_obj(j, "summary");
        put_sidecar_metrics(j, "tuned", &base, &alt);
        ll_json_end(j);
        ll_json_num(j, "delta_kl_tuned_p50", d->tuned_gain_p50); /* over all rows of the main pass, ours */
    }
    if (d->set.put_tuned)
        d->set.put_tuned(d->set.put_tuned_arg, j);
    ll_json_end(j);
}

void ll_doc_put_lens(struct ll_doc *d)
{
    put_unembed_bias(d);
    put_provenance(d);
    put_layer_map(d);
    put_consistency(d);
    put_decoding_point(d);
    put_calibration(d);
    put_tuned(d);
}
