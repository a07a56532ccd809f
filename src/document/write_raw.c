/* write_raw.c - see doc_raw.h */
#include "doc_raw.h"

#include "record_cols.h"
#include "rules.h"

#include <stdio.h>

static void put_sample(struct ll_key_out *o, const struct ll_doc_pass *p, const struct ll_doc_raw_row *r)
{
    const struct ll_doc_reading *n = &r->norm, *w = &r->raw;
    ll_key_item(o, NULL);
    ll_key_text(o, LL_K_RAW_SAMPLE_FACT_KEY, p->fact_key);
    ll_key_int(o, LL_K_RAW_SAMPLE_LAYER, r->layer);
    ll_key_real(o, LL_K_RAW_SAMPLE_KL, r->kl_bits);
    ll_key_bool(o, LL_K_RAW_SAMPLE_TOP1_AGREE, r->top1_agree);
    ll_key_real(o, LL_K_RAW_SAMPLE_P_TOP1_NORM, n->p_top1);
    ll_key_real(o, LL_K_RAW_SAMPLE_P_TOP1_RAW, w->p_top1);
    ll_key_real(o, LL_K_RAW_SAMPLE_P_ANSWER_NORM, n->p_answer);
    ll_key_real(o, LL_K_RAW_SAMPLE_P_ANSWER_RAW, w->p_answer);
    ll_key_layer(o, LL_K_RAW_SAMPLE_RANK_NORM, n->answer_rank);
    ll_key_layer(o, LL_K_RAW_SAMPLE_RANK_RAW, w->answer_rank);
    ll_key_bool(o, LL_K_RAW_SAMPLE_IS_ANSWER_NORM, n->is_answer);
    ll_key_bool(o, LL_K_RAW_SAMPLE_IS_ANSWER_RAW, w->is_answer);
    ll_key_end(o);
}

void ll_put_raw_check(struct ll_key_out *o, const struct ll_doc_raw *r)
{
    ll_key_open(o, LL_K_ROOT_RAW_LENS_CHECK);
    ll_key_text(o, LL_K_RAW_CHECK_MODE, r->mode == LL_RAW_OFF ? "off" : "sample");
    ll_key_open(o, LL_K_RAW_CHECK_SAMPLES);
    for (int i = 0; i < r->n_sampled; i++)
        for (int k = 0; k < r->sampled[i]->n_samples; k++)
            put_sample(o, r->sampled[i], &r->sampled[i]->samples[k]);
    ll_key_end(o);
    ll_key_open(o, LL_K_RAW_CHECK_SUMMARY);
    ll_key_layer(o, LL_K_RAW_SUMMARY_FIRST, r->summary.first_norm_only);
    ll_key_real(o, LL_K_RAW_SUMMARY_MAX_KL, r->summary.max_kl_bits);
    ll_key_text(o, LL_K_RAW_SUMMARY_RISK, r->summary.n ? ll_tier_name(r->summary.risk) : NULL);
    ll_key_end(o);
    ll_key_end(o);
}

static void put_window(struct ll_key_out *o, const struct ll_doc_raw *r)
{
    ll_key_open(o, LL_K_DIAG_RAW_WINDOW);
    ll_key_int(o, LL_K_RAW_WINDOW_RADIUS, r->radius);
    ll_key_ints(o, LL_K_RAW_WINDOW_CENTERS, r->centers, r->n_centers);
    ll_key_open_flat(o, LL_K_RAW_WINDOW_LAYERS);
    for (int i = 0; i < r->n_window; i++)
        ll_json_int(&o->j, NULL, r->window[i].layer);
    ll_key_end(o);
    ll_key_open_flat(o, LL_K_RAW_WINDOW_NORM_ONLY);
    for (int i = 0; i < r->n_window; i++)
        if (r->window[i].norm_only == 1)
            ll_json_int(&o->j, NULL, r->window[i].layer);
    ll_key_end(o);
    ll_key_real(o, LL_K_RAW_WINDOW_MAX_KL, r->max_kl_window);
    ll_key_text(o, LL_K_RAW_WINDOW_MODE, r->mode == LL_RAW_OFF ? "off" : "window");
    ll_key_end(o);
}

static double raw_norm(const struct ll_row_stats *r) { return r->jaccard50_raw; }
static double previous(const struct ll_row_stats *r) { return r->jaccard50_previous; }

/* One number a row under its layer's name. */
static void put_rows(struct ll_key_out *o, enum ll_doc_key k, const struct ll_doc_raw *r,
                     double (*value)(const struct ll_row_stats *))
{
    ll_key_open_flat(o, k);
    for (int l = 0; l < r->n_rows; l++) {
        char name[16];
        snprintf(name, sizeof name, "%d", l);
        ll_json_num(&o->j, name, value(&r->rows[l]));
    }
    ll_key_end(o);
}

