/* row_flags.c - the copy, collapse and answer flags of a pass's rows, and the prompt's ids that they compare
 * with; see rows.h */
#include "row_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const struct ll_buf *ll_row_show(struct ll_row_context *c, int id)
{
    ll_buf_reset(&c->scratch);
    ll_token_show(c->tok, id, &c->scratch);
    return &c->scratch;
}

int ll_row_main_slot(const struct ll_row_context *c) { return c->n_answers ? c->answers[0].slot : -1; }

/* The early string rule (docs/experiment.md 3.2), for answers whose id is unknown: top-1's text, trimmed, is
 * the answer. */
static int says_answer(struct ll_row_context *c, const struct ll_head_out *o)
{
    const char *want = c->info->gold.text;
    if (!want || !o->n_top)
        return 0;
    const struct ll_buf *text = ll_row_show(c, o->top[0].id);
    const char *s = ll_buf_str(text);
    size_t n = text->len;
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    return n == strlen(want) && !memcmp(s, want, n);
}

static int is_blank(struct ll_row_context *c, int id)
{
    const struct ll_buf *text = ll_row_show(c, id);
    return ll_text_is_blank(ll_buf_str(text), text->len);
}

int ll_prompt_vocab(struct ll_row_context *c, int **ids, int *n, struct ll_err *err)
{
    *n = 0;
    if (!(*ids = malloc(sizeof **ids * (size_t)(c->n_ctx + 1))))
        return ll_fail_mem(err, "prompt vocabulary", sizeof **ids * (size_t)c->n_ctx);
    for (int i = 0; i < c->n_ctx; i++) {
        int is_new = 1;
        for (int k = 0; k < *n && is_new; k++)
            is_new = (*ids)[k] != c->ctx[i];
        if (is_new && !is_blank(c, c->ctx[i]))
            (*ids)[(*n)++] = c->ctx[i];
    }
    return LL_OK;
}

int ll_pass_flags(struct ll_row_context *c, const struct ll_head_out *(*o)(void *arg, int i), void *arg,
                  int n, struct ll_row_flags *flags, struct ll_err *err)
{
    int *tops = malloc(sizeof *tops * (size_t)(n + 1)), slot = ll_row_main_slot(c);
    if (!tops)
        return ll_fail_mem(err, "flags", sizeof *tops * (size_t)n);
    for (int i = 0; i < n; i++) {
        const struct ll_head_out *row = o(arg, i);
        tops[i] = row->n_top ? row->top[0].id : -1;
        const struct ll_copy_place at = {tops, i + 1, c->ctx, c->n_ctx, row->n_top && is_blank(c, tops[i])};
        ll_copy_flags(row, &at, &c->rules->copy, c->rules->labels, &flags[i]);
        flags[i].is_answer = slot >= 0 ? row->tracked_rank[slot] == 1 : says_answer(c, row);
    }
    free(tops);
    return LL_OK;
}
