/* tokens_view.h - what a tokenizer makes of a text, as a table. */
#ifndef LL_TOKENS_VIEW_H
#define LL_TOKENS_VIEW_H
#include "token_list.h"
#include "token_names.h"
#include "tracked.h"

/* Tokens, then a line an answer behind the text. pieces: of ids as the vocabulary has them. */
void ll_tokens_view(struct ll_buf *out, const struct ll_token_list *l, const struct ll_tracked_set *answers,
                    const struct ll_token_names *pieces);
#endif
