/* write_lens.c - see doc_lens.h */
#include "doc_lens.h"

#include <stdio.h>

static void put_norms(struct ll_key_out *o, const struct ll_doc_lens *d)
{
    ll_key_open(o, LL_K_DIAG_UNEMBED_BIAS);
    ll_key_bool(o, LL_K_UNEMBED_BIAS_PRESENT, d->bias.is_there);
    ll_key_real(o, LL_K_UNEMBED_BIAS_L2, d->bias.l2_norm);
    ll_key_real(o, LL_K_UNEMBED_BIAS_MAX_ABS, d->bias.max_abs);
    ll_key_end(o);
    ll_key_open(o, LL_K_DIAG_NORMS);
    ll_key_text(o, LL_K_NORMS_ARCH, d->arch);
    ll_key_open(o, LL_K_NORMS_STRATEGY);
    ll_key_text(o, LL_K_STRATEGY_PRIMARY, d->strategy);
    ll_key_text(o, LL_K_STRATEGY_ABLATION, d->ablation);
    ll_key_end(o);
    ll_key_open(o, LL_K_NORMS_PER_LAYER);
    for (int l = 0; l < d->n_rows; l++) {
        const struct ll_doc_place *p = &d->places[l];
        ll_key_item(o, NULL);
        ll_key_int(o, LL_K_NORM_ROW_LAYER, l);
        ll_key_text(o, LL_K_NORM_ROW_SOURCE, p->norm);
        ll_key_bool(o, LL_K_NORM_ROW_EPS_INSIDE, p->has_norm);
        ll_key_bool(o, LL_K_NORM_ROW_GAMMA_USED, p->has_norm);
        ll_key_real(o, LL_K_NORM_ROW_RATIO, p->resid_norm_ratio);
        ll_key_real(o, LL_K_NORM_ROW_DELTA_COS, p->delta_resid_cos);
        ll_key_real(o, LL_K_NORM_ROW_RESID_NORM, p->resid_norm);
        ll_key_end(o);
    }
    ll_key_end(o);
    ll_key_end(o);
}

static void put_layer_map(struct ll_key_out *o, const struct ll_doc_lens *d)
{
    ll_key_open(o, LL_K_DIAG_LAYER_MAP);
    for (int l = 0; l < d->n_rows; l++) {
        ll_key_item(o, NULL);
        ll_key_int(o, LL_K_PLACE_LAYER, l);
        ll_key_text(o, LL_K_PLACE_BLOCK, d->places[l].block);
        ll_key_text(o, LL_K_PLACE_STREAM, d->places[l].stream);
        ll_key_text(o, LL_K_PLACE_NORM, d->places[l].norm);
        ll_key_end(o);
    }
    ll_key_end(o);
}

/* Members of an open agreement. */
static void put_agreement(struct ll_key_out *o, const struct ll_agreement *a)
{
    ll_key_real(o, LL_K_AGREEMENT_JACCARD10, a->jaccard10);
    ll_key_real(o, LL_K_AGREEMENT_JACCARD50, a->jaccard50);
    ll_key_real(o, LL_K_AGREEMENT_SPEARMAN, a->spearman50);
}

static void put_pair(struct ll_key_out *o, enum ll_doc_key k, const struct ll_doc_lens *d,
                     const struct ll_doc_lens_pair *pair)
{
    ll_key_open(o, k);
    ll_key_open(o, LL_K_LENS_PAIR_AT);
    for (int i = 0; i < d->n_targets; i++) {
        ll_key_item(o, NULL);
        ll_key_int(o, LL_K_AGREEMENT_LAYER, d->targets[i].layer);
        put_agreement(o, &pair->at[i]);
        ll_key_end(o);
    }
    ll_key_end(o);
    ll_key_open(o, LL_K_LENS_PAIR_P50);
    put_agreement(o, &pair->p50);
    ll_key_end(o);
    ll_key_end(o);
}

static void put_consistency(struct ll_key_out *o, const struct ll_doc_lens *d)
{
    ll_key_open(o, LL_K_DIAG_CONSISTENCY);
    ll_key_open_flat(o, LL_K_CONSISTENCY_TARGETS);
    for (int i = 0; i < d->n_targets; i++)
        ll_json_cstr(&o->j, NULL, d->targets[i].name);
    ll_key_end(o);
    put_pair(o, LL_K_CONSISTENCY_RAW, d, &d->raw);
    if (d->has_tuned)
        put_pair(o, LL_K_CONSISTENCY_TUNED, d, &d->tuned);
    ll_key_end(o);
}

