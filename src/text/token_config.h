/* token_config.h - what a model folder says about its tokenizer beside the vocabulary: tokenizer_config.json,
 * special_tokens_map.json, added_tokens.json and two keys of config.json. Private to src/text.
 *
 * Follows transformers 5.24 (tokenization_utils_base): with `added_tokens_decoder` in tokenizer_config.json
 * the other two files are not read; without it special_tokens_map.json overrides the named tokens and
 * added_tokens.json lists further ones. */
#ifndef LL_TOKEN_CONFIG_H
#define LL_TOKEN_CONFIG_H
#include "added.h"
#include "json_stream.h"

/* The special tokens with a role, in the order in which they are added. */
enum ll_token_role {
    LL_ROLE_BOS,
    LL_ROLE_EOS,
    LL_ROLE_UNK,
    LL_ROLE_SEP,
    LL_ROLE_PAD,
    LL_ROLE_CLS,
    LL_ROLE_MASK,
    LL_N_ROLES
};

enum ll_said { LL_UNSAID, LL_SAID_NULL, LL_SAID }; /* a key is absent, null, or has a value */

struct ll_named_token {
    enum ll_said said;
    struct ll_added_token t; /* id: where a table gives one; off, len: in the pool */
};
struct ll_named_tokens {      /* {0} is empty */
    struct ll_named_token *v; /* owned */
    size_t n, cap;
};

struct ll_switch {
    enum ll_said said;
    int on;
};

struct ll_token_config { /* {0}: nothing was said */
    struct ll_buf pool;  /* owned: contents of tokens */
    struct ll_named_token role[LL_N_ROLES];
    struct ll_named_tokens decoder;   /* added_tokens_decoder or added_tokens.json, by rising id */
    struct ll_named_tokens other;     /* further "..._token" keys */
    struct ll_named_tokens extra;     /* extra_special_tokens, additional_special_tokens */
    int has_decoder, from_added_file; /* the key is there; the decoder is added_tokens.json */
    int has_extra, extra_is_old; /* a list is there (not only the old name in special_tokens_map.json); under
                                    the old name */
    struct ll_switch add_bos, add_eos, add_prefix_space, legacy;
    struct ll_buf tokenizer_class; /* owned; of tokenizer_config.json, else of config.json */
    struct ll_buf model_type;      /* owned; of config.json */
    int class_of_model;            /* tokenizer_class is config.json's */
    struct ll_buf files;           /* owned: names of the files read, each after ", " */
};

/* Texts of the files, each NULL when absent. */
struct ll_config_texts {
    const struct ll_buf *tokenizer_config, *special_tokens_map, *added_tokens, *config;
};

/* Fill an empty *c. LL_EUSAGE with file, key, expected, found. Free it also after a failure. */
int ll_token_config_read(struct ll_token_config *c, const struct ll_config_texts *texts, struct ll_err *err);
void ll_token_config_free(struct ll_token_config *c);
/* Content of a token of the config. */
const char *ll_token_text(const struct ll_token_config *c, const struct ll_named_token *t);
/* One more token; of several with one id in the decoder the last counts. */
int ll_named_add(struct ll_token_config *c, struct ll_named_tokens *list, const char *s, size_t n,
                 const struct ll_added_token *flags, struct ll_err *err);

/* The object of an added token at js (content, flags, id), for tokenizer.json as well: content is replaced;
 * *has_id says whether an "id" was there. `normalized` absent: what is not special is normalized. */
int ll_read_added_object(struct ll_js *js, long long max_id, struct ll_buf *content, struct ll_added_token *t,
                         int *has_id);
#endif
