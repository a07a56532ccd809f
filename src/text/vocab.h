/* vocab.h - a vocabulary: strings and their ids, both ways.
 *
 * Strings live in one pool (at most as large as the file they came from); an open-addressed hash table leads
 * from string to id, an array from id to string. */
#ifndef LL_VOCAB_H
#define LL_VOCAB_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>
#include <stdint.h>

#define LL_WORD_MARK "\xE2\x96\x81" /* U+2581, which stands for a space */

struct ll_vocab_slot {
    uint32_t tag; /* 24 bits of hash, 8 bits of length (255: that or more) */
    int id;       /* -1: free */
    uint64_t
        head; /* the first eight bytes, zeros behind: short strings are compared without a look at the pool */
};

struct ll_vocab {
    struct ll_buf pool;          /* owned; each string is followed by a NUL that does not count */
    struct ll_vocab_slot *slots; /* owned; a power of two, at most two thirds full */
    size_t n_slots, n;
    struct {
        uint32_t off, len;
    } * by_id;             /* owned; off UINT32_MAX: no such id */
    size_t n_ids, cap_ids; /* highest id + 1 */
};

/* Add a string. 0, or 1: the string is there already (*old its id), 2: the id is taken by another string
 * (*old = id); nothing is added then. -1: out of memory. Ids 0..INT_MAX-1; the caller bounds them (the array
 * grows up to the id). */
int ll_vocab_add(struct ll_vocab *v, const char *s, size_t n, int id, int *old);
int ll_vocab_find(const struct ll_vocab *v, const char *s, size_t n); /* id or -1 */
int ll_vocab_byte(const struct ll_vocab *v, int byte);                /* id of "<0xE2>" for byte 226, or -1 */
int ll_vocab_is(const struct ll_vocab *v, int id, const char *s,
                size_t n); /* 1 when id has exactly this string */
const char *ll_vocab_piece(const struct ll_vocab *v, int id, size_t *n); /* NULL when unknown; borrowed */
void ll_vocab_free(struct ll_vocab *v);
#endif
