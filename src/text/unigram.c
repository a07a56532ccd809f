/* unigram.c - see unigram.h */
#include "unigram.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { UNK_PENALTY = 10 }; /* sentencepiece's */

struct ll_unigram_node { /* the best way to a byte offset */
    double score;
    int start, id; /* of its last token; start -1: not reached */
};

int ll_unigram_add(struct ll_unigram *u, double score, struct ll_err *err)
{
    if (u->n == u->cap) {
        size_t cap = u->cap ? u->cap * 2 : 1024;
        double *p = realloc(u->score, cap * sizeof *p);
        if (!p)
            return ll_fail_mem(err, "scores", cap * sizeof *p);
        u->score = p;
        u->cap = cap;
    }
    u->score[u->n++] = score;
    return LL_OK;
}

int ll_unigram_ready(struct ll_unigram *u, struct ll_err *err)
{
    double lowest = u->n ? u->score[0] : 0;
    int rc = LL_OK;
    for (size_t i = 0; i < u->n && !rc; i++) {
        size_t n;
        const char *s = ll_vocab_piece(u->vocab, (int)i, &n);
        lowest = u->score[i] < lowest ? u->score[i] : lowest;
        rc = ll_trie_add(&u->trie, s, n, (int)i, err);
    }
    u->unk_score = lowest - UNK_PENALTY;
    for (int b = 0; b < 256; b++)
        u->byte_id[b] = ll_vocab_byte(u->vocab, b);
    return rc;
}

void ll_unigram_free(struct ll_unigram *u)
{
    free(u->score);
    ll_trie_free(&u->trie);
    memset(u, 0, sizeof *u);
}

void ll_unigram_work_free(struct ll_unigram_work *work)
{
    free(work->node);
    ll_ids_free(&work->reversed);
    memset(work, 0, sizeof *work);
}

static int reserve(struct ll_unigram_work *work, size_t n, struct ll_err *err)
{
    if (n >= INT_MAX / 2)
        return ll_fail(err, LL_EUSAGE, "text: a piece of %zu bytes is too long to encode", n);
    if (n > work->cap) {
        struct ll_unigram_node *p = realloc(work->node, (n + n / 2) * sizeof *p);
        if (!p)
            return ll_fail_mem(err, "finding the best cut", (n + n / 2) * sizeof *p);
        work->node = p;
        work->cap = n + n / 2;
    }
    for (size_t i = 0; i < n; i++)
        work->node[i].start = -1;
    return LL_OK;
}

static void offer(struct ll_unigram_node *to, double score, size_t start, int id)
{
    if (to->start < 0 || score > to->score)
        *to = (struct ll_unigram_node){score, (int)start, id};
}

static int no_unk(struct ll_err *err)
{
    return ll_fail(err, LL_EUSAGE, "tokenizer: the text needs an unknown token, and model.unk_id is null");
}

static int best_ways(const struct ll_unigram *u, struct ll_unigram_node *best, const char *s, size_t n,
                     struct ll_err *err)
{
    best[0].score = 0;
    for (size_t i = 0, len; i < n; i += len) {
        unsigned char c = (unsigned char)s[i];
        int node = 0, single = 0;
        len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        for (size_t k = i; u->trie.n && k < n && (node = ll_trie_step(&u->trie, node, (unsigned char)s[k]));
             k++) {
            int id = u->trie.v[node].token;
            if (id < 0)
                continue;
            offer(&best[k + 1], best[i].score + u->score[id], i, id);
            single |= k + 1 - i == len;
        }
        if (single)
            continue;
        if (u->unk_id < 0)
            return no_unk(err);
        offer(&best[i + len], best[i].score + u->unk_score, i, u->unk_id);
    }
    return LL_OK;
}

/* One part of the cut: its token, or its bytes, or the unknown token. */
static int put(const struct ll_unigram *u, const char *s, size_t n, struct ll_ids *ids, struct ll_err *err)
{
    int id = ll_vocab_find(u->vocab, s, n), rc = LL_OK, has_bytes = u->byte_fallback;
    if (id >= 0)
        return ll_ids_add(ids, id, err);
    for (size_t i = 0; i < n && has_bytes; i++)
        has_bytes = u->byte_id[(unsigned char)s[i]] >= 0;
    if (!has_bytes)
        return u->unk_id >= 0 ? ll_ids_add(ids, u->unk_id, err) : no_unk(err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = ll_ids_add(ids, u->byte_id[(unsigned char)s[i]], err);
    return rc;
}

int ll_unigram_encode(const struct ll_unigram *u, struct ll_unigram_work *work, const char *s, size_t n,
                      struct ll_ids *ids, struct ll_err *err)
{
    int rc = reserve(work, n + 1, err), was_unk = 0;
    work->reversed.n = 0;
    if (!rc && n)
        rc = best_ways(u, work->node, s, n, err);
    for (size_t end = n; end && !rc; end = (size_t)work->node[end].start) {
        const struct ll_unigram_node *node = &work->node[end];
        int is_unk = node->id == u->unk_id;
        if (is_unk && was_unk) /* joins the run on its right */
            work->reversed.v[work->reversed.n - 1] = node->start;
        else
            rc = ll_ids_add(&work->reversed, node->start, err);
        was_unk = is_unk;
    }
    for (int i = work->reversed.n; i-- > 0 && !rc;) {
        size_t start = (size_t)work->reversed.v[i], end = i ? (size_t)work->reversed.v[i - 1] : n;
        rc = put(u, s + start, end - start, ids, err);
    }
    return rc;
}
