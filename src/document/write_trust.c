/* write_trust.c - see doc_trust.h */
#include "doc_trust.h"

#include "rules.h"

#include <math.h>

static void put_last_row(struct ll_key_out *o, const struct ll_doc_trust *t)
{
    const struct ll_last_row *r = &t->last;
    ll_key_open(o, LL_K_DIAG_LAST_LAYER);
    ll_key_real(o, LL_K_LAST_ROW_KL, r->kl_to_final_bits);
    ll_key_bool(o, LL_K_LAST_ROW_TOP1_AGREE, r->top1_agree);
    ll_key_real(o, LL_K_LAST_ROW_P_TOP1_LENS, r->p_top1_lens);
    ll_key_real(o, LL_K_LAST_ROW_P_TOP1_MODEL, r->p_top1_model);
    ll_key_real(o, LL_K_LAST_ROW_P_ANSWER, r->p_answer_lens);
    ll_key_layer(o, LL_K_LAST_ROW_RANK, r->answer_rank_lens);
    ll_key_real(o, LL_K_LAST_ROW_TEMP, r->temp_est);
    ll_key_real(o, LL_K_LAST_ROW_KL_TEMP, r->kl_after_temp_bits);
    ll_key_open(o, LL_K_LAST_ROW_TRANSFORM);
    ll_key_real(o, LL_K_TRANSFORM_SCALE, r->scale);
    ll_key_real(o, LL_K_TRANSFORM_SOFTCAP, r->softcap);
    ll_key_end(o);
    ll_key_open(o, LL_K_LAST_ROW_KL_TRANSFORM);
    ll_key_real(o, LL_K_KL_TRANSFORM_SCALE, r->kl_after_scale_bits);
    ll_key_real(o, LL_K_KL_TRANSFORM_SOFTCAP, r->kl_after_softcap_bits);
    ll_key_real(o, LL_K_KL_TRANSFORM_BOTH, r->kl_after_both_bits);
    ll_key_end(o);
    ll_key_bool(o, LL_K_LAST_ROW_WARN, t->warn_last);
    ll_key_open(o, LL_K_LAST_ROW_GATES);
    ll_key_bool(o, LL_K_LAST_GATES_WARN, t->warn_last);
    ll_key_real(o, LL_K_LAST_GATES_THRESHOLD, LL_LAST_ROW_BITS);
    ll_key_real(o, LL_K_LAST_GATES_GAIN, t->last_gain_bits);
    ll_key_end(o);
    ll_key_end(o);
}

static void put_repeatability(struct ll_key_out *o, const struct ll_doc_trust *t)
{
    ll_key_open(o, LL_K_DIAG_REPEATABILITY);
    ll_key_text(o, LL_K_REPEAT_STATUS, t->is_repeatable ? "ok" : "variance_high");
    ll_key_int(o, LL_K_REPEAT_LAYERS, t->n_rows);
    ll_key_real(o, LL_K_REPEAT_MAX_DEV, t->repeat.max_rank_dev);
    ll_key_real(o, LL_K_REPEAT_P95_DEV, t->repeat.p95_rank_dev);
    ll_key_real(o, LL_K_REPEAT_FLIPS, t->repeat.top1_flip_rate);
    ll_key_bool(o, LL_K_REPEAT_DETERMINISTIC, 1);
    ll_key_end(o);
}

