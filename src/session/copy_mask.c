/* copy_mask.c - see copy_mask.h */
#include "copy_mask.h"

#include "metrics.h"

int ll_copy_mask(const struct ll_tokenizer *tok, int n, struct ll_ids *ids, struct ll_err *err)
{
    struct ll_buf text = {0};
    int rc = LL_OK;
    for (int id = 0; id < n && !rc; id++) {
        ll_buf_reset(&text);
        if (ll_tokenizer_piece(tok, id, NULL)) /* without a piece: no text */
            ll_tokenizer_show(tok, id, &text);
        if (ll_text_is_blank(ll_buf_str(&text), text.len))
            rc = ll_ids_add(ids, id, err);
    }
    if (!rc)
        rc = ll_buf_ok(&text, err);
    ll_buf_free(&text);
    return rc;
}
