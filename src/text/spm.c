/* spm.c - see spm.h */
#include "spm.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ll_spm_symbol {
    size_t off, len;    /* its text; len 0: swallowed by its left neighbour */
    int prev, next, id; /* indices, -1 at the ends; id -1: not in the vocabulary */
};
struct ll_spm_pair {
    size_t len; /* of the joined text; another length now: the pair has changed, the entry is void */
    float score;
    int pos, id; /* joins sym[pos] with its successor into id */
};

void ll_spm_ready(struct ll_spm *spm)
{
    size_t n;
    for (int b = 0; b < 256; b++) {
        char c = (char)b;
        spm->byte_id[b] = ll_vocab_byte(spm->vocab, b);
        if (spm->byte_id[b] < 0)
            spm->byte_id[b] = ll_vocab_find(spm->vocab, &c, 1);
    }
    for (size_t id = 0; id < spm->vocab->n_ids; id++)
        if (ll_vocab_piece(spm->vocab, (int)id, &n) && n > spm->longest)
            spm->longest = n;
}

void ll_spm_free(struct ll_spm *spm)
{
    free(spm->score);
    memset(spm, 0, sizeof *spm);
}

void ll_spm_work_free(struct ll_spm_work *work)
{
    free(work->sym);
    free(work->heap);
    memset(work, 0, sizeof *work);
}

/* Each symbol can be the left side of one first pair; each merge adds at most two more. */
static int reserve(struct ll_spm_work *work, size_t n_sym, struct ll_err *err)
{
    if (n_sym <= work->cap)
        return LL_OK;
    size_t cap = n_sym + n_sym / 2 + 64;
    if (cap >= INT_MAX / 3)
        return ll_fail(err, LL_EUSAGE, "text: a piece of %zu characters is too long to encode", n_sym);
    struct ll_spm_symbol *sym = realloc(work->sym, cap * sizeof *sym);
    if (sym)
        work->sym = sym;
    struct ll_spm_pair *heap = realloc(work->heap, 3 * cap * sizeof *heap);
    if (heap)
        work->heap = heap;
    if (!sym || !heap)
        return ll_fail_mem(err, "merging", 3 * cap * sizeof *heap);
    work->cap = cap;
    return LL_OK;
}

static int before(struct ll_spm_pair a, struct ll_spm_pair b)
{
    return a.score > b.score || (a.score == b.score && a.pos < b.pos);
}

static void push(struct ll_spm_pair *heap, size_t *n, struct ll_spm_pair c)
{
    size_t i = (*n)++;
    for (; i && before(c, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = c;
}

static struct ll_spm_pair pop(struct ll_spm_pair *heap, size_t *n)
{
    struct ll_spm_pair top = heap[0], last = heap[--*n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < *n; i = child) {
        if (child + 1 < *n && before(heap[child + 1], heap[child]))
            child++;
        if (!before(heap[child], last))
            break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    return top;
}

static void offer(const struct ll_spm *spm, struct ll_spm_work *work, size_t *n_heap, const char *s, int pos)
{
    const struct ll_spm_symbol *left = &work->sym[pos];
    if (left->next < 0)
        return;
    size_t len = left->len + work->sym[left->next].len;
    int id = len <= spm->longest ? ll_vocab_find(spm->vocab, s + left->off, len) : -1;
    if (id >= 0)
        push(work->heap, n_heap, (struct ll_spm_pair){len, spm->score[id], pos, id});
}

static void merge_all(const struct ll_spm *spm, struct ll_spm_work *work, const char *s, size_t n_sym)
{
    struct ll_spm_symbol *sym = work->sym;
    size_t n_heap = 0;
    for (size_t i = 0; i + 1 < n_sym; i++)
        offer(spm, work, &n_heap, s, (int)i);
    while (n_heap) {
        struct ll_spm_pair p = pop(work->heap, &n_heap);
        struct ll_spm_symbol *left = &sym[p.pos];
        if (!left->len || left->next < 0 || left->len + sym[left->next].len != p.len)
            continue;
        struct ll_spm_symbol *right = &sym[left->next];
        left->id = p.id;
        left->len = p.len;
        right->len = 0;
        left->next = right->next;
        if (left->next >= 0)
            sym[left->next].prev = p.pos;
        if (left->prev >= 0)
            offer(spm, work, &n_heap, s, left->prev);
        offer(spm, work, &n_heap, s, p.pos);
    }
}

static int put_symbol(const struct ll_spm *spm, const struct ll_spm_symbol *sym, const char *s,
                      struct ll_ids *ids, struct ll_err *err)
{
    int rc = LL_OK;
    if (sym->id >= 0)
        return ll_ids_add(ids, sym->id, err);
    for (size_t i = 0; i < sym->len && !rc; i++) {
        unsigned b = (unsigned char)s[sym->off + i];
        if (spm->byte_id[b] < 0)
            return ll_fail(
                err, LL_EUSAGE,
                "tokenizer: the text needs the byte token <0x%02X>, which is not in the vocabulary", b);
        rc = ll_ids_add(ids, spm->byte_id[b], err);
    }
    return rc;
}

int ll_spm_encode(const struct ll_spm *spm, struct ll_spm_work *work, const char *s, size_t n,
                  struct ll_ids *ids, struct ll_err *err)
{
    size_t n_sym = 0, len;
    int rc = reserve(work, n, err);
    if (rc || !n)
        return rc;
    for (size_t i = 0; i < n; i += len, n_sym++) {
        unsigned char c = (unsigned char)s[i];
        len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        work->sym[n_sym] = (struct ll_spm_symbol){i, len, (int)n_sym - 1, (int)n_sym + 1,
                                                  ll_vocab_find(spm->vocab, s + i, len)};
    }
    work->sym[n_sym - 1].next = -1;
    merge_all(spm, work, s, n_sym);
    for (int i = 0; !rc && i >= 0; i = work->sym[i].next)
        rc = put_symbol(spm, &work->sym[i], s, ids, err);
    return rc;
}
