/* doc_milestones.c - the layer milestones of the main pass as members of "diagnostics" (docs/experiment.md
 * 7), keys as in the original */
#include "doc_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ll_pass_milestones *of_main(const struct ll_doc *d) { return &d->passes[0].m; }

/* Are the first copy layer and L_semantic both there? Their distance, else null. */
static void put_delta(struct ll_json *j, const char *key, int L_semantic, int L_copy)
{
    if (L_semantic < 0 || L_copy < 0)
        ll_json_null(j, key);
    else
        ll_json_int(j, key, L_semantic - L_copy);
}

static int main_soft(const struct ll_copy_labels *l, int i)
{
    return l->soft[i].threshold == l->soft[0].threshold;
}

/* Members named by k, for the soft labels of the main threshold: the layer, or L_semantic's distance to it.
 */
static void put_softs(struct ll_json *j, const char *key, const struct ll_pass_milestones *m,
                      const char *name, int is_delta)
{
    ll_json_obj(j, key);
    for (int i = 0; i < m->labels.n_soft; i++) {
        char k[32];
        if (!main_soft(&m->labels, i))
            continue;
        snprintf(k, sizeof k, name, m->labels.soft[i].k);
        if (is_delta)
            put_delta(j, k, m->L_semantic, m->soft[i]);
        else
            ll_json_layer(j, k, m->soft[i]);
    }
    ll_json_end(j);
}

static void put_copy_detector(struct ll_doc *d)
{
    const struct ll_pass_milestones *m = of_main(d);
    const struct ll_copy_labels *l = &m->labels;
    struct ll_json *j = ll_doc_value(d, "diagnostics", "copy_detector");
    ll_json_obj(j, NULL);
    ll_json_obj(j, "strict");
    ll_json_num(j, "thresh", l->strict[0]);
    ll_json_int(j, "k", 1);
    ll_json_layer(j, "L_copy_strict", m->L_copy);
    ll_json_end(j);
    ll_json_obj(j, "soft");
    ll_json_num(j, "thresh", l->soft[0].threshold);
    ll_json_arr_flat(j, "window_ks");
    for (int i = 0; i < l->n_soft; i++)
        if (main_soft(l, i))
            ll_json_int(j, NULL, l->soft[i].k);
    ll_json_end(j);
    put_softs(j, "L_copy_soft", m, "k%d", 0);
    ll_json_end(j);
    ll_json_obj(j, "deltas");
    put_delta(j, "Δ_sem_minus_copy_strict", m->L_semantic, m->L_copy);
    put_softs(j, "Δ_sem_minus_copy_soft", m, "k%d", 1);
    ll_json_end(j);
    ll_json_end(j);
}