static void put_point(struct ll_key_out *o, const struct ll_doc_point *d)
{
    const struct ll_decoding_point *p = d->p;
    ll_key_item(o, NULL);
    ll_key_text(o, LL_K_POINT_NAME, d->name);
    ll_key_int(o, LL_K_POINT_LAYER, p->row);
    ll_key_bool(o, LL_K_POINT_RANK1_AGREE, d->rank1_agree);
    ll_key_delta(o, LL_K_POINT_DELTA_RANK, d->delta_rank);
    ll_key_bool(o, LL_K_POINT_TOP1_AGREE, d->top1_agree);
    ll_key_layer(o, LL_K_POINT_RANK_LN2, p->ln2.answer_rank);
    ll_key_layer(o, LL_K_POINT_RANK_LN1, p->ln1.answer_rank);
    ll_key_int(o, LL_K_POINT_TOP1_LN2, p->ln2.top[0].id);
    ll_key_int(o, LL_K_POINT_TOP1_LN1, p->ln1.top[0].id);
    ll_key_real(o, LL_K_POINT_P_ANSWER_LN2, p->ln2.p_answer);
    ll_key_real(o, LL_K_POINT_P_ANSWER_LN1, p->ln1.p_answer);
    ll_key_real(o, LL_K_POINT_P_TOP1_LN2, p->ln2.p_top1);
    ll_key_real(o, LL_K_POINT_P_TOP1_LN1, p->ln1.p_top1);
    ll_key_real(o, LL_K_POINT_SPEARMAN, p->spearman50);
    ll_key_real(o, LL_K_POINT_JACCARD10, p->jaccard10);
    ll_key_real(o, LL_K_POINT_JACCARD50, p->jaccard50);
    ll_key_text(o, LL_K_POINT_STATUS, "ok");
    ll_key_end(o);
}

static void put_points(struct ll_key_out *o, const struct ll_doc_lens *d)
{
    ll_key_open(o, LL_K_DIAG_DECODING_POINT);
    ll_key_text(o, LL_K_POINTS_ARCH, d->arch);
    ll_key_bool(o, LL_K_POINTS_TESTED, d->n_points > 0);
    ll_key_open_flat(o, LL_K_POINTS_STRATEGIES);
    ll_json_cstr(&o->j, NULL, "post_ln2");
    ll_json_cstr(&o->j, NULL, "next_ln1");
    ll_key_end(o);
    ll_key_open(o, LL_K_POINTS_TARGETS);
    for (int i = 0; i < d->n_points; i++) {
        ll_key_item_flat(o);
        ll_key_text(o, LL_K_NAMED_LAYER_NAME, d->points[i].name);
        ll_key_int(o, LL_K_NAMED_LAYER_LAYER, d->points[i].p->row);
        ll_key_end(o);
    }
    ll_key_end(o);
    ll_key_open(o, LL_K_POINTS_PER_TARGET);
    for (int i = 0; i < d->n_points; i++)
        put_point(o, &d->points[i]);
    ll_key_end(o);
    ll_key_open(o, LL_K_POINTS_GATE);
    ll_key_choice(o, LL_K_POINT_GATE_CONSISTENT, d->is_consistent);
    ll_key_end(o);
    if (d->preferred >= 0) {
        ll_key_open(o, LL_K_POINTS_PREFERRED);
        ll_key_text(o, LL_K_NAMED_LAYER_NAME, d->points[d->preferred].name);
        ll_key_int(o, LL_K_NAMED_LAYER_LAYER, d->points[d->preferred].p->row);
        ll_key_end(o);
    }
    ll_key_end(o);
}

static void put_calibration(struct ll_key_out *o, const struct ll_doc_lens *d)
{
    if (!d->tau) {
        ll_key_null(o, LL_K_DIAG_TAU);
        return;
    }
    ll_key_open_flat(o, LL_K_DIAG_TAU);
    for (int l = 0; l < d->n_rows; l++)
        ll_json_num(&o->j, NULL, d->tau[l]);
    ll_key_end(o);
    for (int q = 0; q < 3; q++) {
        char percent[16];
        snprintf(percent, sizeof percent, "%d", d->calibrated[q].percent);
        o->fill = percent;
        ll_key_open(o, LL_K_DIAG_KL_NORM_TEMP_AT);
        o->fill = NULL;
        ll_key_int(o, LL_K_VALUE_AT_LAYER, d->calibrated[q].layer);
        ll_key_real(o, LL_K_VALUE_AT_VALUE, d->calibrated[q].kl_bits);
        ll_key_end(o);
    }
}

void ll_put_lens(struct ll_key_out *o, const struct ll_doc_lens *d)
{
    put_norms(o, d);
    put_layer_map(o, d);
    put_consistency(o, d);
    put_points(o, d);
    put_calibration(o, d);
}
