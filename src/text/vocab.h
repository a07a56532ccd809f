/* vocab.h - a vocabulary: strings and their ids, both ways.
 *
 * Strings live in one pool (at most as large as the file they came from); an open-addressed hash table leads from
 * string to id, an array from id to string. Several strings may share an id only by ll_vocab_set. */
#ifndef LL_VOCAB_H
#define LL_VOCAB_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>
#include <stdint.h>

struct ll_vocab_slot {
    uint32_t hash, off, len;
    int id;              /* -1: free */
};

struct ll_vocab {
    struct ll_buf pool;  /* owned; each string is followed by a NUL that does not count */
    struct ll_vocab_slot *slots; /* owned; a power of two, at most half full */
    size_t n_slots, n;
    struct { uint32_t off, len; } *by_id; /* owned; off UINT32_MAX: no such id */
    size_t n_ids, cap_ids; /* highest id + 1 */
};

/* Add a string. 0, or 1: the string is there already (*old its id), 2: the id is taken by another string (*old = id);
 * nothing is added then. -1: out of memory. Ids 0..INT_MAX-1; the caller bounds them (the array grows up to the id). */
int ll_vocab_add(struct ll_vocab *v, const char *s, size_t n, int id, int *old);
/* As ll_vocab_add, but an id that is taken shows this string from now on (both strings lead to it). */
int ll_vocab_set(struct ll_vocab *v, const char *s, size_t n, int id, int *old);
int ll_vocab_find(const struct ll_vocab *v, const char *s, size_t n); /* id or -1 */
const char *ll_vocab_piece(const struct ll_vocab *v, int id, size_t *n); /* NULL when unknown; borrowed */
void ll_vocab_free(struct ll_vocab *v);
#endif
