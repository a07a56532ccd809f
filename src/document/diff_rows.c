/* diff_rows.c - see diff_rows.h */
#include "diff_rows.h"

static void put_token(struct ll_row *row, int id_col, int text_col, int id,
                      const struct ll_token_names *names)
{
    struct ll_buf text = {0};
    ll_token_name(names, id, &text);
    ll_row_int(row, id_col, id);
    ll_row_text(row, text_col, ll_buf_str(&text), text.len);
    ll_buf_free(&text);
}

void ll_fill_diff(struct ll_row *row, int prompt, int pos, int layer, int token_id,
                  const struct ll_diff_row *d, const struct ll_token_names *names)
{
    ll_row_clear(row);
    ll_row_int(row, LL_DIFF_PROMPT, prompt);
    ll_row_int(row, LL_DIFF_POS, pos);
    ll_row_int(row, LL_DIFF_LAYER, layer);
    put_token(row, LL_DIFF_TOKEN_ID, LL_DIFF_TOKEN, token_id, names);
    put_token(row, LL_DIFF_TOP1_A_ID, LL_DIFF_TOP1_A, d->top_id[0][0], names);
    put_token(row, LL_DIFF_TOP1_B_ID, LL_DIFF_TOP1_B, d->top_id[1][0], names);
    ll_row_real(row, LL_DIFF_KL_AB, d->div.kl_ab_bits);
    ll_row_real(row, LL_DIFF_KL_BA, d->div.kl_ba_bits);
    ll_row_real(row, LL_DIFF_JS, d->div.js_bits);
    ll_row_real(row, LL_DIFF_ENTROPY_A, d->entropy_bits[0]);
    ll_row_real(row, LL_DIFF_ENTROPY_B, d->entropy_bits[1]);
    ll_row_real(row, LL_DIFF_P_TOP1_A, d->top_p[0][0]);
    ll_row_real(row, LL_DIFF_P_TOP1_B, d->top_p[1][0]);
    ll_row_bool(row, LL_DIFF_TOP1_FLIP, d->flip);
    ll_row_real(row, LL_DIFF_TOP5_JACCARD, d->top5_jaccard);
    ll_row_real(row, LL_DIFF_RESID_COS, d->resid_cos);
    ll_row_real(row, LL_DIFF_RESID_REL_ERR, d->resid_rel_err);
}
