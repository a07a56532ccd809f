/* head_facts.h - what the outputs say of the lens and the head: where each row's norm lies in the model, and
 * how large the unembedding's bias is. */
#ifndef LL_HEAD_FACTS_H
#define LL_HEAD_FACTS_H
#include "lens.h"

enum { LL_NORM_PLACE = 32 };
/* Where the norm that reads lens row `row` lies: "ln_final", "blocks[3].ln1", or "raw" for none. */
void ll_norm_place(const struct ll_model *m, enum ll_lens_kind kind, int row, char out[LL_NORM_PLACE]);

struct ll_unembed_bias {
    int is_there;
    double l2_norm, max_abs; /* 0 without one */
};
struct ll_unembed_bias ll_unembed_bias_of(const struct ll_model *m);
#endif