static void put_overlap(struct ll_key_out *o, const struct ll_doc_raw *r)
{
    ll_key_open(o, LL_K_RAW_FULL_OVERLAP);
    ll_key_int(o, LL_K_OVERLAP_K, LL_TOP_COMPARED);
    ll_key_real(o, LL_K_OVERLAP_P50, r->full.jaccard50_p50);
    ll_key_layer(o, LL_K_OVERLAP_FIRST, r->full.first_jaccard);
    put_rows(o, LL_K_OVERLAP_RAW_NORM, r, raw_norm);
    put_rows(o, LL_K_OVERLAP_CONSECUTIVE, r, previous);
    ll_key_text(o, LL_K_OVERLAP_CROSS_KEY, ll_schema_rawlens.cols[LL_RAWLENS_JACCARD50_RAW].name);
    ll_key_text(o, LL_K_OVERLAP_CONSECUTIVE_KEY,
                ll_schema_rawlens.cols[LL_RAWLENS_JACCARD50_CONSECUTIVE].name);
    ll_key_end(o);
}

static void put_full(struct ll_key_out *o, const struct ll_doc_raw *r)
{
    const struct ll_raw_full *f = &r->full;
    ll_key_open(o, LL_K_DIAG_RAW_FULL);
    ll_key_real(o, LL_K_RAW_FULL_PCT_1, f->pct_kl_ge_1);
    ll_key_real(o, LL_K_RAW_FULL_PCT_HALF, f->pct_kl_ge_half);
    ll_key_int(o, LL_K_RAW_FULL_N_NORM_ONLY, f->n_norm_only);
    ll_key_layer(o, LL_K_RAW_FULL_EARLIEST, f->earliest_norm_only);
    ll_key_real(o, LL_K_RAW_FULL_MAX_KL, f->max_kl_bits);
    ll_key_text(o, LL_K_RAW_FULL_MODE, "full");
    ll_key_quartiles(o, LL_K_RAW_FULL_JS, f->js);
    ll_key_quartiles(o, LL_K_RAW_FULL_L1, f->l1);
    ll_key_layer(o, LL_K_RAW_FULL_FIRST_JS, f->first_js);
    ll_key_layer(o, LL_K_RAW_FULL_FIRST_L1, f->first_l1);
    ll_key_real(o, LL_K_RAW_FULL_TEACHER_ENTROPY, r->teacher_entropy_bits);
    put_overlap(o, r);
    ll_key_open(o, LL_K_RAW_FULL_SCORE);
    ll_key_real(o, LL_K_SCORE_SCORE, f->score);
    ll_key_real(o, LL_K_SCORE_SCORE_V2, f->score_v2);
    ll_key_text(o, LL_K_SCORE_TIER, ll_tier_name(f->tier));
    ll_key_end(o);
    ll_key_end(o);
}

/* The score's own constants, so that a reader need not look them up (raw_checks.h has the formula). */
static void put_config(struct ll_key_out *o)
{
    ll_key_open(o, LL_K_DIAG_RAW_CONFIG);
    ll_key_open(o, LL_K_RAW_CONFIG_SCORE);
    ll_key_open(o, LL_K_SCORE_CONFIG_WEIGHTS);
    ll_key_real(o, LL_K_SCORE_WEIGHTS_PCT, LL_ARTIFACT_PCT_KL);
    ll_key_real(o, LL_K_SCORE_WEIGHTS_NORM_ONLY, LL_ARTIFACT_NORM_ONLY);
    ll_key_real(o, LL_K_SCORE_WEIGHTS_MAX_KL, LL_ARTIFACT_MAX_KL);
    ll_key_end(o);
    ll_key_open(o, LL_K_SCORE_CONFIG_THRESHOLDS);
    ll_key_real(o, LL_K_SCORE_LIMITS_LOW, LL_ARTIFACT_LOW);
    ll_key_real(o, LL_K_SCORE_LIMITS_HIGH, LL_ARTIFACT_HIGH);
    ll_key_end(o);
    ll_key_open(o, LL_K_SCORE_CONFIG_ADDENDS);
    ll_key_real(o, LL_K_SCORE_ADDENDS_JS, LL_ARTIFACT_JS);
    ll_key_real(o, LL_K_SCORE_ADDENDS_L1, LL_ARTIFACT_L1);
    ll_key_end(o);
    ll_key_end(o);
    ll_key_end(o);
}

void ll_put_raw_diag(struct ll_key_out *o, const struct ll_doc_raw *r)
{
    put_window(o, r);
    if (!r->is_full) {
        ll_key_null(o, LL_K_DIAG_RAW_FULL);
        return;
    }
    put_full(o, r);
    put_config(o);
}
