/* write_milestones.c - see doc_milestones.h; keys as in the original */
#include "doc_milestones.h"

#include <stdio.h>

/* Members named by k: the layer, or L_semantic's distance to it. */
static void put_softs(struct ll_key_out *o, enum ll_doc_key k, const struct ll_doc_milestones *m,
                      const char *lead, int is_delta)
{
    ll_key_open(o, k);
    for (int i = 0; i < m->n_soft; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%d", lead, m->soft[i].k);
        if (is_delta)
            ll_json_delta(&o->j, name, m->soft[i].delta);
        else
            ll_json_layer(&o->j, name, m->soft[i].layer);
    }
    ll_key_end(o);
}

static void put_copy_detector(struct ll_key_out *o, const struct ll_doc_milestones *m)
{
    ll_key_open(o, LL_K_DIAG_COPY_DETECTOR);
    ll_key_open(o, LL_K_DETECTOR_STRICT);
    ll_key_real(o, LL_K_STRICT_RULE_THRESH, m->m.labels.strict[0]);
    ll_key_int(o, LL_K_STRICT_RULE_K, 1);
    ll_key_layer(o, LL_K_STRICT_RULE_LAYER, m->m.L_copy);
    ll_key_end(o);
    ll_key_open(o, LL_K_DETECTOR_SOFT);
    ll_key_real(o, LL_K_SOFT_RULE_THRESH, m->soft_threshold);
    ll_key_open_flat(o, LL_K_SOFT_RULE_KS);
    for (int i = 0; i < m->n_soft; i++)
        ll_json_int(&o->j, NULL, m->soft[i].k);
    ll_key_end(o);
    put_softs(o, LL_K_SOFT_RULE_LAYERS, m, "k", 0);
    ll_key_end(o);
    ll_key_open(o, LL_K_DETECTOR_DELTAS);
    ll_key_delta(o, LL_K_COPY_DELTAS_STRICT, m->delta_strict);
    put_softs(o, LL_K_COPY_DELTAS_SOFT, m, "k", 1);
    ll_key_end(o);
    ll_key_end(o);
}

static void put_copy_thresholds(struct ll_key_out *o, const struct ll_doc_milestones *m)
{
    char name[LL_MAX_STRICT][32];
    ll_key_open(o, LL_K_DIAG_COPY_THRESHOLDS);
    ll_key_open_flat(o, LL_K_COPY_THRESHOLDS_TAU_LIST);
    for (int i = 0; i < m->n_strict; i++) {
        ll_fmt_double(name[i], m->strict[i].threshold);
        ll_json_num(&o->j, NULL, m->strict[i].threshold);
    }
    ll_key_end(o);
    ll_key_open(o, LL_K_COPY_THRESHOLDS_LAYERS);
    for (int i = 0; i < m->n_strict; i++)
        ll_json_layer(&o->j, name[i], m->strict[i].layer);
    ll_key_end(o);
    ll_key_open(o, LL_K_COPY_THRESHOLDS_FRACTIONS);
    for (int i = 0; i < m->n_strict; i++)
        ll_json_num(&o->j, name[i], m->strict[i].fraction);
    ll_key_end(o);
    ll_key_open(o, LL_K_COPY_THRESHOLDS_NORM_ONLY);
    for (int i = 0; i < m->n_strict; i++)
        ll_json_choice(&o->j, name[i], m->strict[i].norm_only);
    ll_key_end(o);
    ll_key_text(o, LL_K_COPY_THRESHOLDS_STABILITY, ll_stability_name(m->m.stability));
    ll_key_end(o);
}

static void put_surface(struct ll_key_out *o, const struct ll_surface *s,
                        const struct ll_milestone_rules *rules, const char *lens)
{
    o->fill = lens;
    ll_key_layer(o, LL_K_DIAG_SURFACE, s->surface);
    ll_key_real(o, LL_K_DIAG_SURFACE_ANSWER, s->answer_mass);
    ll_key_real(o, LL_K_DIAG_SURFACE_ECHO, s->echo_mass);
    ll_key_layer(o, LL_K_DIAG_GEOM, s->geom);
    ll_key_real(o, LL_K_DIAG_GEOM_ANSWER, s->cos_answer);
    ll_key_real(o, LL_K_DIAG_GEOM_PROMPT, s->cos_prompt);
    ll_key_layer(o, LL_K_DIAG_DECAY, s->decay);
    ll_key_real(o, LL_K_DIAG_DECAY_MASS, s->decay_mass);
    ll_key_real(o, LL_K_DIAG_DECAY_TAU, rules->decay_tau);
    ll_key_real(o, LL_K_DIAG_SURFACE_DELTA, rules->surface_delta);
    ll_key_real(o, LL_K_DIAG_GEOM_GAMMA, rules->geom_gamma);
}

