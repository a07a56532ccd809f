/* names.h - which tensor of a checkpoint plays a role: the family's name patterns or GGUF's, prefixes of wrappers. */
#ifndef LL_MODEL_NAMES_H
#define LL_MODEL_NAMES_H
#include "model.h"

enum { LL_NAME_BYTES = 192 };
/* The tensor of a role, or NULL: the family has no such, or the checkpoint does not hold it. layer, expert: read where the
 * role's name has a place for them. */
const struct ll_tensor *ll_role_tensor(const struct ll_model *m, enum ll_role role, int layer, int expert);
/* What it is called (first spelling); 0: the family has no such tensor, and out is empty. */
int ll_role_name(const struct ll_model *m, enum ll_role role, int layer, int expert, char out[LL_NAME_BYTES]);
/* Is the role's tensor one of a block? */
int ll_role_is_layered(const struct ll_model *m, enum ll_role role);
/* The block that a tensor's name puts it in (0..4095), whether it has a role or not; -1: none. *rest: what follows the
 * number and its dot; borrowed from name. */
int ll_name_layer(const struct ll_model *m, const char *name, const char **rest);
#endif
