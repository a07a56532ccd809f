/* derive_suite.c - see doc_suite.h */
#include "doc_suite.h"

#include <math.h>
#include <stdlib.h>

static const double STYLE_SHIFT = 0.10; /* of the layers, docs/experiment.md 12.2 */

static const struct ll_doc_pass *find(const struct ll_doc_given *g, const char *prompt_id,
                                      const char *fact_key, const char *variant)
{
    for (int i = 0; i < g->n_passes; i++) {
        const struct ll_doc_pass *p = &g->passes[i];
        if (ll_same_text(p->prompt_id, prompt_id) && ll_same_text(p->fact_key, fact_key)
            && ll_same_text(p->variant, variant))
            return p;
    }
    return NULL;
}

static void find_facts(struct ll_doc_suite *out, const struct ll_doc_given *g)
{
    const struct ll_doc_pass *a = &g->passes[0];
    for (int i = 0; i < g->n_passes; i++) {
        const struct ll_doc_pass *p = &g->passes[i];
        if (p->fact_index < 0 || !p->fact_key || !ll_same_text(p->prompt_id, a->prompt_id)
            || !ll_same_text(p->variant, a->variant))
            continue;
        ll_fact_from(&out->facts[out->n], &p->m, p->first_row, i == 0);
        out->fact_passes[out->n++] = p;
    }
    ll_suite_of(&out->s, out->facts, out->n, g->scratch);
}

static void find_ablation(struct ll_doc_ablation *out, const struct ll_doc_given *g)
{
    const struct ll_doc_pass *a = &g->passes[0], *b = find(g, a->prompt_id, a->fact_key, "no_filler");
    if (!b)
        return;
    *out = (struct ll_doc_ablation){.is_there = 1,
                                    .L_copy = {a->m.L_copy, b->m.L_copy},
                                    .L_semantic = {a->m.L_semantic, b->m.L_semantic},
                                    .delta_copy = ll_layer_delta(a->m.L_copy, b->m.L_copy),
                                    .delta_semantic = ll_layer_delta(a->m.L_semantic, b->m.L_semantic)};
    out->style_sensitive =
        out->delta_semantic == LL_NO_DELTA ? -1 : abs(out->delta_semantic) >= STYLE_SHIFT * a->m.n_layers;
}

static double alignment_rate(const struct ll_doc_given *g)
{
    int asked = 0, resolved = 0;
    for (int i = 0; i < g->n_passes; i++) {
        asked += g->passes[i].alignment.is_asked;
        resolved += g->passes[i].alignment.ok;
    }
    return asked ? (double)resolved / asked : NAN;
}

void ll_doc_suite_of(struct ll_doc_suite *out, const struct ll_doc_given *g, struct ll_fact *facts,
                     const struct ll_doc_pass **fact_passes)
{
    *out = (struct ll_doc_suite){.passes = g->passes,
                                 .n_passes = g->n_passes,
                                 .facts = facts,
                                 .fact_passes = fact_passes,
                                 .control_gap = g->rules->top2_gap,
                                 .alignment_rate = alignment_rate(g)};
    find_facts(out, g);
    find_ablation(&out->ablation, g);
    for (int i = 0; i < g->n_passes && !out->control; i++)
        out->control = g->passes[i].is_control ? &g->passes[i] : NULL;
}
