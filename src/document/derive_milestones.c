/* derive_milestones.c - see doc_milestones.h */
#include "doc_milestones.h"

enum { DECIMALS = 3 };

static void soft_copies(struct ll_doc_milestones *out)
{
    const struct ll_pass_milestones *m = &out->m;
    out->soft_threshold = m->labels.soft[0].threshold;
    for (int i = 0; i < m->labels.n_soft; i++)
        if (m->labels.soft[i].threshold == out->soft_threshold)
            out->soft[out->n_soft++] =
                (struct ll_doc_soft){m->labels.soft[i].k, m->soft[i],
                                     ll_layer_delta(m->soft[i], m->L_semantic),
                                     ll_depth_fraction(m->soft[i], m->n_layers, DECIMALS)};
}

/* By insertion: equal thresholds keep their order. */
static void strict_copies(struct ll_doc_milestones *out)
{
    const struct ll_pass_milestones *m = &out->m;
    for (int i = 0; i < m->labels.n_strict; i++) {
        int at = out->n_strict++;
        for (; at > 0 && out->strict[at - 1].threshold > m->labels.strict[i]; at--)
            out->strict[at] = out->strict[at - 1];
        out->strict[at] = (struct ll_doc_strict){m->labels.strict[i],
                                                 ll_depth_fraction(m->strict[i], m->n_layers, DECIMALS),
                                                 m->strict[i], m->norm_only[i]};
    }
}

static void fractions(struct ll_doc_milestones *out)
{
    const struct ll_pass_milestones *m = &out->m;
    const struct {
        double *to;
        int layer;
    } of[] = {{&out->L_semantic_frac, m->L_semantic}, {&out->rank_5_frac, m->rank[1]},
              {&out->L_copy_frac, m->L_copy},         {&out->run2_frac, m->run2},
              {&out->strong_frac, m->strong},         {&out->strong_run2_frac, m->strong_run2},
              {&out->top2_frac, m->top2_ok}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        *of[i].to = ll_depth_fraction(of[i].layer, m->n_layers, DECIMALS);
}

void ll_doc_milestones_of(struct ll_doc_milestones *out, const struct ll_doc_given *g, int has_tuned)
{
    const struct ll_pass_milestones *m = &g->passes[0].m;
    *out = (struct ll_doc_milestones){.m = *m,
                                      .rules = *g->rules,
                                      .has_tuned = has_tuned,
                                      .delta_strict = ll_layer_delta(m->L_copy, m->L_semantic),
                                      .p_uniform = 1.0 / (double)m->d_vocab,
                                      .is_near_uniform = m->L_semantic >= 0 && m->margin_ok_at_semantic == 0};
    soft_copies(out);
    strict_copies(out);
    fractions(out);
    ll_surface_of(&out->surface[0], g->main, LL_OF_NORM, g->rules);
    if (has_tuned)
        ll_surface_of(&out->surface[1], g->main, LL_OF_TUNED, g->rules);
    out->preferred_layer = ll_preferred_semantic(m, &out->preferred);
}
