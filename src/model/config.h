/* config.h - inside src/model: settings into the dimensions, multipliers and rotary tables of a model. */
#ifndef LL_MODEL_CONFIG_H
#define LL_MODEL_CONFIG_H
#include "model.h"

/* Finds the family row and fills everything of *m that settings decide (m->ckpt is open). Returns LL_OK,
 * LL_EUNSUP (unknown model_type: lists the known ones; a refused setting, activation, rope kind) or LL_EUSAGE
 * (the key at fault). */
int ll_model_read_settings(struct ll_model *m, struct ll_err *err);
/* Do the tensors decide whether a part is there? If not: is it? */
int ll_part_stored(const struct ll_model *m, const struct ll_part *part);
int ll_part_wanted(const struct ll_model *m, const struct ll_part *part);
/* Did a converter pair the rows of W_Q and W_K, or add 1 to the gains of a family that stores them without
 * it? */
int ll_rows_paired(const struct ll_model *m);
int ll_norms_complete(const struct ll_model *m);
/* Facts of one layer: rotation, experts or not (window: model.h). */
const struct ll_rope *ll_layer_rope(const struct ll_model *m, int layer);
/* The width of the layers that have a window, 0: all positions are seen; -1: written down as 0, which is no
 * width (in GGUF it says that there is none). */
int ll_window_width(const struct ll_model *m);
int ll_layer_has_experts(const struct ll_model *m, int layer);
#endif
