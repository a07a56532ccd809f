/* doc_guide.c - how to read the numbers of this model: flags, reasons for care, the pack that evaluations
 * cite (docs/experiment.md 13.2, 13.3) and the summary that mirrors what is looked at first
 * (docs/experiment.md 13.1) */
#include "doc_parts.h"

#include <math.h>

static const double GATE_SENSITIVE = 0.75, TUNED_HINT_BITS = 0.2; /* docs/experiment.md 9.4, 11.3 */

static const struct ll_pass_milestones *of_main(const struct ll_doc *d) { return &d->passes[0].m; }

int ll_doc_is_near_uniform(const struct ll_doc *d)
{
    return of_main(d)->L_semantic >= 0 && of_main(d)->margin_ok_at_semantic == 0;
}

const char *ll_doc_preferred_lens(const struct ll_doc *d)
{
    return d->tuned_gain_p50 > TUNED_HINT_BITS ? "tuned" : "norm";
}

/* Why probabilities, or more, need care. */
typedef int (*applies)(const struct ll_doc *d);
static int last_row(const struct ll_doc *d) { return d->warn_last_layer; }
static int risky(const struct ll_doc *d)
{
    return d->passes[0].sampled.n && d->passes[0].sampled.risk == LL_TIER_HIGH;
}
static int scored(const struct ll_doc *d)
{
    return d->full.n == d->main.n_rows && d->full.tier == LL_TIER_HIGH;
}
static int varies(const struct ll_doc *d) { return !d->is_repeatable; }
static int partial(const struct ll_doc *d) { return d->alignment_rate < 1; }
static int spiky(const struct ll_doc *d) { return d->trajectory.shape == LL_SHAPE_SPIKE; }
static int unhealthy(const struct ll_doc *d) { return d->health.any_nan || d->health.any_inf; }
static int maskless(const struct ll_doc *d) { return !d->set.s->tok; }
static int sensitive_point(const struct ll_doc *d) { return d->points_consistent == 0; }
static int disagrees(const struct ll_doc *d) { return d->is_low_agreement; }
static int forward_disagrees(const struct ll_doc *d) { return d->forward.is_run && !d->forward.agrees; }
static int unstable_positions(const struct ll_doc *d)
{
    return ll_doc_rank1_frac(d, of_main(d)->L_semantic) < LL_POSITION_FRAGILE;
}
static int scale_sensitive(const struct ll_doc *d) { return d->least_gate < GATE_SENSITIVE; }
static int norm_only(const struct ll_doc *d)
{
    for (int i = 0; i < d->passes[0].n_window; i++)
        if (ll_norm_only_semantic(&d->main.rows[d->passes[0].window[i].layer]) == 1)
            return 1;
    return 0;
}

/* In the order written. flag: also a member of diagnostics.flags, under that name. */
static const struct {
    const char *reason, *flag;
    applies applies;
} reasons[] = {
    {"warn_high_last_layer_kl", NULL, last_row},
    {"norm_only_semantics_window", NULL, norm_only},
    {"high_lens_artifact_risk", NULL, risky},
    {"high_lens_artifact_score", NULL, scored},
    {"repeatability_variance_high", "repeatability_variance_high", varies},
    {"repeatability_forward_disagreement", "repeatability_forward_disagreement", forward_disagrees},
    {"gold_alignment_partial", NULL, partial},
    {"normalization_spike", "normalization_spike", spiky},
    {"numeric_health_caution", "numeric_health_caution", unhealthy},
    {"copy_mask_missing", NULL, maskless},
    {"rank_only_near_uniform", "rank_only_near_uniform", ll_doc_is_near_uniform},
    {"decoding_point_sensitive", "decoding_point_sensitive", sensitive_point},
    {"low_lens_consistency_at_semantic", "low_lens_consistency_at_semantic", disagrees},
    {"pos_window_low_stability", "pos_window_low_stability", unstable_positions},
    {"scale_sensitive_semantic_gate", NULL, scale_sensitive},
};
enum { N_REASONS = sizeof reasons / sizeof reasons[0] };

static void put_flags(struct ll_doc *d)
{
    struct ll_json *j = ll_doc_value(d, "diagnostics", "flags");
    ll_json_obj(j, NULL);
    for (int i = 0; i < N_REASONS; i++)
        if (reasons[i].flag && reasons[i].applies(d))
            ll_json_bool(j, reasons[i].flag, 1);
    if (!d->forward.is_run)
        ll_json_cstr(j, "repeatability_forward_skipped",
                     d->set.e->repeat == LL_REPEAT_OFF ? "off" : "deterministic_env");
    ll_json_end(j);
}

