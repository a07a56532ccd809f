/* write_tuned.c - see doc_tuned.h */
#include "doc_tuned.h"

#include <stdio.h>

static void put_ranks(struct ll_key_out *o, enum ll_doc_key k, const int rank[LL_N_RANK_AT])
{
    ll_key_open(o, k);
    ll_key_layer(o, LL_K_RANKS_LE_10, rank[2]);
    ll_key_layer(o, LL_K_RANKS_LE_5, rank[1]);
    ll_key_layer(o, LL_K_RANKS_LE_1, rank[0]);
    ll_key_end(o);
}

static void put_summary(struct ll_key_out *o, const struct ll_doc_tuned *t)
{
    ll_key_open(o, LL_K_TUNED_SUMMARY);
    ll_key_open(o, LL_K_TUNED_SUMMARY_METRICS);
    ll_key_open(o, LL_K_METRICS_RANKS);
    put_ranks(o, LL_K_RANK_TRIPLE_BASELINE, t->base.rank);
    put_ranks(o, LL_K_RANK_TRIPLE_TUNED, t->alt.rank);
    ll_key_open(o, LL_K_RANK_TRIPLE_DELTA);
    ll_key_delta(o, LL_K_RANKS_LE_10, t->rank_delta[2]);
    ll_key_delta(o, LL_K_RANKS_LE_5, t->rank_delta[1]);
    ll_key_delta(o, LL_K_RANKS_LE_1, t->rank_delta[0]);
    ll_key_end(o);
    ll_key_end(o);
    ll_key_open(o, LL_K_METRICS_KL);
    ll_key_quartiles(o, LL_K_KL_TRIPLE_BASELINE, t->base.kl_at);
    ll_key_quartiles(o, LL_K_KL_TRIPLE_TUNED, t->alt.kl_at);
    ll_key_quartiles(o, LL_K_KL_TRIPLE_DELTA, t->kl_gain);
    ll_key_end(o);
    ll_key_open(o, LL_K_METRICS_FIRST_KL);
    ll_key_layer(o, LL_K_LAYER_TRIPLE_BASELINE, t->base.first_kl_1);
    ll_key_layer(o, LL_K_LAYER_TRIPLE_TUNED, t->alt.first_kl_1);
    ll_key_delta(o, LL_K_LAYER_TRIPLE_DELTA, t->first_kl_delta);
    ll_key_end(o);
    ll_key_end(o);
    ll_key_end(o);
}

static void put_lens(struct ll_key_out *o, const struct ll_doc_tuned_given *l)
{
    ll_key_text(o, LL_K_TUNED_PATH, l->name);
    ll_key_open(o, LL_K_TUNED_CONFIG);
    ll_key_text(o, LL_K_TUNED_CONFIG_BASE_MODEL, l->base_model);
    ll_key_text(o, LL_K_TUNED_CONFIG_REVISION, l->revision);
    ll_key_text(o, LL_K_TUNED_CONFIG_HASH, l->unembed_hash);
    ll_key_text(o, LL_K_TUNED_CONFIG_TYPE, l->lens_type);
    ll_key_int(o, LL_K_TUNED_CONFIG_D_MODEL, l->d_model);
    ll_key_int(o, LL_K_TUNED_CONFIG_LAYERS, l->n_layers);
    ll_key_bool(o, LL_K_TUNED_CONFIG_BIAS, l->has_bias);
    ll_key_end(o);
    ll_key_open_flat(o, LL_K_TUNED_TEMPERATURES);
    for (int i = 0; i < l->n_layers; i++)
        ll_json_num(&o->j, NULL, l->temperatures[i]);
    ll_key_end(o);
    ll_settings_put(l->config, "logitlens", &o->j, ll_doc_key(LL_K_TUNED_PROVENANCE).name);
}

static void put_audit(struct ll_key_out *o, const struct ll_doc_tuned *t)
{
    const struct ll_tuned_audit *a = &t->lens.audit;
    ll_key_open(o, LL_K_TUNED_AUDIT);
    ll_key_open(o, LL_K_AUDIT_ROTATION);
    ll_key_real(o, LL_K_ROTATION_TUNED_P25, a->tuned[0]);
    ll_key_real(o, LL_K_ROTATION_TUNED_P50, a->tuned[1]);
    ll_key_real(o, LL_K_ROTATION_TUNED_P75, a->tuned[2]);
    ll_key_real(o, LL_K_ROTATION_TEMP_P25, a->temp[0]);
    ll_key_real(o, LL_K_ROTATION_TEMP_P50, a->temp[1]);
    ll_key_real(o, LL_K_ROTATION_TEMP_P75, a->temp[2]);
    ll_key_end(o);
    ll_key_open(o, LL_K_AUDIT_POSITIONAL);
    ll_key_open_flat(o, LL_K_POSITIONAL_GRID);
    for (int i = 0; i < a->n_grid; i++)
        ll_json_num(&o->j, NULL, a->grid[i]);
    ll_key_end(o);
    ll_key_real(o, LL_K_POSITIONAL_IN, a->in_dist);
    ll_key_real(o, LL_K_POSITIONAL_OUT, a->out_of_dist);
    ll_key_real(o, LL_K_POSITIONAL_GAP, a->gap);
    ll_key_end(o);
    ll_key_open(o, LL_K_AUDIT_HEAD);
    ll_key_real(o, LL_K_HEAD_MISMATCH_KL, a->kl_final);
    ll_key_real(o, LL_K_HEAD_MISMATCH_KL_TAU, a->kl_final);
    /* row n_layers is the model's own output (LL_ECHECK otherwise): no temperature is nearer */
    ll_key_real(o, LL_K_HEAD_MISMATCH_TAU, 1);
    ll_key_end(o);
    ll_key_bool(o, LL_K_AUDIT_CALIBRATION_ONLY, 0); /* without temperatures all of it is the translator's */
    ll_key_text(o, LL_K_AUDIT_HINT, t->hint);
    ll_key_int(o, LL_K_AUDIT_N_ROWS, a->n_rows);
    ll_key_end(o);
}

void ll_put_tuned(struct ll_key_out *o, const struct ll_doc_tuned *t)
{
    ll_key_open(o, LL_K_ROOT_TUNED_LENS);
    ll_key_text(o, LL_K_TUNED_STATUS, t->status);
    ll_key_text(o, LL_K_TUNED_MODE, ll_tuned_mode_name(t->lens.mode));
    if (t->lens.is_loaded) {
        put_summary(o, t);
        ll_key_real(o, LL_K_TUNED_GAIN, t->gain_p50);
        put_lens(o, &t->lens);
        put_audit(o, t);
    }
    ll_key_end(o);
}

void ll_put_skips(struct ll_key_out *o, const struct ll_doc_tuned *t)
{
    if (!t->lens.is_loaded)
        return;
    ll_key_open_tight(o, LL_K_DIAG_SKIPS); /* as it has always stood there */
    for (int i = 0; i < LL_N_SKIPS; i++) {
        char name[16];
        snprintf(name, sizeof name, "m=%d", ll_skips[i]);
        ll_json_num(&o->j, name, t->lens.skips.ppl_increase[i]);
    }
    ll_key_end(o);
    ll_key_choice(o, LL_K_DIAG_REGRESSION, t->lens.skips.regression);
}
