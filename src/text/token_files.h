/* token_files.h - the files of a folder that hold a vocabulary, and the readers of those that are no
 * tokenizer.json: the result is what transformers 5.24 builds from them. Private to src/text.
 *
 * Each reader fills an empty tokenizer from the text of a file; name: of the file, for messages. The caller
 * closes it also after a failure. LL_EUSAGE: broken; LL_EUNSUP: a class or a part that is not known, by
 * name. */
#ifndef LL_TOKEN_FILES_H
#define LL_TOKEN_FILES_H
#include "token_config.h"
#include "token_internal.h"

/* vocab.json and merges.txt: byte-level BPE, by the class of the folder (token_merges.c). */
int ll_tokenizer_read_merges(struct ll_tokenizer *tok, const char *name, const struct ll_buf *vocab,
                             const struct ll_buf *merges, struct ll_token_config *c, struct ll_err *err);
/* tokenizer.model: sentencepiece, by the class of the folder or by its own settings (token_spm.c). */
int ll_tokenizer_read_spm(struct ll_tokenizer *tok, const char *name, const char *bytes, size_t n,
                          struct ll_token_config *c, struct ll_err *err);
/* tekken.json: Mistral's vocabulary of bytes with ranks (token_tekken.c). */
int ll_tokenizer_read_tekken(struct ll_tokenizer *tok, const char *name, const char *json, size_t n,
                             struct ll_token_config *c, struct ll_err *err);

/* A special token where the settings name none. */
int ll_role_default(struct ll_token_config *c, enum ll_token_role role, const char *s, size_t n,
                    struct ll_err *err);
/* After vocabulary and sections: the tokens that c names, bos and eos as its switches say (or cls and sep),
 * the derived tables and the descriptions. by: what decides ("LlamaTokenizer"). */
int ll_tokenizer_finish(struct ll_tokenizer *tok, const struct ll_token_config *c, const char *by,
                        int plain_specials, int cls_and_sep, struct ll_err *err);
/* Sections as JSON texts (NULL: none) into the tokenizer. */
int ll_tokenizer_sections(struct ll_tokenizer *tok, const char *name, const struct ll_buf *normalizer,
                          const struct ll_buf *pretok, const struct ll_buf *decoder, struct ll_err *err);
/* "BPE, byte level" and the like into tok->kind. */
int ll_tokenizer_describe_kind(struct ll_tokenizer *tok, struct ll_err *err);
#endif