static void put_guidance(struct ll_doc *d)
{
    int n = 0;
    struct ll_json *j = ll_doc_value(d, NULL, "measurement_guidance");
    for (int i = 0; i < N_REASONS; i++)
        n += reasons[i].applies(d);
    ll_json_obj(j, NULL);
    ll_json_bool(j, "prefer_ranks", n > 0);
    ll_json_bool(j, "suppress_abs_probs", n > 0);
    ll_json_arr(j, "reasons");
    for (int i = 0; i < N_REASONS; i++)
        if (reasons[i].applies(d))
            ll_json_cstr(j, NULL, reasons[i].reason);
    ll_json_end(j);
    ll_json_cstr(
        j, "notes",
        "Compare probabilities within this model only; across models compare ranks and relative depth.");
    ll_json_cstr(j, "preferred_lens_for_reporting", ll_doc_preferred_lens(d));
    ll_json_cstr(j, "preferred_semantics_lens_hint", ll_doc_preferred_lens(d));
    ll_json_bool(j, "use_confirmed_semantics", of_main(d)->confirmed >= 0);
    ll_json_end(j);
}

static void put_summary(struct ll_doc *d)
{
    struct ll_json *j = ll_doc_value(d, NULL, "summary");
    ll_json_obj(j, NULL);
    ll_doc_semantic_margin(d, j, "semantic_margin");
    ll_doc_semantic_gate(d, j, "semantic_gate");
    ll_doc_aggregates(d, j, "micro_suite");
    ll_doc_position_window(d, j, "position_window");
    ll_json_end(j);
}

/* ---- the evaluation pack --------------------------------------------------------------------- */
static void pack_milestones(struct ll_doc *d, struct ll_json *j)
{
    const struct ll_pass_milestones *m = of_main(d);
    struct ll_fact f;
    ll_fact_from(&f, m, 0, 1);
    ll_json_obj(j, "milestones");
    ll_json_layer(j, "L_copy_strict", m->L_copy);
    ll_json_obj(j, "L_copy_soft");
    ll_json_layer(j, "k", m->soft_k);
    ll_json_layer(j, "layer", m->soft_first);
    ll_json_end(j);
    ll_json_layer(j, "L_semantic_norm", m->L_semantic);
    ll_json_obj(j, "L_semantic_confirmed");
    ll_json_layer(j, "layer", m->confirmed);
    ll_json_cstr(j, "source", m->confirmed_source);
    ll_json_end(j);
    ll_json_obj(j, "depth_fractions");
    ll_json_num(j, "copy_strict_frac", ll_depth_fraction(m->L_copy, m->n_layers, 4));
    ll_json_num(j, "semantic_frac", ll_depth_fraction(m->L_semantic, m->n_layers, 4));
    ll_json_num(j, "delta_hat", ll_round_even(f.delta_hat, 4));
    ll_json_end(j);
    ll_json_end(j);
}

static void pack_artifact(struct ll_doc *d, struct ll_json *j)
{
    const struct ll_raw_full *f = &d->full;
    if (f->n != d->main.n_rows) {
        ll_json_null(j, "artifact");
        return;
    }
    ll_json_obj(j, "artifact");
    ll_json_num(j, "lens_artifact_score", f->score);
    ll_json_num(j, "lens_artifact_score_v2", f->score_v2);
    ll_json_num(j, "js_divergence_p50", f->js[1]);
    ll_json_num(j, "l1_prob_diff_p50", f->l1[1]);
    ll_json_layer(j, "first_js_le_0.1", f->first_js);
    ll_json_layer(j, "first_l1_le_0.5", f->first_l1);
    ll_json_num(j, "jaccard_raw_norm_p50", f->jaccard50_p50);
    ll_json_layer(j, "first_jaccard_raw_norm_ge_0.5", f->first_jaccard);
    ll_json_num(j, "pct_layers_kl_ge_1.0", f->pct_kl_ge_1);
    ll_json_int(j, "n_norm_only_semantics_layers", f->n_norm_only);
    ll_json_layer(j, "earliest_norm_only_semantic", f->earliest_norm_only);
    ll_json_cstr(j, "risk_tier", ll_tier_name(f->tier));
    ll_json_end(j);
}

