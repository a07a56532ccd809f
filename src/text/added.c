/* added.c - see added.h */
#include "added.h"

#include "grow.h"
#include "unicode_class.h"
#include "utf8.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int reserve_place(struct ll_added *a, int id, struct ll_err *err)
{
    size_t n = a->n_place ? a->n_place : 1024;
    if ((size_t)id < a->n_place)
        return LL_OK;
    while (n <= (size_t)id)
        n *= 2;
    int *p = realloc(a->place, n * sizeof *p);
    if (!p)
        return ll_fail_mem(err, "added tokens", n * sizeof *p);
    memset(p + a->n_place, 0, (n - a->n_place) * sizeof *p);
    a->place = p;
    a->n_place = n;
    return LL_OK;
}

int ll_added_add(struct ll_added *a, const char *s, size_t n, const struct ll_added_token *flags,
                 struct ll_err *err)
{
    if (a->n == a->cap) {
        struct ll_added_token *v = ll_grow(a->v, &a->cap, sizeof *v, 16, "added tokens", err);
        if (!v)
            return LL_EFAIL;
        a->v = v;
    }
    a->v[a->n] = *flags;
    a->v[a->n].off = (uint32_t)a->pool.len;
    a->v[a->n++].len = (uint32_t)n;
    ll_buf_add(&a->pool, s, n);
    ll_buf_addc(&a->pool, 0);
    int rc = ll_buf_ok(&a->pool, err);
    if (!rc && !(rc = reserve_place(a, flags->id, err)))
        a->place[flags->id] = (int)a->n;
    return rc;
}

static struct ll_added_token *of_id(const struct ll_added *a, int id)
{
    int place = id >= 0 && (size_t)id < a->n_place ? a->place[id] : 0;
    return place ? &a->v[place - 1] : NULL;
}

int ll_added_change(struct ll_added *a, const struct ll_added_token *t, struct ll_err *err)
{
    struct ll_added_token *old = of_id(a, t->id), new = *t;
    if (!old)
        return ll_fail(err, LL_EFAIL, "added tokens: id %d is not among them", t->id);
    new.off = old->off;
    new.len = old->len;
    new.special |= old->special;
    *old = new;
    return LL_OK;
}

int ll_added_among(const struct ll_added *a, int id, size_t n)
{
    return id >= 0 && (size_t)id < a->n_place && a->place[id] && (size_t)a->place[id] <= n;
}

int ll_added_same(const struct ll_added *a, int id, const struct ll_added_token *f)
{
    const struct ll_added_token *t = of_id(a, id);
    return t && t->special == f->special && t->single_word == f->single_word && t->lstrip == f->lstrip
        && t->rstrip == f->rstrip && t->normalized == f->normalized;
}

int ll_added_is_special(const struct ll_added *a, int id)
{
    const struct ll_added_token *t = of_id(a, id);
    return t && t->special;
}

static int new_node(struct ll_trie *t, unsigned char byte, struct ll_err *err)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        struct ll_trie_node *v = cap < INT_MAX ? realloc(t->v, cap * sizeof *v) : NULL;
        if (!v)
            return ll_fail_mem(err, "added tokens", cap * sizeof *v);
        t->v = v;
        t->cap = cap;
    }
    t->v[t->n] = (struct ll_trie_node){0, 0, -1, byte};
    return (int)t->n++;
}

int ll_trie_step(const struct ll_trie *t, int node, unsigned char byte)
{
    int c = node ? t->v[node].child : t->root[byte];
    while (node && c && t->v[c].byte != byte)
        c = t->v[c].sibling;
    return c;
}

int ll_trie_add(struct ll_trie *t, const char *s, size_t n, int token, struct ll_err *err)
{
    int node = 0, rc;
    if (!n)
        return LL_OK;
    if (!t->n && (rc = new_node(t, 0, err)) < 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)s[i];
        int next = ll_trie_step(t, node, b);
        if (!next) {
            if ((next = new_node(t, b, err)) < 0)
                return next;
            if (node) {
                t->v[next].sibling = t->v[node].child;
                t->v[node].child = next;
            } else {
                t->root[b] = next;
            }
        }
        node = next;
    }
    if (t->v[node].token < 0)
        t->v[node].token = token;
    return LL_OK;
}

