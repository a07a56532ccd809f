/* tokenizer_open.h - a tokenizer without its model's weights, and what it makes of ids. */
#ifndef LL_TOKENIZER_OPEN_H
#define LL_TOKENIZER_OPEN_H
#include "token.h"
#include "token_list.h"

/* model: a tokenizer's own file or folder, a weights file beside one, a folder or name of the hub cache
 * (whose weights may be absent). Returns LL_OK, LL_EUSAGE, LL_EUNSUP or LL_EFAIL, *tok then NULL. */
int ll_tokenizer_of_model(struct ll_tokenizer **tok, const char *model, struct ll_err *err);
/* All that is known of each id. tok must outlive the list. Returns LL_OK or LL_EFAIL, *l then empty. */
int ll_token_list_make(struct ll_token_list *l, const struct ll_tokenizer *tok, const struct ll_ids *ids,
                       struct ll_err *err);
/* Append the piece of an id as the vocabulary has it; nothing where it has none. */
void ll_put_piece(const struct ll_tokenizer *tok, int id, struct ll_buf *out);
#endif
