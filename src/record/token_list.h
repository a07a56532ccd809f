/* token_list.h - the tokens of a text with all that is known of them: what `tokens` shows. */
#ifndef LL_TOKEN_LIST_H
#define LL_TOKEN_LIST_H
#include "buf.h"

struct ll_token_line {
    int id, is_special;
    const char *piece; /* [n_piece] entry of the vocabulary; NULL: the id has none; borrowed */
    size_t n_piece;
    struct ll_buf text, bytes; /* as displayed; "e2 82 ac"; owned */
};
struct ll_token_list {
    const char *kind, *files, *bos_policy; /* of the tokenizer; borrowed */
    int n_entries;
    struct ll_token_line *v;
    int n; /* owned */
};
void ll_token_list_free(struct ll_token_list *l);
#endif
