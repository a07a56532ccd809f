/* doc_trust.c - can the main pass be trusted: last row, repeatability, gates, health, growth of the residual
 * (docs/experiment.md 9.1 to 9.7) */
#include "doc_parts.h"
#include "tuned_doc.h"

#include <math.h>

static const double LAST_ROW_BITS = 0.25;           /* docs/experiment.md 9.1 */
static const double RANK_DEV = 5, FLIP_RATE = 0.02; /* docs/experiment.md 9.2 */

/* ---- docs/experiment.md 9.1 ------------------------------------------------------------------ */
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

/* ---- docs/experiment.md 9.2, 9.3 ------------------------------------------------------------- */

static void put_repeatability(struct ll_doc *d)
{
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
}

/* Without a second pass ("auto" leaves it out, as the original does, where the rows decode to the same again)
 * what it would say is null. */
static void put_forward(struct ll_doc *d)
{
    const struct ll_doc_forward *f = &d->forward;
    const char *name, *mode = ll_repeat_mode_name(d->set.e->repeat);
    int layer = ll_preferred_semantic(&d->passes[0].m, &name);
    struct ll_json *j = ll_doc_value(d, "diagnostics", "repeatability_forward");
    ll_json_obj(j, NULL);
    ll_json_bool(j, "enabled", d->set.e->repeat != LL_REPEAT_OFF);
    ll_json_cstr(j, "mode",
                 d->set.e->repeat == LL_REPEAT_AUTO && !f->is_run ? "skipped_deterministic" : mode);
    ll_json_obj(j, "milestones");
    ll_json_cstr(j, "primary", name);
    ll_json_obj(j, "pass1");
    ll_json_layer(j, "layer", layer);
    ll_json_end(j);
    ll_json_obj(j, "pass2");
    ll_json_layer(j, "layer", f->is_run ? f->layer : -1);
    if (f->is_run)
        ll_json_cstr(j, "primary", f->name);
    ll_json_end(j);
    ll_json_num(j, "delta_layers", f->is_run && layer >= 0 && f->layer >= 0 ? f->layer - layer : NAN);
    ll_json_end(j);
    ll_json_num(j, "topk_jaccard_at_primary_layer", f->is_run ? f->jaccard10 : NAN);
    ll_json_obj(j, "gate");
    ll_doc_tri(j, "repeatability_forward_pass", f->is_run ? f->agrees : -1);
    ll_json_end(j);
    ll_json_int(j, "tolerance_layers", LL_REPEAT_LAYERS);
    ll_json_int(j, "topk_k", LL_REPEAT_TOP);
    ll_doc_tri(j, "rows_identical", f->is_run ? f->is_equal : -1);
    ll_json_end(j);
}

/* ---- docs/experiment.md 9.4 ------------------------------------------------------------------ */
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

/* ---- docs/experiment.md 9.5 ------------------------------------------------------------------ */
/* Every position's target is the prompt's own next token, the last one's the answer: the original had a
 * target at the last position only, so that its figure could never pass (docs/experiment.md 9.5, 16.2). Left
 * out where only the last position was swept. */
double ll_doc_rank1_frac(const struct ll_doc *d, int layer)
{
    int n = 0, first = 0;
    for (int i = 0; i < d->n_at && layer >= 0; i++) {
        n += d->target[i] >= 0;
        first += d->target[i] >= 0 && d->at_rank[i * d->main.n_rows + layer] == 1;
    }
    return n ? (double)first / n : NAN;
}

static void put_rank1(const struct ll_doc *d, struct ll_json *j, const char *key, int layer)
{
    ll_json_arr_flat(j, key);
    for (int i = 0; i < d->n_at && layer >= 0; i++)
        ll_doc_tri(j, NULL, d->target[i] < 0 ? -1 : d->at_rank[i * d->main.n_rows + layer] == 1);
    ll_json_end(j);
}

static void put_targets(const struct ll_doc *d, struct ll_json *j)
{
    const struct ll_pass_milestones *m = &d->passes[0].m;
    ll_json_arr_flat(j, "positions");
    for (int i = 0; i < d->n_at; i++)
        ll_json_int(j, NULL, d->at[i].pos);
    ll_json_end(j);
    ll_json_arr_flat(j, "target_ids");
    for (int i = 0; i < d->n_at; i++)
        ll_json_layer(j, NULL, d->target[i]);
    ll_json_end(j);
    put_rank1(d, j, "rank1_at_L_semantic_norm", m->L_semantic);
    put_rank1(d, j, "rank1_at_L_semantic_strong_run2", m->strong_run2);
    ll_json_cstr(j, "target", "the prompt's next token, at the last position the answer");
}

void ll_doc_position_window(struct ll_doc *d, struct ll_json *j, const char *key)
{
    const struct ll_pass_milestones *m = &d->passes[0].m;
    struct ll_pos_frac at[LL_N_POS_FRACS];
    int n = ll_position_fractions(d->passes[0].n_ids, at);
    double frac = ll_doc_rank1_frac(d, m->L_semantic);
    ll_json_obj(j, key);
    ll_json_arr_flat(j, "grid");
    for (int i = 0; i < n; i++)
        ll_json_num(j, NULL, at[i].frac);
    ll_json_end(j);
    ll_json_layer(j, "L_semantic_norm", m->L_semantic);
    ll_json_num(j, "rank1_frac", frac);
    ll_json_int(j, "n_positions", n);
    ll_json_num(j, "rank1_frac_strong_run2", ll_doc_rank1_frac(d, m->strong_run2));
    ll_doc_tri(j, "fragile", isnan(frac) ? -1 : frac < LL_POSITION_FRAGILE);
    if (d->n_at)
        put_targets(d, j);
    else
        ll_json_cstr(j, "omitted", "rank1_frac: only the last position was swept");
    ll_json_end(j);
}

/* ---- docs/experiment.md 9.6, 9.7 ------------------------------------------------------------- */
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
    put_forward(d);
    put_gates(d);
    ll_doc_position_window(d, ll_doc_value(d, "diagnostics", "position_window"), NULL);
    put_health(d);
}
