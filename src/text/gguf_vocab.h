/* gguf_vocab.h - the tokens of a GGUF file, each with its text and attributes; finds special ones in a text
 * and makes text of ids, as llama.cpp does (source: llama-vocab.cpp), not as the reference library:
 *   - a longer special token is looked for in the whole text before any shorter one,
 *   - control and unknown tokens count only when the caller parses them, user-defined ones always,
 *   - white space that a token swallows on its right is ASCII's. */
#ifndef LL_GGUF_VOCAB_H
#define LL_GGUF_VOCAB_H
#include "added.h"
#include "vocab.h"

enum ll_token_attr { /* bits */
                     LL_TOKEN_NORMAL = 1,
                     LL_TOKEN_UNKNOWN = 2,
                     LL_TOKEN_CONTROL = 4,
                     LL_TOKEN_USER = 8,
                     LL_TOKEN_UNUSED = 16,
                     LL_TOKEN_BYTE = 32,
                     LL_TOKEN_RSTRIP = 64,
};
#define LL_TOKEN_SPECIAL (LL_TOKEN_UNKNOWN | LL_TOKEN_CONTROL)

struct ll_gguf_vocab {
    const struct ll_vocab *vocab; /* borrowed */
    unsigned char *attr;          /* owned: [n] enum ll_token_attr */
    size_t n;
    struct ll_trie trie; /* owned: special and user-defined tokens, by id */
    size_t longest;      /* bytes of the longest of them */
    int marks;           /* normal tokens spell spaces as U+2581; else bytes as byte-level characters */
    int strip_first;     /* decoding drops one space in front of the first token */
    int clean_spaces;    /* decoding drops spaces before punctuation */
};

/* Corrects the attributes that token_type gave, by the tokens' texts and general.name (may be NULL), as
 * llama.cpp does. taken: bit k is set when the file names the id of the k-th kind of LL_FIM_KEYS. To be
 * called when vocabulary and attr are filled in. */
#define LL_FIM_KEYS "fim_pre", "fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep"
int ll_gguf_vocab_ready(struct ll_gguf_vocab *v, unsigned taken, const char *name, size_t name_n,
                        struct ll_err *err);
void ll_gguf_vocab_free(struct ll_gguf_vocab *v);

/* Cut s into plain stretches (id -1) and tokens. as_text: control and unknown tokens pass as text. */
int ll_gguf_vocab_cut(const struct ll_gguf_vocab *v, const char *s, size_t n, int as_text,
                      struct ll_hits *hits, struct ll_err *err);
/* Append the bytes that an id stands for; nothing for unused and unknown ids. */
void ll_gguf_vocab_bytes(const struct ll_gguf_vocab *v, int id, struct ll_buf *out);
/* Append the text of a sequence, each ill-formed part as U+FFFD. */
int ll_gguf_vocab_decode(const struct ll_gguf_vocab *v, const int *ids, int n, int skip_special,
                         struct ll_buf *out, struct ll_err *err);
#endif
