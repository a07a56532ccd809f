/* added.h - added tokens: found in the text before anything else cuts it. Leftmost, then longest; a byte
 * trie. Follows huggingface/tokenizers added_vocabulary, including its corner cases. */
#ifndef LL_ADDED_H
#define LL_ADDED_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>
#include <stdint.h>

struct ll_added_token {
    int id;
    uint32_t off, len; /* content, in ll_added.pool */
    unsigned char special, single_word, lstrip, rstrip, normalized;
};

struct ll_trie_node {
    int child, sibling; /* node numbers; 0: none */
    int token;          /* index of the token that ends here, or -1 */
    unsigned char byte;
};
struct ll_trie {
    struct ll_trie_node *v; /* owned; v[0] is the root */
    size_t n, cap;
    int root[256]; /* first bytes lead to nodes directly */
};

struct ll_added {
    struct ll_added_token *v; /* owned, in file order */
    size_t n, cap;
    struct ll_buf pool;             /* owned */
    struct ll_trie raw, normalized; /* owned: tokens looked for before and after the normalizer */
    int *place;                     /* owned: by id: index in v plus one, 0: none */
    size_t n_place;                 /* ids covered */
};

struct ll_hit { /* part of a text: an added token (id >= 0) or plain text between (-1) */
    size_t start, end;
    int id;
};
struct ll_hits {      /* {0} is empty */
    struct ll_hit *v; /* owned */
    size_t n, cap;
};

int ll_added_add(struct ll_added *a, const char *s, size_t n, const struct ll_added_token *flags,
                 struct ll_err *err);
/* s: what is looked for (normalized content); the first token with the same text wins. */
int ll_trie_add(struct ll_trie *t, const char *s, size_t n, int token, struct ll_err *err);
/* The node below `node` (0: the root) for one more byte; 0: none. */
int ll_trie_step(const struct ll_trie *t, int node, unsigned char byte);
/* Give the token of t->id, which must be there, new flags; a special token stays special. */
int ll_added_change(struct ll_added *a, const struct ll_added_token *t, struct ll_err *err);
/* id is one of the first n added tokens. */
int ll_added_among(const struct ll_added *a, int id, size_t n);
/* The token of id is there and has just these flags. */
int ll_added_same(const struct ll_added *a, int id, const struct ll_added_token *flags);
int ll_added_is_special(const struct ll_added *a, int id);
/* Index of the longest token of the trie that begins at s, or -1; its length in *len. */
int ll_trie_longest(const struct ll_trie *t, const char *s, size_t n, size_t *len);
/* Cut s into plain stretches and added tokens. specials_as_text: special tokens are left as text. */
int ll_added_find(const struct ll_added *a, const struct ll_trie *t, const char *s, size_t n,
                  int specials_as_text, struct ll_hits *hits, struct ll_err *err);
int ll_hits_add(struct ll_hits *hits, size_t start, size_t end, int id, struct ll_err *err);
void ll_trie_free(struct ll_trie *t);
void ll_added_free(struct ll_added *a);
void ll_hits_free(struct ll_hits *hits);
#endif
