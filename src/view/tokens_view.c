/* tokens_view.c - see tokens_view.h */
#include "tokens_view.h"

#include "cells.h"

enum { TEXT_WIDTH = 20, PIECES_SHOWN = 4 };

static void put_token(struct ll_buf *out, int pos, const struct ll_token_line *t)
{
    ll_buf_addf(out, "%5d %8d  ", pos, t->id);
    ll_put_cell(out, ll_buf_str(&t->text), t->text.len, TEXT_WIDTH, 1);
    ll_buf_addc(out, ' ');
    ll_put_cell(out, t->piece ? t->piece : "", t->n_piece, TEXT_WIDTH, 1);
    ll_buf_addf(out, " %s\n", t->is_special ? "special" : ll_buf_str(&t->bytes));
}

static void put_answer(struct ll_buf *out, const struct ll_tracked *a, const struct ll_token_names *pieces)
{
    if (a->is_other)
        ll_buf_addf(out, "  %s it would be", ll_tracked_spelling(a));
    else
        ll_buf_addf(out, "\nanswer \"%s\" after this text: %s", a->text, a->variant);
    if (a->reason)
        ll_buf_addf(out, " (%s)", a->reason);
    for (int i = 0; i < a->n_ids; i++)
        ll_buf_addf(out, "%s%d", i ? ", " : a->is_other ? " ids " : ", ids ", a->ids[i]);
    for (int i = 0; i < a->n_ids && i < PIECES_SHOWN; i++) {
        ll_buf_adds(out, i ? " " : ", pieces ");
        ll_token_name(pieces, a->ids[i], out);
    }
    ll_buf_addc(out, '\n');
}

void ll_tokens_view(struct ll_buf *out, const struct ll_token_list *l, const struct ll_tracked_set *answers,
                    const struct ll_token_names *pieces)
{
    ll_buf_addf(out, "%s, %d entries\nread from: %s\nstart and end: %s\n\n", l->kind, l->n_entries, l->files,
                l->bos_policy);
    ll_buf_addf(out, "%5s %8s  %-20s %-20s %s\n", "pos", "id", "text", "piece", "bytes");
    for (int i = 0; i < l->n; i++)
        put_token(out, i, &l->v[i]);
    for (int i = 0; i < answers->n; i++)
        put_answer(out, &answers->v[i], pieces);
}
