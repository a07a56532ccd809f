/* variant.h - the same checkpoint with one thing done otherwise: the usual mistakes of an implementation, by
 * name.
 *
 *     "attn-cap=off"   in all layers;   "attn-cap=off@3"   in layer 3 only;   "rope-base=20000", "eps=1e-4":
 * with a number
 *
 * A variant is a copy of the opened model whose weights stay borrowed; what a switch changes (gains, biases,
 * rotary frequencies, settings of a layer) is the copy's own. A mistake that is no change of the model, but
 * of the order of its operations, lies in the operations that the copy brings along (pass_ops.h): every pass
 * over it makes it. `drift --try` asks which switch explains a difference; the tests use the same table to
 * break the pass. A list may hold several switches, separated by commas, applied from left to right. */
#ifndef LL_VARIANT_H
#define LL_VARIANT_H
#include "model.h"

enum ll_switch_scope {
    LL_SWITCH_LAYER, /* inside a block: may be confined to one layer with @L */
    LL_SWITCH_ENDS,  /* embedding or head: always the whole model */
};
struct ll_switch {
    const char *name;    /* "attn-cap=off"; ends with "=VALUE" where a number follows */
    const char *what;    /* one line: the mistake in words */
    const char *symptom; /* one line: what is seen when this is the cause */
    enum ll_switch_scope scope;
};
int ll_n_switches(void);
const struct ll_switch *ll_switch_row(int i); /* 0..ll_n_switches()-1 */

/* A variant of model: borrows it, must be freed before it is closed; owned by the caller (ll_variant_free).
 * list NULL or
 * "": a plain copy. Returns LL_OK; LL_EUSAGE (unknown switch, bad number, layer outside the model, @L of a
 * switch that has none); LL_EUNSUP (the switch changes nothing in this model: it has no such part, or the
 * value it has already) or LL_EFAIL. */
int ll_variant_make(struct ll_model **variant, const struct ll_model *model, const char *list,
                    struct ll_err *err);

/* What a layer does in another order or on another head, beside what its model says. */
enum ll_mistake {
    LL_MISTAKE_ACT_ORDER = 1,    /* act(up) * gate */
    LL_MISTAKE_GROUPING = 2,     /* query head h reads key/value head h mod n_kv_heads */
    LL_MISTAKE_QK_NORM_LATE = 4, /* norm of q and k after the rotation */
    LL_MISTAKE_BIAS_LATE = 8,    /* biases of q and k after the rotation */
};
/* The bits of a layer; 0 in a model that is not a variant. */
unsigned ll_variant_mistakes(const struct ll_model *model, int layer);
void ll_variant_free(struct ll_model *variant); /* NULL is fine; never ll_model_close */
#endif
