/* attribution_doc.h - direct logit attribution (attribution.h) as a JSON member and as CSV. */
#ifndef LL_ATTRIBUTION_DOC_H
#define LL_ATTRIBUTION_DOC_H
#include "attribution.h"
#include "json_write.h"

/* Member "attribution" of the open object. other -1: the share is of one token's logit. */
void ll_attribution_json(struct ll_json *j, const struct ll_attribution *a, int id, int other);
/* Header and rows of ll_schema_attribution, a row a part. LL_OK or LL_EFAIL (memory). */
int ll_attribution_csv(struct ll_buf *out, const struct ll_attribution *a, const struct ll_intervene *iv,
                       struct ll_err *err);
#endif
