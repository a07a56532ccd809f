/* acts.h - activations of one sequence by hook point and layer: what the pass computed, or what a reference
 * holds.
 *
 * ll_acts_run fills one from a pass. With `given` it also puts the reference's activation in place of ours at
 * each point, after keeping ours: so each operation works on the reference's input, and what is kept is its
 * isolated result. A point that the reference lacks goes on with ours, from the last one it has. */
#ifndef LL_ACTS_H
#define LL_ACTS_H
#include "forward.h"

struct ll_actv {
    float *x;          /* [rows, width]; owned; NULL: not there */
    int rows, width;   /* of the [heads, pos, pos] points: heads * n_pos rows of n_pos */
    int row0;          /* token of row 0: 0, or the last one's where a reference holds only that */
    int heads;         /* > 0: a [heads, pos, pos] point; row0 0 */
    const char *dtype; /* type it was stored in: "float32", "float16", ...; static */
    char *origin;      /* the reference's own name; NULL: our pass; owned */
    int64_t bad_at;    /* flat index of its first NaN or infinity (masked scores aside), -1: none */
    int has_sum;
    double sum; /* x NULL: only the sum of the values is known, over sum_n of them */
    int64_t sum_n;
};

struct ll_acts {
    int n_layers, n_pos;
    struct ll_actv *at; /* [LL_N_HOOKS, n_layers + 1] */
};
int ll_acts_init(struct ll_acts *a, int n_layers, int n_pos, struct ll_err *err);
void ll_acts_free(struct ll_acts *a);
/* The place of a point; layer -1 for points outside the blocks. */
struct ll_actv *ll_acts_at(const struct ll_acts *a, int hook, int layer);
/* The same when values are there and all finite, else NULL. */
const struct ll_actv *ll_acts_good(const struct ll_acts *a, int hook, int layer);
void ll_actv_free(struct ll_actv *act);
/* Look for what is not finite: sets bad_at. */
void ll_actv_check(struct ll_actv *act, int is_scores);

/* Points (hook, layer) wanted: layers NULL: all. */
struct ll_acts_want {
    uint32_t hooks;              /* bits */
    const unsigned char *layers; /* [n_layers] 1: this layer; NULL: every layer; borrowed */
    const struct ll_acts *like;  /* also every point that this one has; NULL: none; borrowed */
};
/* Layers from..to-1 of one sequence: from 0 embeds; above 0 the stream is given's resid_post of layer from-1,
 * which must be there; to n_layers ends with the final norm and, when wanted, logits. All borrowed. */
struct ll_acts_pass {
    const struct ll_model *model;
    struct ll_engine *engine;
    const int *ids; /* [n_ids] */
    int n_ids, from, to;
    const struct ll_acts_want *want;
    const struct ll_acts *given; /* NULL: the running pass */
};
/* out: fresh, filled; owned by the caller also after an error. Returns what ll_forward does. */
int ll_acts_run(struct ll_acts *out, const struct ll_acts_pass *pass, struct ll_err *err);
#endif
