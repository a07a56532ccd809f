/* intervene_doc.c - see intervene_doc.h */
#include "intervene_doc.h"

void ll_intervene_json(struct ll_json *j, const struct ll_intervene *iv)
{
    ll_json_arr(j, "interventions");
    for (int i = 0; i < iv->n; i++)
        ll_json_cstr(j, NULL, iv->v[i].spec);
    ll_json_end(j);
}

void ll_intervene_text(struct ll_buf *out, const struct ll_intervene *iv)
{
    for (int i = 0; i < iv->n; i++)
        ll_buf_addf(out, "%s%s", i ? "; " : "", iv->v[i].spec);
}
