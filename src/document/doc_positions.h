/* doc_positions.h - does L_semantic find the next token at earlier positions of the prompt too
 * (docs/experiment.md 9.5)?
 *
 * Every position's target is the prompt's own next token, the last one's the answer: the original had a
 * target at the last position only, so that its figure could never pass (docs/experiment.md 16.2). */
#ifndef LL_DOC_POSITIONS_H
#define LL_DOC_POSITIONS_H
#include "doc_given.h"
#include "key_out.h"

struct ll_doc_positions {
    int n; /* distinct positions of the prompt */
    struct ll_pos_frac grid[LL_N_POS_FRACS];
    int L_semantic;
    double rank1, rank1_strong; /* share of the positions with a target; NAN: none, or no such layer */
    int is_fragile;             /* 1, 0; -1: not known */
    struct ll_doc_swept swept;
    /* [swept.n] has the target rank 1 at those layers: 1, 0, -1: no target */
    int at_semantic[LL_N_POS_FRACS], at_strong[LL_N_POS_FRACS];
    int has_semantic, has_strong; /* 0: no such layer, nothing above holds */
};
void ll_doc_positions_of(struct ll_doc_positions *out, const struct ll_doc_given *g);
void ll_put_positions(struct ll_key_out *o, enum ll_doc_key k, const struct ll_doc_positions *p);
#endif