static void pack_trust(struct ll_doc *d, struct ll_json *j)
{
    const struct ll_pass_milestones *m = of_main(d);
    ll_json_obj(j, "repeatability");
    ll_json_num(j, "max_rank_dev", d->repeat.max_rank_dev);
    ll_json_num(j, "p95_rank_dev", d->repeat.p95_rank_dev);
    ll_json_num(j, "top1_flip_rate", d->repeat.top1_flip_rate);
    ll_json_cstr(j, "flag", d->is_repeatable ? "ok" : "variance_high");
    ll_json_end(j);
    ll_json_obj(j, "alignment");
    ll_json_num(j, "gold_alignment_rate", d->alignment_rate);
    ll_json_cstr(j, "variant", d->passes[0].gold.variant);
    ll_json_end(j);
    ll_json_obj(j, "norm_trajectory");
    ll_json_cstr(j, "shape", ll_shape_name(d->trajectory.shape));
    ll_json_num(j, "slope", d->trajectory.slope);
    ll_json_num(j, "r2", d->trajectory.r2);
    ll_json_int(j, "n_spikes", d->trajectory.n_spikes);
    ll_json_end(j);
    ll_json_obj(j, "entropy");
    ll_json_num(j, "entropy_gap_bits_p25", m->entropy_gap_bits[0]);
    ll_json_num(j, "entropy_gap_bits_p50", m->entropy_gap_bits[1]);
    ll_json_num(j, "entropy_gap_bits_p75", m->entropy_gap_bits[2]);
    ll_json_end(j);
}

/* Data row of a layer of the main pass in the pure table; -1 for none. */
static long long main_row(const struct ll_doc *d, int layer)
{
    return layer < 0 ? -1 : d->passes[0].first_row + layer;
}

static void put_file(struct ll_doc *d, struct ll_json *j, const char *key, const char *suffix)
{
    struct ll_buf name = {0};
    ll_buf_addf(&name, "output-%s%s", d->set.stem, suffix);
    ll_json_str(j, key, name.s, name.len);
    ll_buf_free(&name);
}

static void pack_citations(struct ll_doc *d, struct ll_json *j)
{
    const struct ll_pass_milestones *m = of_main(d);
    ll_json_obj(j, "citations");
    ll_json_obj(j, "layers");
    ll_json_layer(j, "L_copy_strict_row", main_row(d, m->L_copy));
    ll_json_layer(j, "L_copy_soft_row", main_row(d, m->soft_first));
    ll_json_layer(j, "L_semantic_norm_row", main_row(d, m->L_semantic));
    ll_json_layer(j, "L_semantic_confirmed_row", main_row(d, m->confirmed));
    ll_json_end(j);
    ll_json_obj(j, "files");
    put_file(d, j, "pure_csv", ll_schema_pure.file_suffix);
    if (d->full.n == d->main.n_rows)
        put_file(d, j, "rawlens_full_csv", ll_schema_rawlens.file_suffix);
    if (d->set.tuned)
        put_file(d, j, "tuned_pure_csv", LL_PURE_FILE "-tuned.csv");
    put_file(d, j, "milestones_csv", "-milestones.csv");
    ll_json_end(j);
    ll_json_end(j);
}

static void pack_suite(struct ll_doc *d, struct ll_json *j)
{
    ll_json_obj(j, "micro_suite");
    ll_json_arr(j, "facts");
    for (int i = 0; i < d->n_facts; i++) {
        const struct ll_fact *f = &d->facts[i];
        ll_json_obj(j, NULL);
        ll_json_cstr(j, "fact_key", d->passes[d->fact_pass[i]].fact_key);
        ll_json_layer(j, "fact_index", d->passes[d->fact_pass[i]].fact_index);
        ll_json_layer(j, "L_copy_strict", f->L_copy_strict);
        ll_json_layer(j, "L_semantic_norm", f->L_semantic);
        ll_json_layer(j, "L_semantic_confirmed", f->L_confirmed);
        ll_json_layer(j, "L_semantic_margin_ok_norm", f->L_margin_ok);
        ll_json_num(j, "delta_hat", f->delta_hat);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_obj(j, "aggregates");
    ll_json_layer(j, "L_semantic_confirmed_median", d->suite.L_confirmed);
    ll_json_num(j, "delta_hat_median", d->suite.delta_hat);
    ll_json_int(j, "n_missing", d->suite.n_missing);
    ll_json_int(j, "n", d->suite.n);
    ll_json_end(j);
    ll_json_obj(j, "citations");
    ll_doc_fact_rows(d, j, "fact_rows");
    ll_json_end(j);
    ll_json_end(j);
}

static void put_pack(struct ll_doc *d)
{
    struct ll_json *j = ll_doc_value(d, NULL, "evaluation_pack");
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "model", d->set.s->model->ckpt->clean);
    ll_json_int(j, "n_layers", d->main.n_layers);
    ll_json_cstr(j, "preferred_lens_for_reporting", ll_doc_preferred_lens(d));
    ll_json_bool(j, "use_confirmed_semantics", of_main(d)->confirmed >= 0);
    pack_milestones(d, j);
    pack_artifact(d, j);
    pack_trust(d, j);
    pack_suite(d, j);
    pack_citations(d, j);
    ll_json_end(j);
}

void ll_doc_put_guide(struct ll_doc *d)
{
    put_flags(d);
    put_summary(d);
    put_guidance(d);
    put_pack(d);
}
