/* bpe.h - byte-pair encoding of one piece, for byte-level and sentencepiece-style vocabularies alike.
 *
 * A piece is cut into characters (after the byte-level step each byte is one character); then, among adjacent
 * pairs listed in the merges, the one of lowest rank, leftmost on ties, is joined, until none is left.
 * Priority queue over linked symbols: n log n. Follows huggingface/tokenizers models/bpe, including its test
 * of a popped entry (the pair now there must merge to the same id). */
#ifndef LL_BPE_H
#define LL_BPE_H
#include "token.h"
#include "vocab.h"

struct ll_merge {
    int left, right; /* ids; left -1 marks a free slot of the table */
    int rank, id;    /* position in the list, id of the joined string */
};

struct ll_bpe {
    /* tables and settings, filled by the reader of the file */
    struct ll_vocab vocab; /* owned: the model's own vocabulary, without added tokens */
    struct ll_merge *list; /* owned: merges in file order, until ll_bpe_ready() */
    size_t n_merges, cap_merges;
    int byte_fallback, fuse_unk, ignore_merges;
    /* as llama.cpp does: of two equal merges the first counts, not the last; a character outside the
     * vocabulary stays between its neighbours (which then cannot merge) until it is dropped */
    int first_wins, unknown_parts;
    struct ll_buf unk_token; /* owned */
    int has_unk;
    /* made by ll_bpe_ready() */
    struct ll_merge *table; /* owned: hash on (left, right); a power of two */
    size_t n_table;
    int unk_id;         /* -1: none, or named but not in the vocabulary */
    int byte_id[256];   /* ids of <0x00>..<0xFF>, or -1 */
    int char_id[0x800]; /* ids of the one- and two-byte characters, or -1 */
};

/* Scratch of one encoding; grows, reused from piece to piece. {0} is empty. */
struct ll_bpe_work {
    struct ll_symbol *sym;
    struct ll_candidate *heap;
    size_t cap_sym, cap_heap;
};

/* Append one merge: 0, or -1 without memory. */
int ll_bpe_add_merge(struct ll_bpe *bpe, int left, int right, int id);
/* To be called when vocabulary, merges and settings are filled in. */
int ll_bpe_ready(struct ll_bpe *bpe, struct ll_err *err);
void ll_bpe_free(struct ll_bpe *bpe);
/* Append the ids of one piece (valid UTF-8). */
int ll_bpe_encode(const struct ll_bpe *bpe, struct ll_bpe_work *work, const char *s, size_t n,
                  struct ll_ids *ids, struct ll_err *err);
void ll_bpe_work_free(struct ll_bpe_work *work);
#endif
