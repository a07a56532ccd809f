/* intervene_view.h - the interventions of a pass on the screen. */
#ifndef LL_INTERVENE_VIEW_H
#define LL_INTERVENE_VIEW_H
#include "buf.h"
#include "intervene.h"

/* A line each. */
void ll_intervene_lines(struct ll_buf *out, const struct ll_intervene *iv);
#endif
