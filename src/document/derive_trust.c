/* derive_trust.c - see doc_trust.h */
#include "doc_trust.h"

static const double RANK_DEV = 5, FLIP_RATE = 0.02; /* docs/experiment.md 9.2 */

/* "auto" leaves the second pass out, as the original does, where the rows decode to the same again. */
static void second_pass(struct ll_doc_trust *out, const struct ll_doc_given *g)
{
    enum ll_repeat_mode mode = g->set->repeat;
    const struct ll_doc_forward *f = g->forward;
    out->forward = *f;
    out->first_layer = ll_preferred_semantic(&g->passes[0].m, &out->first_name);
    out->forward_enabled = mode != LL_REPEAT_OFF;
    out->forward_mode =
        mode == LL_REPEAT_AUTO && !f->is_run ? "skipped_deterministic" : ll_repeat_mode_name(mode);
    out->forward_skipped = f->is_run ? NULL : mode == LL_REPEAT_OFF ? "off" : "deterministic_env";
    out->forward_delta = f->is_run ? ll_layer_delta(out->first_layer, f->layer) : LL_NO_DELTA;
}

void ll_doc_trust_of(struct ll_doc_trust *out, const struct ll_doc_given *g, int *flagged)
{
    const struct ll_pass_milestones *m = &g->passes[0].m;
    const struct ll_last_row *last = &g->checks->last;
    const struct ll_repeatability *r = &g->checks->repeat;
    int n_flagged = 0;
    *out =
        (struct ll_doc_trust){.last = *last,
                              .last_gain_bits = last->kl_to_final_bits - last->kl_after_temp_bits,
                              .repeat = *r,
                              .is_repeatable = r->max_rank_dev <= RANK_DEV && r->top1_flip_rate <= FLIP_RATE,
                              .n_rows = g->main->n_rows,
                              .flagged = flagged};
    out->warn_last = last->kl_to_final_bits >= LL_LAST_ROW_BITS || out->last_gain_bits >= LL_LAST_ROW_BITS;
    second_pass(out, g);
    out->n_gates = ll_gates_of(out->gates, g->main, m, g->rules, &out->least_gate);
    ll_numeric_health_of(&out->health, g->main, g->scratch);
    for (int l = 0; l < g->main->n_rows; l++)
        if (g->main->rows[l].n_nan || g->main->rows[l].n_inf)
            flagged[n_flagged++] = l;
    ll_trajectory_of(&out->trajectory, g->main, m->L_semantic);
}