int ll_trie_longest(const struct ll_trie *t, const char *s, size_t n, size_t *len)
{
    int node = 0, best = -1;
    for (size_t i = 0; i < n && (node = ll_trie_step(t, node, (unsigned char)s[i])); i++)
        if (t->v[node].token >= 0) {
            best = t->v[node].token;
            *len = i + 1;
        }
    return best;
}

int ll_hits_add(struct ll_hits *h, size_t start, size_t end, int id, struct ll_err *err)
{
    if (h->n == h->cap) {
        struct ll_hit *v = ll_grow(h->v, &h->cap, sizeof *v, 16, "added tokens in the text", err);
        if (!v)
            return LL_EFAIL;
        h->v = v;
    }
    h->v[h->n++] = (struct ll_hit){start, end, id};
    return LL_OK;
}

/* The character before s[i], its length in *len; i > 0. */
static uint32_t char_before(const char *s, size_t i, size_t *len)
{
    uint32_t cp = 0;
    size_t k = i - 1;
    while (k && ((unsigned char)s[k] & 0xC0) == 0x80)
        k--;
    ll_utf8_next(s + k, i - k, &cp, NULL);
    *len = i - k;
    return cp;
}

static int word_before(const char *s, size_t i)
{
    size_t len;
    return i && ll_is_word(char_before(s, i, &len));
}

static int word_at(const char *s, size_t n, size_t i)
{
    uint32_t cp = 0;
    return i < n && ll_utf8_next(s + i, n - i, &cp, NULL) && ll_is_word(cp);
}

static size_t strip_left(const char *s, size_t i, size_t floor)
{
    size_t len;
    while (i > floor && ll_is_space(char_before(s, i, &len)))
        i -= len;
    return i < floor ? floor : i;
}

static size_t strip_right(const char *s, size_t n, size_t i)
{
    uint32_t cp = 0;
    while (i < n) {
        size_t len = (size_t)ll_utf8_next(s + i, n - i, &cp, NULL);
        if (!ll_is_space(cp))
            break;
        i += len;
    }
    return i;
}

int ll_added_find(const struct ll_added *a, const struct ll_trie *t, const char *s, size_t n,
                  int specials_as_text, struct ll_hits *hits, struct ll_err *err)
{
    size_t done = 0, len = 0;
    int rc = LL_OK;
    hits->n = 0;
    for (size_t i = 0; t->n && i < n && !rc;) {
        int k = t->root[(unsigned char)s[i]] ? ll_trie_longest(t, s + i, n - i, &len) : -1;
        if (k < 0) {
            i++;
            continue;
        }
        const struct ll_added_token *tok = &a->v[k];
        size_t start = i, end = i + len;
        i = end; /* goes on right after the match, even if rstrip takes more or single_word rejects it */
        if ((specials_as_text && tok->special)
            || (tok->single_word && (word_before(s, start) || word_at(s, n, end))))
            continue;
        if (tok->lstrip)
            start = strip_left(s, start, done < start ? done : start);
        if (tok->lstrip && start < done)
            start = done;
        if (tok->rstrip)
            end = strip_right(s, n, end);
        if (start >= end) /* only spaces that the one before it took */
            continue;
        if (done < start)
            rc = ll_hits_add(hits, done, start, -1, err);
        if (!rc)
            rc = ll_hits_add(hits, start, end, tok->id, err);
        done = end;
    }
    if (!rc && done < n)
        rc = ll_hits_add(hits, done, n, -1, err);
    return rc;
}

void ll_trie_free(struct ll_trie *t)
{
    free(t->v);
    memset(t, 0, sizeof *t);
}

void ll_added_free(struct ll_added *a)
{
    free(a->v);
    ll_buf_free(&a->pool);
    ll_trie_free(&a->raw);
    ll_trie_free(&a->normalized);
    free(a->place);
    memset(a, 0, sizeof *a);
}

void ll_hits_free(struct ll_hits *hits)
{
    free(hits->v);
    memset(hits, 0, sizeof *hits);
}
