/* derive_positions.c - see doc_positions.h */
#include "doc_positions.h"

#include "rules.h"

#include <math.h>

/* Has each target rank 1 at this layer? Returns the share of those that have one. */
static double rank1_at(int out[LL_N_POS_FRACS], const struct ll_doc_swept *s, int n_rows, int layer)
{
    int n = 0, first = 0;
    for (int i = 0; i < s->n && layer >= 0; i++) {
        out[i] = s->target[i] < 0 ? -1 : s->rank[i * n_rows + layer] == 1;
        n += out[i] >= 0;
        first += out[i] == 1;
    }
    return n ? (double)first / n : NAN;
}

void ll_doc_positions_of(struct ll_doc_positions *out, const struct ll_doc_given *g)
{
    const struct ll_pass_milestones *m = &g->passes[0].m;
    *out = (struct ll_doc_positions){.L_semantic = m->L_semantic,
                                     .swept = *g->swept,
                                     .has_semantic = m->L_semantic >= 0,
                                     .has_strong = m->strong_run2 >= 0};
    out->n = ll_position_fractions(g->passes[0].n_ids, out->grid);
    out->rank1 = rank1_at(out->at_semantic, g->swept, g->main->n_rows, m->L_semantic);
    out->rank1_strong = rank1_at(out->at_strong, g->swept, g->main->n_rows, m->strong_run2);
    out->is_fragile = isnan(out->rank1) ? -1 : out->rank1 < LL_POSITION_FRAGILE;
}
