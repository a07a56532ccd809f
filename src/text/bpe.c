/* bpe.c - see bpe.h */
#include "bpe.h"

#include "utf8.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN = -2 };
struct ll_symbol {
    int id;         /* -1: swallowed by its left neighbour; UNKNOWN: gives no token and merges with none */
    int prev, next; /* indices; -1 at the ends */
};
struct ll_candidate {
    int rank, pos, id; /* joins sym[pos] with its successor into id */
};

int ll_bpe_add_merge(struct ll_bpe *bpe, int left, int right, int id)
{
    if (bpe->n_merges == bpe->cap_merges) {
        size_t cap = bpe->cap_merges ? bpe->cap_merges * 2 : 1024;
        struct ll_merge *p = cap < INT_MAX ? realloc(bpe->list, cap * sizeof *p) : NULL;
        if (!p)
            return -1;
        bpe->list = p;
        bpe->cap_merges = cap;
    }
    bpe->list[bpe->n_merges] = (struct ll_merge){left, right, (int)bpe->n_merges, id};
    bpe->n_merges++;
    return 0;
}

static struct ll_merge *merge_slot(const struct ll_bpe *bpe, int left, int right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    size_t mask = bpe->n_table - 1, i = (size_t)(h >> 32 ^ h >> 15) & mask;
    while (bpe->table[i].left >= 0 && (bpe->table[i].left != left || bpe->table[i].right != right))
        i = (i + 1) & mask;
    return &bpe->table[i];
}

static const struct ll_merge *find_merge(const struct ll_bpe *bpe, int left, int right)
{
    const struct ll_merge *m = merge_slot(bpe, left, right);
    return m->left >= 0 ? m : NULL;
}

/* From list to hash table. */
static int make_table(struct ll_bpe *bpe, struct ll_err *err)
{
    bpe->n_table = 64;
    while (bpe->n_table < bpe->n_merges * 2)
        bpe->n_table *= 2;
    bpe->table = malloc(bpe->n_table * sizeof *bpe->table);
    if (!bpe->table)
        return ll_fail_mem(err, "merges", bpe->n_table * sizeof *bpe->table);
    for (size_t i = 0; i < bpe->n_table; i++)
        bpe->table[i].left = -1;
    for (size_t i = 0; i < bpe->n_merges; i++) {
        struct ll_merge *slot = merge_slot(bpe, bpe->list[i].left, bpe->list[i].right);
        if (slot->left < 0 || !bpe->first_wins)
            *slot = bpe->list[i];
    }
    free(bpe->list);
    bpe->list = NULL;
    bpe->cap_merges = 0;
    return LL_OK;
}

int ll_bpe_ready(struct ll_bpe *bpe, struct ll_err *err)
{
    for (int b = 0; b < 256; b++)
        bpe->byte_id[b] = ll_vocab_byte(&bpe->vocab, b);
    for (uint32_t cp = 0; cp < 0x800; cp++) {
        char c[2] = {(char)cp, 0};
        if (cp >= 0x80)
            c[0] = (char)(0xC0 | cp >> 6), c[1] = (char)(0x80 | (cp & 63));
        bpe->char_id[cp] = ll_vocab_find(&bpe->vocab, c, cp < 0x80 ? 1 : 2);
    }
    bpe->unk_id =
        bpe->has_unk ? ll_vocab_find(&bpe->vocab, ll_buf_str(&bpe->unk_token), bpe->unk_token.len) : -1;
    return make_table(bpe, err);
}

void ll_bpe_free(struct ll_bpe *bpe)
{
    ll_vocab_free(&bpe->vocab);
    free(bpe->list);
    free(bpe->table);
    ll_buf_free(&bpe->unk_token);
    memset(bpe, 0, sizeof *bpe);
}

void ll_bpe_work_free(struct ll_bpe_work *work)
{
    free(work->sym);
    free(work->heap);
    memset(work, 0, sizeof *work);
}

static int less(struct ll_candidate a, struct ll_candidate b)
{
    return a.rank < b.rank || (a.rank == b.rank && a.pos < b.pos);
}

