/* names.h - which tensor of a checkpoint plays a role: the family's name patterns or GGUF's, and what
 * checkpoints put in front of them or into them: bodies without the root ("layers.0." for "model.layers.0."),
 * wrappers ("module.", "base_model.model.", "language_model.", "_orig_mod.", ".base_layer."). One reading for
 * the whole checkpoint, found when it is opened. */
#ifndef LL_MODEL_NAMES_H
#define LL_MODEL_NAMES_H
#include "model.h"

enum { LL_NAME_BYTES = 192 };
/* Find it: fills m->names (m->ckpt and m->family are set). LL_OK; LL_EUSAGE where several models, or two
 * tensors of one name without wrappers, are there; LL_EFAIL. */
int ll_tensor_names_open(struct ll_model *m, struct ll_err *err);
void ll_tensor_names_close(struct ll_tensor_names *names);
/* The tensor of a role, or NULL: the family has no such, or the checkpoint does not hold it. layer, expert:
 * read where the role's name has a place for them. */
const struct ll_tensor *ll_role_tensor(const struct ll_model *m, enum ll_role role, int layer, int expert);
/* LL_EUSAGE: that it is missing, with some of the names that are there. */
int ll_role_missing(const struct ll_model *m, enum ll_role role, int layer, int expert, struct ll_err *err);
/* What it is called in this checkpoint (first spelling); 0: the family has no such tensor, and out is
 * empty. */
int ll_role_name(const struct ll_model *m, enum ll_role role, int layer, int expert, char out[LL_NAME_BYTES]);
/* Is the role's tensor one of a block? */
int ll_role_is_layered(const struct ll_model *m, enum ll_role role);
/* The block that a tensor's name puts it in (0..4095), whether it has a role or not; -1: none. *rest: what
 * follows the number and its dot; borrowed from name. */
int ll_name_layer(const struct ll_model *m, const char *name, const char **rest);
#endif
