/* token_class.h - the tokenizer classes of transformers that build their pipeline in code, from a vocabulary
 * without one (vocab.json + merges.txt, tokenizer.model): a row each, and which of them AutoTokenizer takes
 * for a folder. Source: transformers 5.24, models/X/tokenization_X.py and
 * models/auto/tokenization_auto.py. */
#ifndef LL_TOKEN_CLASS_H
#define LL_TOKEN_CLASS_H
#include "token_config.h"
#include "token_internal.h"

enum ll_vocab_files { LL_FILES_MERGES = 1, LL_FILES_SENTENCEPIECE = 2 };

struct ll_token_class {
    const char *name;
    int files; /* enum ll_vocab_files it reads; 0: it follows the vocabulary's own settings */
    /* JSON as in a tokenizer.json, NULL for none; @PREFIX is add_prefix_space, @SCHEME Metaspace's
     * prepend_scheme */
    const char *normalizer, *pretok, *decoder;
    const char *prefix_decoder;           /* instead of decoder where add_prefix_space is on, or NULL */
    int prefix_by_default;                /* add_prefix_space absent or null */
    const char *roles[LL_N_ROLES];        /* special tokens where the settings name none, or NULL */
    int has_unk, fuse_unk, byte_fallback; /* of the BPE model; has_unk: the unk token is the model's */
    int plain_specials;                   /* special tokens lose lstrip, rstrip and normalized */
    int cls_and_sep;                      /* cls in front and sep at the end, whatever add_bos_token says */
};

/* The row for a folder, or LL_EUNSUP naming the class. what: the file at hand, for the message. */
int ll_token_class_choose(const struct ll_token_config *c, enum ll_vocab_files files, const char *what,
                          const struct ll_token_class **row, struct ll_err *err);
/* Fill normalizer, pre-tokenizer and decoder, the model's switches, and the roles that c leaves open. */
int ll_token_class_apply(struct ll_tokenizer *tok, const struct ll_token_class *row,
                         struct ll_token_config *c, const char *name, struct ll_err *err);
#endif
