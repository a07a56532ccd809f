/* doc_trust.c - can the main pass be trusted: last row, repeatability, gates, health, growth of the residual (spec 14, 16.4 to
 * 16.9) */
#include "doc_parts.h"
#include "tuned_doc.h"

#include <math.h>

static const double LAST_ROW_BITS = 0.25; /* spec 14 */
static const double RANK_DEV = 5, FLIP_RATE = 0.02; /* spec 16.4 */

/* ---- 14 ---------------------------------------------------------------------------------------------------------- */
static void put_last_row(struct ll_doc *d)
{
    const struct ll_last_row *r = &d->last;
    double gain = r->kl_to_final_bits - r->kl_after_temp_bits;
    d->warn_last_layer = r->kl_to_final_bits >= LAST_ROW_BITS || gain >= LAST_ROW_BITS;
    struct ll_json *j = ll_doc_value(d, "diagnostics", "last_layer_consistency");
    ll_json_obj(j, NULL);
    ll_json_num(j, "kl_to_final_bits", r->kl_to_final_bits);
    ll_json_bool(j, "top1_agree", r->top1_agree);
    ll_json_num(j, "p_top1_lens", r->p_top1_lens);
    ll_json_num(j, "p_top1_model", r->p_top1_model);
    ll_json_num(j, "p_answer_lens", r->p_answer_lens);
    ll_json_layer(j, "answer_rank_lens", r->answer_rank_lens);
    ll_json_num(j, "temp_est", r->temp_est);
    ll_json_num(j, "kl_after_temp_bits", r->kl_after_temp_bits);
    ll_json_obj(j, "cfg_transform");
    ll_json_num(j, "scale", r->scale);
    ll_json_num(j, "softcap", r->softcap);
    ll_json_end(j);
    ll_json_obj(j, "kl_after_transform_bits");
    ll_json_num(j, "scale", r->kl_after_scale_bits);
    ll_json_num(j, "softcap", r->kl_after_softcap_bits);
    ll_json_num(j, "scale_then_softcap", r->kl_after_both_bits);
    ll_json_end(j);
    ll_json_bool(j, "warn_high_last_layer_kl", d->warn_last_layer);
    ll_json_obj(j, "gates");
    ll_json_bool(j, "warn_high_last_layer_kl", d->warn_last_layer);
    ll_json_num(j, "threshold_bits", LAST_ROW_BITS);
    ll_json_num(j, "delta_kl_temp_bits", gain);
    ll_json_end(j);
    ll_json_end(j);
}

/* ---- 16.4 and 16.5 ----------------------------------------------------------------------------------------------- */

static void put_repeatability(struct ll_doc *d)
{
    const struct ll_pass_milestones *m = &d->passes[0].m;
    const char *name;
    int layer = ll_preferred_semantic(m, &name);
    d->is_repeatable = d->repeat.max_rank_dev <= RANK_DEV && d->repeat.top1_flip_rate <= FLIP_RATE;
    struct ll_json *j = ll_doc_value(d, "diagnostics", "repeatability");
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "status", d->is_repeatable ? "ok" : "variance_high");
    ll_json_int(j, "layers_checked", d->main.n_rows);
    ll_json_num(j, "max_rank_dev", d->repeat.max_rank_dev);
    ll_json_num(j, "p95_rank_dev", d->repeat.p95_rank_dev);
    ll_json_num(j, "top1_flip_rate", d->repeat.top1_flip_rate);
    ll_json_bool(j, "deterministic_algorithms", 1);
    ll_json_end(j);
    /* a second pass is left out, as the original's "auto" does where the engine is deterministic and the rows repeat */
    j = ll_doc_value(d, "diagnostics", "repeatability_forward");
    ll_json_obj(j, NULL);
    ll_json_bool(j, "enabled", 1);
    ll_json_cstr(j, "mode", "skipped_deterministic");
    ll_json_obj(j, "milestones");
    ll_json_cstr(j, "primary", name);
    ll_json_obj(j, "pass1");
    ll_json_layer(j, "layer", layer);
    ll_json_end(j);
    ll_json_obj(j, "pass2");
    ll_json_null(j, "layer");
    ll_json_end(j);
    ll_json_null(j, "delta_layers");
    ll_json_end(j);
    ll_json_null(j, "topk_jaccard_at_primary_layer");
    ll_json_obj(j, "gate");
    ll_json_null(j, "repeatability_forward_pass");
    ll_json_end(j);
    ll_json_int(j, "tolerance_layers", 1);
    ll_json_int(j, "topk_k", 10);
    ll_json_end(j);
}

