/* derive_forward.c - the main pass run twice: do both say the same (docs/experiment.md 9.3)? */
#include "doc_trust.h"

#include "dist.h"
#include "rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int same_row(const struct ll_reading *a, const struct ll_reading *b)
{
    return a->n_top == b->n_top && !memcmp(a->top, b->top, sizeof *a->top * (size_t)a->n_top)
        && a->answer_rank == b->answer_rank && !memcmp(&a->lse, &b->lse, sizeof a->lse)
        && !memcmp(&a->entropy_bits, &b->entropy_bits, sizeof a->entropy_bits);
}

void ll_doc_forward_of(struct ll_doc_forward *f, struct ll_doc_run first, struct ll_doc_run second)
{
    const char *name;
    int layer = ll_preferred_semantic(first.milestones, &name);
    *f = (struct ll_doc_forward){.is_run = 1, .jaccard10 = NAN, .is_equal = 1};
    f->layer = ll_preferred_semantic(second.milestones, &f->name);
    for (int l = 0; l < first.stats->n_rows; l++)
        f->is_equal &= same_row(&first.stats->rows[l].norm, &second.stats->rows[l].norm);
    if (layer >= 0) {
        const struct ll_reading *a = &first.stats->rows[layer].norm, *b = &second.stats->rows[layer].norm;
        f->jaccard10 = ll_topk_jaccard(a->top, a->n_top, b->top, b->n_top, LL_REPEAT_TOP);
    }
    f->agrees = ll_same_text(name, f->name)
        && (layer < 0 ? f->layer < 0
                      : f->layer >= 0 && abs(f->layer - layer) <= LL_REPEAT_LAYERS
                    && f->jaccard10 >= LL_REPEAT_JACCARD);
}
