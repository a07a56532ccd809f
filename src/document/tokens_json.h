/* tokens_json.h - what a tokenizer makes of a text, as a JSON document. */
#ifndef LL_TOKENS_JSON_H
#define LL_TOKENS_JSON_H
#include "token_list.h"
#include "tracked.h"

/* answers: behind the text; may be empty. */
void ll_tokens_json(struct ll_buf *out, const struct ll_token_list *l, const struct ll_tracked_set *answers);
#endif