static void put_config(struct ll_key_out *o, const struct ll_milestone_rules *rules)
{
    ll_key_open(o, LL_K_DIAG_SURFACE_CONFIG);
    ll_key_real(o, LL_K_SURFACE_CONFIG_DELTA, rules->surface_delta);
    ll_key_real(o, LL_K_SURFACE_CONFIG_GAMMA, rules->geom_gamma);
    ll_key_int(o, LL_K_SURFACE_CONFIG_K, LL_TOP_COMPARED);
    ll_key_real(o, LL_K_SURFACE_CONFIG_TAU, rules->decay_tau);
    ll_key_open(o, LL_K_SURFACE_CONFIG_MARGIN);
    ll_key_real(o, LL_K_MARGIN_CONFIG_DELTA, rules->margin_delta);
    ll_key_end(o);
    ll_key_open(o, LL_K_SURFACE_CONFIG_GATE);
    ll_key_real(o, LL_K_GATE_CONFIG_DELTA, rules->top2_gap);
    ll_key_end(o);
    ll_key_end(o);
    ll_key_text(o, LL_K_DIAG_ANSWER_MARGIN_UNIT, "logit");
}

static void put_thresholds(struct ll_key_out *o, const struct ll_pass_milestones *m)
{
    ll_key_layer(o, LL_K_DIAG_KL_BELOW_HALF, m->kl[0]);
    ll_key_layer(o, LL_K_DIAG_KL_BELOW_1, m->kl[1]);
    ll_key_layer(o, LL_K_DIAG_RANK_1, m->rank[0]);
    ll_key_layer(o, LL_K_DIAG_RANK_5, m->rank[1]);
    ll_key_layer(o, LL_K_DIAG_RANK_10, m->rank[2]);
    ll_key_open(o, LL_K_DIAG_MARGIN_THRESHOLDS);
    ll_key_layer(o, LL_K_GAPS_HALF, m->gap[0]);
    ll_key_layer(o, LL_K_GAPS_ONE, m->gap[1]);
    ll_key_end(o);
    ll_key_open(o, LL_K_DIAG_COS_MILESTONES);
    ll_key_open(o, LL_K_COS_NORM);
    ll_key_layer(o, LL_K_COS_NORM_AT_2, m->cos[0]);
    ll_key_layer(o, LL_K_COS_NORM_AT_4, m->cos[1]);
    ll_key_layer(o, LL_K_COS_NORM_AT_6, m->cos[2]);
    ll_key_end(o);
    ll_key_end(o);
    ll_key_quartiles(o, LL_K_DIAG_ENTROPY_GAP, m->entropy_gap_bits);
    ll_key_layer(o, LL_K_DIAG_ENTROPY_GAP_SAMPLES, m->n_entropy_gap);
}

static void put_fractions(struct ll_key_out *o, const struct ll_doc_milestones *m)
{
    ll_key_open(o, LL_K_DIAG_DEPTH_FRACTIONS);
    ll_key_real(o, LL_K_FRACTIONS_SEMANTIC, m->L_semantic_frac);
    ll_key_real(o, LL_K_FRACTIONS_RANK_5, m->rank_5_frac);
    ll_key_real(o, LL_K_FRACTIONS_COPY_STRICT, m->L_copy_frac);
    ll_key_real(o, LL_K_FRACTIONS_RUN2, m->run2_frac);
    ll_key_real(o, LL_K_FRACTIONS_STRONG, m->strong_frac);
    ll_key_real(o, LL_K_FRACTIONS_STRONG_RUN2, m->strong_run2_frac);
    for (int i = 0; i < m->n_soft; i++) {
        char k[16];
        snprintf(k, sizeof k, "%d", m->soft[i].k);
        o->fill = k;
        ll_key_real(o, LL_K_FRACTIONS_COPY_SOFT, m->soft[i].fraction);
    }
    o->fill = NULL;
    ll_key_end(o);
}

