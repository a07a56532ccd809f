/* intervene_view.c - see intervene_view.h */
#include "intervene_view.h"

void ll_intervene_lines(struct ll_buf *out, const struct ll_intervene *iv)
{
    for (int i = 0; i < iv->n; i++)
        ll_buf_addf(out, "intervention %s\n", iv->v[i].spec);
}