/* The thresholds of the strict sweep in rising order: order[i] is a label's number. */
static void rising(const struct ll_copy_labels *l, int order[8])
{
    for (int i = 0; i < l->n_strict; i++) {
        int at = i;
        for (; at > 0 && l->strict[order[at - 1]] > l->strict[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static void put_copy_thresholds(struct ll_doc *d)
{
    const struct ll_pass_milestones *m = of_main(d);
    int order[8];
    char name[8][32];
    struct ll_json *j = ll_doc_value(d, "diagnostics", "copy_thresholds");
    rising(&m->labels, order);
    ll_json_obj(j, NULL);
    ll_json_arr_flat(j, "tau_list");
    for (int i = 0; i < m->labels.n_strict; i++) {
        ll_fmt_double(name[i], m->labels.strict[order[i]]);
        ll_json_num(j, NULL, m->labels.strict[order[i]]);
    }
    ll_json_end(j);
    ll_json_obj(j, "L_copy_strict");
    for (int i = 0; i < m->labels.n_strict; i++)
        ll_json_layer(j, name[i], m->strict[order[i]]);
    ll_json_end(j);
    ll_json_obj(j, "L_copy_strict_frac");
    for (int i = 0; i < m->labels.n_strict; i++)
        ll_json_num(j, name[i], ll_depth_fraction(m->strict[order[i]], m->n_layers, 3));
    ll_json_end(j);
    ll_json_obj(j, "norm_only_flags");
    for (int i = 0; i < m->labels.n_strict; i++)
        ll_doc_tri(j, name[i], m->norm_only[order[i]]);
    ll_json_end(j);
    ll_json_cstr(j, "stability", ll_stability_name(m->stability));
    ll_json_end(j);
}

/* Keys are constants: a section keeps its own by address. */
#define PUT_SURFACE(d, o, lens) \
    do { \
        ll_doc_layer(d, "L_surface_to_meaning_" lens, (o).surface); \
        ll_doc_num(d, "answer_mass_at_L_surface_" lens, (o).answer_mass); \
        ll_doc_num(d, "echo_mass_at_L_surface_" lens, (o).echo_mass); \
        ll_doc_layer(d, "L_geom_" lens, (o).geom); \
        ll_doc_num(d, "cos_to_answer_at_L_geom_" lens, (o).cos_answer); \
        ll_doc_num(d, "cos_to_prompt_max_at_L_geom_" lens, (o).cos_prompt); \
        ll_doc_layer(d, "L_topk_decay_" lens, (o).decay); \
        ll_doc_num(d, "topk_prompt_mass_at_L_" lens, (o).decay_mass); \
        ll_doc_num(d, "topk_prompt_tau_" lens, (d)->rules.decay_tau); \
        ll_doc_num(d, "surface_delta_" lens, (d)->rules.surface_delta); \
        ll_doc_num(d, "geom_gamma_" lens, (d)->rules.geom_gamma); \
    } while (0)

static void put_surface(struct ll_doc *d)
{
    struct ll_surface o;
    ll_surface_of(&o, &d->main, LL_OF_NORM, &d->rules);
    PUT_SURFACE(d, o, "norm");
    if (!d->set.tuned)
        return;
    ll_surface_of(&o, &d->main, LL_OF_TUNED, &d->rules);
    PUT_SURFACE(d, o, "tuned");
}

static void put_config(struct ll_doc *d)
{
    struct ll_json *j = ll_doc_value(d, "diagnostics", "surface_diagnostics_config");
    ll_json_obj(j, NULL);
    ll_json_num(j, "delta", d->rules.surface_delta);
    ll_json_num(j, "gamma", d->rules.geom_gamma);
    ll_json_int(j, "K", LL_TOP_COMPARED);
    ll_json_num(j, "tau", d->rules.decay_tau);
    ll_json_obj(j, "semantic_margin");
    ll_json_num(j, "delta_abs", d->rules.margin_delta);
    ll_json_end(j);
    ll_json_obj(j, "semantic_gate");
    ll_json_num(j, "delta_top2_logit", d->rules.top2_gap);
    ll_json_end(j);
    ll_json_end(j);
    ll_json_cstr(ll_doc_value(d, "diagnostics", "answer_margin_unit"), NULL, "logit");
}

static void put_thresholds(struct ll_doc *d)
{
    const struct ll_pass_milestones *m = of_main(d);
    ll_doc_layer(d, "first_kl_below_0.5", m->kl[0]);
    ll_doc_layer(d, "first_kl_below_1.0", m->kl[1]);
    ll_doc_layer(d, "first_rank_le_1", m->rank[0]);
    ll_doc_layer(d, "first_rank_le_5", m->rank[1]);
    ll_doc_layer(d, "first_rank_le_10", m->rank[2]);
    struct ll_json *j = ll_doc_value(d, "diagnostics", "answer_margin_thresholds");
    ll_json_obj(j, NULL);
    ll_json_layer(j, "gap_ge_0.5", m->gap[0]);
    ll_json_layer(j, "gap_ge_1.0", m->gap[1]);
    ll_json_end(j);
    j = ll_doc_value(d, "diagnostics", "cos_milestones");
    ll_json_obj(j, NULL);
    ll_json_obj(j, "norm");
    ll_json_layer(j, "ge_0.2", m->cos[0]);
    ll_json_layer(j, "ge_0.4", m->cos[1]);
    ll_json_layer(j, "ge_0.6", m->cos[2]);
    ll_json_end(j);
    ll_json_end(j);
    ll_doc_quartiles(ll_doc_value(d, "diagnostics", "entropy_gap_bits_percentiles"), NULL,
                     m->entropy_gap_bits);
    ll_doc_layer(d, "entropy_gap_samples", m->n_entropy_gap);
}

static void put_fractions(struct ll_doc *d)
{
    const struct ll_pass_milestones *m = of_main(d);
    const struct {
        const char *key;
        int layer;
    } of[] = {{"L_semantic_frac", m->L_semantic},    {"first_rank_le_5_frac", m->rank[1]},
              {"L_copy_strict_frac", m->L_copy},     {"L_semantic_run2_frac", m->run2},
              {"L_semantic_strong_frac", m->strong}, {"L_semantic_strong_run2_frac", m->strong_run2}};
    struct ll_json *j = ll_doc_value(d, "diagnostics", "depth_fractions");
    ll_json_obj(j, NULL);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        ll_json_num(j, of[i].key, ll_depth_fraction(of[i].layer, m->n_layers, 3));
    for (int i = 0; i < m->labels.n_soft; i++)
        if (main_soft(&m->labels, i)) {
            char key[48];
            snprintf(key, sizeof key, "L_copy_soft_k%d_frac", m->labels.soft[i].k);
            ll_json_num(j, key, ll_depth_fraction(m->soft[i], m->n_layers, 3));
        }
    ll_json_end(j);
}

void ll_doc_semantic_margin(struct ll_doc *d, struct ll_json *j, const char *key)
{
    const struct ll_pass_milestones *m = of_main(d);
    ll_json_obj(j, key);
    ll_json_num(j, "delta_abs", d->rules.margin_delta);
    ll_json_num(j, "p_uniform", 1.0 / (double)m->d_vocab);
    ll_json_layer(j, "L_semantic_margin_ok_norm", m->margin_ok);
    ll_doc_tri(j, "margin_ok_at_L_semantic_norm", m->margin_ok_at_semantic);
    ll_json_num(j, "p_answer_at_L_semantic_norm", m->p_answer_at_semantic);
    ll_json_layer(j, "L_semantic_confirmed_margin_ok_norm", m->confirmed_margin_ok);
    ll_json_end(j);
}

void ll_doc_semantic_gate(struct ll_doc *d, struct ll_json *j, const char *key)
{
    const struct ll_pass_milestones *m = of_main(d);
    ll_json_obj(j, key);
    ll_json_num(j, "delta_top2_logit", d->rules.top2_gap);
    ll_json_layer(j, "L_semantic_top2_ok_norm", m->top2_ok);
    ll_json_num(j, "L_semantic_top2_ok_norm_frac", ll_depth_fraction(m->top2_ok, m->n_layers, 3));
    ll_json_num(j, "gap_at_L_semantic_norm", m->gap_at_semantic);
    ll_json_num(j, "delta_abs", d->rules.margin_delta);
    ll_json_layer(j, "L_semantic_run2", m->run2);
    ll_json_layer(j, "L_semantic_strong", m->strong);
    ll_json_layer(j, "L_semantic_strong_run2", m->strong_run2);
    ll_doc_tri(j, "run2_overlaps_confirmed_window", m->run2_in_confirmed_window);
    ll_json_end(j);
}

static void put_confirmed(struct ll_doc *d)
{
    const struct ll_pass_milestones *m = of_main(d);
    const char *name;
    struct ll_json *j = ll_doc_value(d, "diagnostics", "confirmed_semantics");
    ll_json_obj(j, NULL);
    ll_json_layer(j, "L_semantic_norm", m->L_semantic);
    ll_json_layer(j, "L_semantic_raw", m->L_raw);
    ll_json_layer(j, "L_semantic_tuned", m->L_tuned);
    ll_json_int(j, "Δ_window", d->rules.confirm_window);
    ll_json_layer(j, "L_semantic_confirmed", m->confirmed);
    ll_json_cstr(j, "confirmed_source", m->confirmed_source);
    ll_json_end(j);
    ll_doc_layer(d, "L_semantic_confirmed", m->confirmed);
    j = ll_doc_value(d, "diagnostics", "preferred_semantic"); /* ours: the layer to report */
    int layer = ll_preferred_semantic(m, &name);
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "name", name);
    ll_json_layer(j, "layer", layer);
    ll_json_end(j);
}

void ll_doc_put_milestones(struct ll_doc *d)
{
    const struct ll_pass_milestones *m = of_main(d);
    put_config(d);
    put_thresholds(d);
    put_softs(ll_doc_value(d, "diagnostics", "L_copy_soft"), NULL, m, "%d", 0);
    put_softs(ll_doc_value(d, "diagnostics", "delta_layers_soft"), NULL, m, "%d", 1);
    put_copy_detector(d);
    put_copy_thresholds(d);
    put_surface(d);
    put_fractions(d);
    ll_doc_layer(d, "L_semantic_margin_ok", m->margin_ok);
    ll_doc_semantic_margin(d, ll_doc_value(d, "diagnostics", "semantic_margin"), NULL);
    ll_doc_semantic_gate(d, ll_doc_value(d, "diagnostics", "semantic_gate"), NULL);
    put_confirmed(d);
}
