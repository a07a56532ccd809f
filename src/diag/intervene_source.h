/* intervene_source.h - inside src/diag: where the values of patch and steer come from (intervene.h). */
#ifndef LL_INTERVENE_SOURCE_H
#define LL_INTERVENE_SOURCE_H
#include "intervene.h"

/* Fill v->values, n_rows and width from v->source: a file, or a pass of the model over a prompt. LL_OK;
 * LL_EUSAGE (file broken, tensor missing or of another width, not finite; steer: more than one row),
 * LL_EUNSUP or LL_EFAIL. */
int ll_intervene_read(struct ll_intervention *v, const struct ll_model *m, struct ll_engine *engine,
                      const struct ll_intervene_prompts *prompts, struct ll_err *err);
#endif