static void put_forward(struct ll_key_out *o, const struct ll_doc_trust *t)
{
    const struct ll_doc_forward *f = &t->forward;
    ll_key_open(o, LL_K_DIAG_FORWARD);
    ll_key_bool(o, LL_K_FORWARD_ENABLED, t->forward_enabled);
    ll_key_text(o, LL_K_FORWARD_MODE, t->forward_mode);
    ll_key_open(o, LL_K_FORWARD_MILESTONES);
    ll_key_text(o, LL_K_FORWARD_LAYERS_PRIMARY, t->first_name);
    ll_key_open(o, LL_K_FORWARD_LAYERS_PASS1);
    ll_key_layer(o, LL_K_FORWARD_PASS_LAYER, t->first_layer);
    ll_key_end(o);
    ll_key_open(o, LL_K_FORWARD_LAYERS_PASS2);
    ll_key_layer(o, LL_K_FORWARD_PASS_LAYER, f->is_run ? f->layer : -1);
    if (f->is_run)
        ll_key_text(o, LL_K_FORWARD_PASS_PRIMARY, f->name);
    ll_key_end(o);
    ll_key_delta(o, LL_K_FORWARD_LAYERS_DELTA, t->forward_delta);
    ll_key_end(o);
    ll_key_real(o, LL_K_FORWARD_JACCARD, f->is_run ? f->jaccard10 : NAN);
    ll_key_open(o, LL_K_FORWARD_GATE);
    ll_key_choice(o, LL_K_FORWARD_GATE_PASS, f->is_run ? f->agrees : -1);
    ll_key_end(o);
    ll_key_int(o, LL_K_FORWARD_TOLERANCE, LL_REPEAT_LAYERS);
    ll_key_int(o, LL_K_FORWARD_TOPK, LL_REPEAT_TOP);
    ll_key_choice(o, LL_K_FORWARD_IDENTICAL, f->is_run ? f->is_equal : -1);
    ll_key_end(o);
}

static void put_gates(struct ll_key_out *o, const struct ll_doc_trust *t)
{
    ll_key_open(o, LL_K_DIAG_GATES);
    ll_key_open_flat(o, LL_K_GATES_SCALES);
    for (int i = 0; i < LL_GATE_SCALES; i++)
        ll_json_num(&o->j, NULL, ll_gate_scales[i]);
    ll_key_end(o);
    ll_key_open(o, LL_K_GATES_PER_TARGET);
    for (int i = 0; i < t->n_gates; i++) {
        ll_key_item(o, t->gates[i].name);
        ll_key_int(o, LL_K_GATE_SHARE_LAYER, t->gates[i].layer);
        ll_key_real(o, LL_K_GATE_SHARE_MARGIN, t->gates[i].uniform_margin);
        ll_key_real(o, LL_K_GATE_SHARE_TOP2, t->gates[i].top2_gap);
        ll_key_real(o, LL_K_GATE_SHARE_BOTH, t->gates[i].both);
        ll_key_end(o);
    }
    ll_key_end(o);
    ll_key_real(o, LL_K_GATES_LEAST, t->least_gate);
    ll_key_end(o);
}

void ll_put_trust(struct ll_key_out *o, const struct ll_doc_trust *t)
{
    put_last_row(o, t);
    put_repeatability(o, t);
    put_forward(o, t);
    put_gates(o, t);
}

void ll_put_health(struct ll_key_out *o, const struct ll_doc_trust *t)
{
    ll_key_open(o, LL_K_DIAG_HEALTH);
    ll_key_bool(o, LL_K_HEALTH_ANY_NAN, t->health.any_nan);
    ll_key_bool(o, LL_K_HEALTH_ANY_INF, t->health.any_inf);
    ll_key_real(o, LL_K_HEALTH_MAX_LOGIT, t->health.max_abs_logit_p99);
    ll_key_real(o, LL_K_HEALTH_MIN_P, t->health.min_p_p01);
    ll_key_ints(o, LL_K_HEALTH_FLAGGED, t->flagged, t->health.n_flagged);
    ll_key_end(o);
    ll_key_open(o, LL_K_DIAG_TRAJECTORY);
    ll_key_text(o, LL_K_TRAJECTORY_SHAPE, ll_shape_name(t->trajectory.shape));
    ll_key_real(o, LL_K_TRAJECTORY_SLOPE, t->trajectory.slope);
    ll_key_real(o, LL_K_TRAJECTORY_R2, t->trajectory.r2);
    ll_key_int(o, LL_K_TRAJECTORY_SPIKES, t->trajectory.n_spikes);
    ll_key_int(o, LL_K_TRAJECTORY_ROWS, t->trajectory.n_rows);
    ll_key_end(o);
}
