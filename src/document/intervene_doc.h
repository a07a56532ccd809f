/* intervene_doc.h - the interventions of a pass in outputs. */
#ifndef LL_INTERVENE_DOC_H
#define LL_INTERVENE_DOC_H
#include "intervene.h"
#include "json_write.h"

/* Array "interventions" of their texts into the open object; empty: none active. */
void ll_intervene_json(struct ll_json *j, const struct ll_intervene *iv);
/* The texts joined by "; ", for a cell; nothing when there are none. */
void ll_intervene_text(struct ll_buf *out, const struct ll_intervene *iv);
#endif