void ll_put_semantic_margin(struct ll_key_out *o, enum ll_doc_key k, const struct ll_doc_milestones *m)
{
    ll_key_open(o, k);
    ll_key_real(o, LL_K_MARGIN_DELTA, m->rules.margin_delta);
    ll_key_real(o, LL_K_MARGIN_P_UNIFORM, m->p_uniform);
    ll_key_layer(o, LL_K_MARGIN_LAYER, m->m.margin_ok);
    ll_key_choice(o, LL_K_MARGIN_OK, m->m.margin_ok_at_semantic);
    ll_key_real(o, LL_K_MARGIN_P_ANSWER, m->m.p_answer_at_semantic);
    ll_key_layer(o, LL_K_MARGIN_CONFIRMED, m->m.confirmed_margin_ok);
    ll_key_end(o);
}

void ll_put_semantic_gate(struct ll_key_out *o, enum ll_doc_key k, const struct ll_doc_milestones *m)
{
    ll_key_open(o, k);
    ll_key_real(o, LL_K_GATE_DELTA_TOP2, m->rules.top2_gap);
    ll_key_layer(o, LL_K_GATE_TOP2_OK, m->m.top2_ok);
    ll_key_real(o, LL_K_GATE_TOP2_FRAC, m->top2_frac);
    ll_key_real(o, LL_K_GATE_GAP, m->m.gap_at_semantic);
    ll_key_real(o, LL_K_GATE_DELTA_ABS, m->rules.margin_delta);
    ll_key_layer(o, LL_K_GATE_RUN2, m->m.run2);
    ll_key_layer(o, LL_K_GATE_STRONG, m->m.strong);
    ll_key_layer(o, LL_K_GATE_STRONG_RUN2, m->m.strong_run2);
    ll_key_choice(o, LL_K_GATE_OVERLAPS, m->m.run2_in_confirmed_window);
    ll_key_end(o);
}

static void put_confirmed(struct ll_key_out *o, const struct ll_doc_milestones *m)
{
    ll_key_open(o, LL_K_DIAG_CONFIRMED);
    ll_key_layer(o, LL_K_CONFIRMED_NORM, m->m.L_semantic);
    ll_key_layer(o, LL_K_CONFIRMED_RAW, m->m.L_raw);
    ll_key_layer(o, LL_K_CONFIRMED_TUNED, m->m.L_tuned);
    ll_key_int(o, LL_K_CONFIRMED_WINDOW, m->rules.confirm_window);
    ll_key_layer(o, LL_K_CONFIRMED_LAYER, m->m.confirmed);
    ll_key_text(o, LL_K_CONFIRMED_SOURCE, m->m.confirmed_source);
    ll_key_end(o);
    ll_key_layer(o, LL_K_DIAG_L_CONFIRMED, m->m.confirmed);
    ll_key_open(o, LL_K_DIAG_PREFERRED); /* ours: the layer to report */
    ll_key_text(o, LL_K_NAMED_LAYER_NAME, m->preferred);
    ll_key_layer(o, LL_K_NAMED_LAYER_LAYER, m->preferred_layer);
    ll_key_end(o);
}

void ll_put_milestones(struct ll_key_out *o, const struct ll_doc_milestones *m)
{
    put_config(o, &m->rules);
    put_thresholds(o, &m->m);
    put_softs(o, LL_K_DIAG_L_COPY_SOFT, m, "", 0);
    put_softs(o, LL_K_DIAG_DELTA_LAYERS_SOFT, m, "", 1);
    put_copy_detector(o, m);
    put_copy_thresholds(o, m);
    put_surface(o, &m->surface[0], &m->rules, "norm");
    if (m->has_tuned)
        put_surface(o, &m->surface[1], &m->rules, "tuned");
    o->fill = NULL;
    put_fractions(o, m);
    ll_key_layer(o, LL_K_DIAG_L_MARGIN_OK, m->m.margin_ok);
    ll_put_semantic_margin(o, LL_K_DIAG_SEMANTIC_MARGIN, m);
    ll_put_semantic_gate(o, LL_K_DIAG_SEMANTIC_GATE, m);
    put_confirmed(o, m);
}
