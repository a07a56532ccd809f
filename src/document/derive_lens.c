/* derive_lens.c - see doc_lens.h */
#include "doc_lens.h"

#include <stdio.h>
#include <string.h>

static const double AGREE_AT_LEAST = 0.5; /* jaccard@10 of the decoding points, docs/experiment.md 9.9 */

static void places_of(struct ll_doc_place *places, const struct ll_doc_given *g)
{
    int n = g->main->n_layers;
    for (int l = 0; l <= n; l++) {
        const struct ll_row_stats *r = &g->main->rows[l];
        struct ll_doc_place *p = &places[l];
        snprintf(p->block, sizeof p->block, l == n ? "final" : "blocks[%d]", l ? l - 1 : 0);
        p->stream = !l ? "pre_block" : l == n ? "unembed_head" : "post_block";
        p->norm = g->set->norm_places[l];
        p->has_norm = strcmp(p->norm, "raw") != 0;
        p->resid_norm_ratio = r->resid_norm_ratio;
        p->delta_resid_cos = r->delta_resid_cos;
        p->resid_norm = r->resid_norm;
    }
}

/* Returns whether they agree too little at a semantic milestone. */
static int compare(struct ll_doc_lens_pair *out, const struct ll_doc_lens *l, const struct ll_pass_stats *s,
                   enum ll_lens_of lens)
{
    int is_low;
    for (int i = 0; i < l->n_targets; i++)
        out->at[i] = ll_agreement_at(s, l->targets[i].layer, lens);
    out->p50 = ll_agreement_p50(s, lens, l->targets, l->n_targets, &is_low);
    return is_low;
}

static void points_of(struct ll_doc_lens *out, const struct ll_doc_given *g)
{
    const struct ll_pass_milestones *m = &g->passes[0].m;
    int preferred = m->strong_run2 >= 0 ? m->strong_run2
        : m->strong >= 0                ? m->strong
                                        : m->L_semantic,
        all = 1;
    for (int i = 0; i < g->checks->n_points; i++) {
        const struct ll_decoding_point *p = &g->checks->points[i];
        int is_known = p->ln1.answer_rank > 0 && p->ln2.answer_rank > 0;
        out->points[i] =
            (struct ll_doc_point){.name = g->checks->point_names[i],
                                  .p = p,
                                  .rank1_agree = p->ln1.answer_rank == 1 && p->ln2.answer_rank == 1,
                                  .top1_agree = p->ln1.top[0].id == p->ln2.top[0].id,
                                  .delta_rank =
                                      is_known ? p->ln2.answer_rank - p->ln1.answer_rank : LL_NO_DELTA};
        all &= out->points[i].rank1_agree;
        if (out->preferred < 0 && p->row == preferred)
            out->preferred = i;
    }
    out->n_points = g->checks->n_points;
    out->is_consistent = !out->n_points ? -1
        : !all                          ? 0
               : out->preferred >= 0 && out->points[out->preferred].p->jaccard10 >= AGREE_AT_LEAST;
}

void ll_doc_lens_of(struct ll_doc_lens *out, const struct ll_doc_given *g, int has_tuned,
                    struct ll_doc_place *places)
{
    static const char *const strategy[LL_N_LENSES] = {"final", "next_ln1", "post_ln2", "raw"};
    *out = (struct ll_doc_lens){.bias = g->set->bias,
                                .arch = g->set->model->architecture,
                                .strategy = strategy[g->set->lens],
                                .ablation = g->checks->n_points ? "post_ln2_vs_next_ln1@targets" : NULL,
                                .places = places,
                                .n_rows = g->main->n_rows,
                                .has_tuned = has_tuned,
                                .preferred = -1,
                                .tau = g->set->tau};
    places_of(places, g);
    out->n_targets = ll_consistency_targets(&g->passes[0].m, out->targets);
    int low_raw = compare(&out->raw, out, g->main, LL_OF_RAW),
        low_tuned = compare(&out->tuned, out, g->main, LL_OF_TUNED);
    out->is_low_agreement = low_raw || low_tuned;
    points_of(out, g);
    for (int q = 1; q <= 3; q++) {
        int l = ll_quarter_row(g->main->n_layers, q);
        out->calibrated[q - 1].layer = l;
        out->calibrated[q - 1].percent = 25 * q;
        out->calibrated[q - 1].kl_bits = g->main->rows[l].kl_to_final_norm_temp_bits;
    }
}
