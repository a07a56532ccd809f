/* copy_mask.c - see copy_mask.h */
#include "copy_mask.h"

#include "metrics.h"

#include <string.h>

int ll_copy_mask_of(struct ll_copy_mask *m, const struct ll_tokenizer *tok, int n, struct ll_err *err)
{
    struct ll_buf text = {0};
    int rc = LL_OK;
    memset(m, 0, sizeof *m);
    for (int id = 0; id < n && !rc; id++) {
        ll_buf_reset(&text);
        if (ll_tokenizer_piece(tok, id, NULL)) /* without a piece: no text */
            ll_tokenizer_show(tok, id, &text);
        if (ll_text_is_blank(ll_buf_str(&text), text.len))
            rc = ll_ids_add(&m->ids, id, err);
    }
    for (; m->n_sample < m->ids.n && m->n_sample < LL_COPY_MASK_SAMPLE; m->at[++m->n_sample] = m->texts.len)
        ll_tokenizer_show(tok, m->ids.v[m->n_sample], &m->texts);
    if (!rc && !(rc = ll_buf_ok(&text, err)))
        rc = ll_buf_ok(&m->texts, err);
    ll_buf_free(&text);
    return rc;
}

void ll_copy_mask_free(struct ll_copy_mask *m)
{
    ll_ids_free(&m->ids);
    ll_buf_free(&m->texts);
    memset(m, 0, sizeof *m);
}
