/* attribution_view.h - direct logit attribution (attribution.h) as a table. */
#ifndef LL_ATTRIBUTION_VIEW_H
#define LL_ATTRIBUTION_VIEW_H
#include "attribution.h"
#include "session.h"
#include "terminal.h"

struct ll_attribution_view {
    const struct ll_session *s;
    const struct ll_attribution *a;
    const struct ll_intervene *iv;
    int id, other; /* -1: none */
    int is_top;    /* the token was not asked for: it is the model's first choice */
};
void ll_attribution_table(const struct ll_attribution_view *v, const struct ll_term *t, struct ll_buf *out);
#endif
