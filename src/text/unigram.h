/* unigram.h - sentencepiece's unigram model: the cut of a piece whose tokens have the highest sum of scores.
 *
 * Viterbi from left to right over the vocabulary as a trie; a character that is no token by itself may be
 * unknown, at the lowest score of all less 10; of equal sums the one met first stays (the one that begins
 * further left). A run of unknown characters is one part; it is looked up once more, then becomes byte tokens
 * (with byte_fallback, if all are there), else the unknown token. Follows huggingface/tokenizers
 * models/unigram. */
#ifndef LL_UNIGRAM_H
#define LL_UNIGRAM_H
#include "added.h"
#include "token.h"
#include "vocab.h"

struct ll_unigram {
    const struct ll_vocab *vocab; /* borrowed: ids 0..n-1 in the order of the file */
    double *score;                /* owned: [n], finite */
    size_t n, cap;
    int unk_id; /* -1: none; a text that needs it is refused */
    int byte_fallback;
    double unk_score;
    struct ll_trie trie; /* owned */
    int byte_id[256];
};

struct ll_unigram_work { /* scratch of one encoding; {0} is empty */
    struct ll_unigram_node *node;
    size_t cap;
    struct ll_ids reversed; /* starts of the chosen parts, from the right */
};

int ll_unigram_add(struct ll_unigram *u, double score, struct ll_err *err);
/* To be called when vocabulary, scores and settings are filled in. */
int ll_unigram_ready(struct ll_unigram *u, struct ll_err *err);
void ll_unigram_free(struct ll_unigram *u);
/* Append the ids of one piece (valid UTF-8). */
int ll_unigram_encode(const struct ll_unigram *u, struct ll_unigram_work *work, const char *s, size_t n,
                      struct ll_ids *ids, struct ll_err *err);
void ll_unigram_work_free(struct ll_unigram_work *work);
#endif
