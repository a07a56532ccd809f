/* token_added.h - adding tokens to a tokenizer as the tokenizers library numbers them, and the tokens that
 * the settings files of a folder name. Private to src/text. */
#ifndef LL_TOKEN_ADDED_H
#define LL_TOKEN_ADDED_H
#include "token_config.h"
#include "token_internal.h"

/* One call of the library's add_tokens: a token that is there keeps its id and takes the new flags (but stays
 * special once it was); a token of the model's vocabulary has its id there; others are numbered from the size
 * of that vocabulary on, or behind the highest added id where that is more. An id that a file gives is not
 * looked at. */
struct ll_adding {
    struct ll_tokenizer *tok;
    int next;
    size_t n_before; /* added tokens when the pass over the named ones began */
};
struct ll_adding ll_adding_begin(struct ll_tokenizer *tok);
/* An empty token is passed over. LL_EUSAGE when two tokens come to one id (a vocabulary with gaps); what: the
 * file. */
int ll_adding_add(struct ll_adding *a, const char *what, const char *s, size_t n,
                  const struct ll_added_token *flags, struct ll_err *err);

/* The tokens that c names, as transformers adds them: those of the decoder, then those with a role, then the
 * rest. beside_json: the vocabulary is a tokenizer.json. plain: special tokens lose all other flags. */
int ll_add_configured(struct ll_tokenizer *tok, const struct ll_token_config *c, int beside_json, int plain,
                      struct ll_err *err);
#endif
