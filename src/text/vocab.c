/* vocab.c - see vocab.h */
#include "vocab.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct key {
    uint32_t hash, tag;
    uint64_t head;
};

/* Multiply-and-fold over eight bytes at a time: short strings, no adversary beyond a slow load. */
static struct key key_of(const char *s, size_t n)
{
    const uint64_t k = 0x9E3779B97F4A7C15u; /* 2^64 / golden ratio */
    uint64_t head = 0, h = n * k, w;
    memcpy(&head, s, n < 8 ? n : 8);
    h = (h ^ head) * k;
    for (size_t i = 8; i < n; i += 8) {
        w = 0;
        memcpy(&w, s + i, n - i < 8 ? n - i : 8);
        h = ((h ^ h >> 32) ^ w) * k;
    }
    h ^= h >> 29;
    h *= k;
    return (struct key){(uint32_t)(h >> 32), (uint32_t)(h & 0xFFFFFF00u) | (uint32_t)(n < 255 ? n : 255),
                        head};
}

static struct ll_vocab_slot *slot_of(const struct ll_vocab *v, struct key key, const char *s, size_t n)
{
    size_t mask = v->n_slots - 1;
    for (size_t i = key.hash & mask;; i = (i + 1) & mask) {
        struct ll_vocab_slot *slot = &v->slots[i];
        if (slot->id < 0)
            return slot;
        if (slot->tag == key.tag && slot->head == key.head && (n <= 8 || ll_vocab_is(v, slot->id, s, n)))
            return slot;
    }
}

static int grow_slots(struct ll_vocab *v)
{
    size_t n = v->n_slots ? v->n_slots * 2 : 256, len = 0;
    struct ll_vocab_slot *slots = n <= SIZE_MAX / sizeof *slots ? malloc(n * sizeof *slots) : NULL;
    if (!slots)
        return -1;
    for (size_t i = 0; i < n; i++)
        slots[i].id = -1;
    for (size_t i = 0; i < v->n_slots; i++) {
        if (v->slots[i].id < 0)
            continue;
        const char *s = ll_vocab_piece(v, v->slots[i].id, &len);
        size_t j = key_of(s, len).hash & (n - 1);
        while (slots[j].id >= 0)
            j = (j + 1) & (n - 1);
        slots[j] = v->slots[i];
    }
    free(v->slots);
    v->slots = slots;
    v->n_slots = n;
    return 0;
}

static int grow_ids(struct ll_vocab *v, size_t id)
{
    if (id < v->cap_ids)
        return 0;
    size_t cap = v->cap_ids ? v->cap_ids : 256;
    while (cap <= id)
        cap *= 2;
    void *p = realloc(v->by_id, cap * sizeof *v->by_id);
    if (!p)
        return -1;
    v->by_id = p;
    memset(v->by_id + v->cap_ids, 0xFF, (cap - v->cap_ids) * sizeof *v->by_id);
    v->cap_ids = cap;
    return 0;
}

int ll_vocab_add(struct ll_vocab *v, const char *s, size_t n, int id, int *old)
{
    struct key key = key_of(s, n);
    if ((v->n + 1) * 3 > v->n_slots * 2 && grow_slots(v))
        return -1;
    struct ll_vocab_slot *slot = slot_of(v, key, s, n);
    if (slot->id >= 0)
        return *old = slot->id, 1;
    if (grow_ids(v, (size_t)id) || v->pool.len + n >= UINT32_MAX)
        return -1;
    if (v->by_id[id].off != UINT32_MAX)
        return *old = id, 2;
    v->by_id[id].off = (uint32_t)v->pool.len;
    v->by_id[id].len = (uint32_t)n;
    ll_buf_add(&v->pool, s, n);
    ll_buf_addc(&v->pool, 0);
    if (v->pool.failed)
        return -1;
    *slot = (struct ll_vocab_slot){key.tag, id, key.head};
    v->n++;
    if ((size_t)id >= v->n_ids)
        v->n_ids = (size_t)id + 1;
    return 0;
}

int ll_vocab_find(const struct ll_vocab *v, const char *s, size_t n)
{
    return v->n ? slot_of(v, key_of(s, n), s, n)->id : -1;
}

int ll_vocab_byte(const struct ll_vocab *v, int byte)
{
    char name[8];
    int n = snprintf(name, sizeof name, "<0x%02X>", (unsigned)byte & 0xFF);
    return ll_vocab_find(v, name, (size_t)n);
}

int ll_vocab_is(const struct ll_vocab *v, int id, const char *s, size_t n)
{
    return id >= 0 && (size_t)id < v->n_ids && v->by_id[id].off != UINT32_MAX && v->by_id[id].len == n
        && !memcmp(v->pool.s + v->by_id[id].off, s, n);
}

const char *ll_vocab_piece(const struct ll_vocab *v, int id, size_t *n)
{
    if (id < 0 || (size_t)id >= v->n_ids || v->by_id[id].off == UINT32_MAX)
        return NULL;
    if (n)
        *n = v->by_id[id].len;
    return v->pool.s + v->by_id[id].off;
}

void ll_vocab_free(struct ll_vocab *v)
{
    ll_buf_free(&v->pool);
    free(v->slots);
    free(v->by_id);
    memset(v, 0, sizeof *v);
}