/* ---- 16.6 -------------------------------------------------------------------------------------------------------- */
static void put_gates(struct ll_doc *d)
{
    struct ll_json *j = ll_doc_value(d, "diagnostics", "gate_stability_small_scale");
    ll_json_obj(j, NULL);
    ll_json_arr_flat(j, "scales");
    for (int i = 0; i < LL_GATE_SCALES; i++)
        ll_json_num(j, NULL, ll_gate_scales[i]);
    ll_json_end(j);
    ll_json_obj(j, "per_target");
    for (int i = 0; i < d->n_gates; i++) {
        ll_json_obj(j, d->gates[i].name);
        ll_json_int(j, "layer", d->gates[i].layer);
        ll_json_num(j, "uniform_margin_pass_frac", d->gates[i].uniform_margin);
        ll_json_num(j, "top2_gap_pass_frac", d->gates[i].top2_gap);
        ll_json_num(j, "both_gates_pass_frac", d->gates[i].both);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_num(j, "min_both_gates_pass_frac", d->least_gate);
    ll_json_end(j);
}

/* ---- 16.7 -------------------------------------------------------------------------------------------------------- */
/* The share of positions whose target is rank 1 is left out: only the last position has a target here, as it had in the
 * original, whose figure could therefore never pass (spec 16.7, defect D4). */
void ll_doc_position_window(struct ll_doc *d, struct ll_json *j, const char *key)
{
    struct ll_pos_frac at[LL_N_POS_FRACS];
    int n = ll_position_fractions(d->passes[0].n_ids, at);
    ll_json_obj(j, key);
    ll_json_arr_flat(j, "grid");
    for (int i = 0; i < n; i++)
        ll_json_num(j, NULL, at[i].frac);
    ll_json_end(j);
    ll_json_layer(j, "L_semantic_norm", d->passes[0].m.L_semantic);
    ll_json_null(j, "rank1_frac");
    ll_json_int(j, "n_positions", n);
    ll_json_null(j, "rank1_frac_strong_run2");
    ll_json_cstr(j, "omitted", "rank1_frac: only the last position has a target");
    ll_json_end(j);
}

/* ---- 16.8 and 16.9 ----------------------------------------------------------------------------------------------- */
static void put_health(struct ll_doc *d)
{
    struct ll_json *j = ll_doc_value(d, "diagnostics", "numeric_health");
    ll_json_obj(j, NULL);
    ll_json_bool(j, "any_nan", d->health.any_nan);
    ll_json_bool(j, "any_inf", d->health.any_inf);
    ll_json_num(j, "max_abs_logit_p99", d->health.max_abs_logit_p99);
    ll_json_num(j, "min_prob_p01", d->health.min_p_p01);
    ll_json_arr_flat(j, "layers_flagged");
    for (int l = 0; l < d->main.n_rows; l++)
        if (d->main.rows[l].n_nan || d->main.rows[l].n_inf)
            ll_json_int(j, NULL, l);
    ll_json_end(j);
    ll_json_end(j);
    j = ll_doc_value(d, "diagnostics", "norm_trajectory");
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "shape", ll_shape_name(d->trajectory.shape));
    ll_json_num(j, "slope", d->trajectory.slope);
    ll_json_num(j, "r2", d->trajectory.r2);
    ll_json_int(j, "n_spikes", d->trajectory.n_spikes);
    ll_json_int(j, "sampled_layers", d->trajectory.n_rows);
    ll_json_end(j);
}

void ll_doc_put_trust(struct ll_doc *d)
{
    put_last_row(d);
    put_repeatability(d);
    put_gates(d);
    ll_doc_position_window(d, ll_doc_value(d, "diagnostics", "position_window"), NULL);
    put_health(d);
}