static void push(struct ll_candidate *heap, size_t *n, struct ll_candidate c)
{
    size_t i = (*n)++;
    for (; i && less(c, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = c;
}

static struct ll_candidate pop(struct ll_candidate *heap, size_t *n)
{
    struct ll_candidate top = heap[0], last = heap[--*n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < *n; i = child) {
        if (child + 1 < *n && less(heap[child + 1], heap[child]))
            child++;
        if (!less(heap[child], last))
            break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    return top;
}

/* Each symbol can be the left side of one first candidate; each merge adds at most two more. */
static int reserve(struct ll_bpe_work *work, size_t n_sym, struct ll_err *err)
{
    if (n_sym <= work->cap_sym)
        return LL_OK;
    size_t cap = n_sym + n_sym / 2 + 64;
    if (cap >= INT_MAX / 3)
        return ll_fail(err, LL_EUSAGE, "text: a piece of %zu characters is too long to encode", n_sym);
    struct ll_symbol *sym = realloc(work->sym, cap * sizeof *sym);
    if (sym)
        work->sym = sym;
    struct ll_candidate *heap = realloc(work->heap, 3 * cap * sizeof *heap);
    if (heap)
        work->heap = heap;
    if (!sym || !heap)
        return ll_fail_mem(err, "merging", 3 * cap * sizeof *heap);
    work->cap_sym = cap;
    return LL_OK;
}

/* Id of the character of len bytes at s, or -1. */
static int char_id(const struct ll_bpe *bpe, const char *s, int len)
{
    const unsigned char *u = (const unsigned char *)s;
    if (len <= 2)
        return bpe->char_id[len == 1 ? u[0] : (u[0] & 31) << 6 | (u[1] & 63)];
    return ll_vocab_find(&bpe->vocab, s, (size_t)len);
}

static int has_bytes(const struct ll_bpe *bpe, const char *s, int len)
{
    for (int i = 0; i < len; i++)
        if (bpe->byte_id[(unsigned char)s[i]] < 0)
            return 0;
    return 1;
}

static void put(struct ll_bpe_work *work, size_t *n, int id)
{
    work->sym[*n] = (struct ll_symbol){id, (int)*n - 1, (int)*n + 1};
    (*n)++;
}

/* A symbol for each character. An unknown character becomes byte tokens if all of its bytes are known; else
 * the unknown token, held back until the next known character (so that runs may be fused); else nothing. */
static int first_symbols(const struct ll_bpe *bpe, struct ll_bpe_work *work, const char *s, size_t n,
                         size_t *n_sym, struct ll_err *err)
{
    int unk = 0, len;
    for (size_t i = 0; i < n; i += (size_t)len) {
        unsigned char c = (unsigned char)s[i];
        len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        int id = char_id(bpe, s + i, len);
        if (id >= 0) {
            if (unk)
                put(work, n_sym, bpe->unk_id);
            unk = 0;
            put(work, n_sym, id);
        } else if (bpe->byte_fallback && has_bytes(bpe, s + i, len)) {
            for (int b = 0; b < len; b++)
                put(work, n_sym, bpe->byte_id[(unsigned char)s[i + (size_t)b]]);
        } else if (bpe->has_unk) {
            if (bpe->unk_id < 0)
                return ll_fail(err, LL_EUSAGE,
                               "tokenizer: the text needs unk_token \"%s\", which is not in the vocabulary",
                               ll_buf_str(&bpe->unk_token));
            if (unk && !bpe->fuse_unk)
                put(work, n_sym, bpe->unk_id);
            unk = 1;
        } else if (bpe->unknown_parts) {
            put(work, n_sym, UNKNOWN);
        }
    }
    if (unk)
        put(work, n_sym, bpe->unk_id);
    return LL_OK;
}

static void offer(const struct ll_bpe *bpe, struct ll_bpe_work *work, size_t *n_heap, int pos)
{
    const struct ll_symbol *s = &work->sym[pos];
    const struct ll_merge *m = s->next >= 0 ? find_merge(bpe, s->id, work->sym[s->next].id) : NULL;
    if (m)
        push(work->heap, n_heap, (struct ll_candidate){m->rank, pos, m->id});
}

static void merge_all(const struct ll_bpe *bpe, struct ll_bpe_work *work, size_t n_sym)
{
    struct ll_symbol *sym = work->sym;
    size_t n_heap = 0;
    for (size_t i = 0; i + 1 < n_sym; i++)
        offer(bpe, work, &n_heap, (int)i);
    while (n_heap) {
        struct ll_candidate c = pop(work->heap, &n_heap);
        struct ll_symbol *left = &sym[c.pos];
        if (left->id < 0 || left->next < 0)
            continue;
        struct ll_symbol *right = &sym[left->next];
        const struct ll_merge *m = find_merge(bpe, left->id, right->id);
        if (!m || m->id != c.id)
            continue;
        left->id = c.id;
        right->id = -1;
        left->next = right->next;
        if (left->next >= 0)
            sym[left->next].prev = c.pos;
        if (left->prev >= 0)
            offer(bpe, work, &n_heap, left->prev);
        offer(bpe, work, &n_heap, c.pos);
    }
}

int ll_bpe_encode(const struct ll_bpe *bpe, struct ll_bpe_work *work, const char *s, size_t n,
                  struct ll_ids *ids, struct ll_err *err)
{
    int whole = bpe->ignore_merges ? ll_vocab_find(&bpe->vocab, s, n) : -1;
    if (whole >= 0)
        return ll_ids_add(ids, whole, err);
    size_t n_sym = 0;
    int rc = reserve(work, n, err); /* a character gives at most as many symbols as it has bytes */
    if (!rc)
        rc = first_symbols(bpe, work, s, n, &n_sym, err);
    if (rc || !n_sym)
        return rc;
    work->sym[n_sym - 1].next = -1;
    merge_all(bpe, work, n_sym);
    for (int i = 0; !rc && i >= 0; i = work->sym[i].next)
        rc = work->sym[i].id == UNKNOWN ? LL_OK : ll_ids_add(ids, work->sym[i].id, err);
    return rc;
}
