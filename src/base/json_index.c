/* json_index.c - see json_index.h */
#include "json_index.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 32 }; /* members; fewer are walked along as fast as they are searched */

struct ll_json_list {
    const cJSON *of;
    const cJSON **items;  /* [n], in the file's order; owned */
    const cJSON **by_key; /* [n], an object's in order of keys; NULL: an array; owned */
    size_t n;
};

/* ---- making ---------------------------------------------------------------------------------- */

static size_t count(const cJSON *list)
{
    size_t n = 0;
    for (const cJSON *c = list->child; c; c = c->next)
        n++;
    return n;
}

/* Large containers in the tree, those of `lists` (NULL: only counted) filled from *n on. */
static void collect(const cJSON *v, struct ll_json_list *lists, size_t *n)
{
    size_t members = 0;
    for (const cJSON *c = v->child; c; c = c->next, members++)
        if (c->child)
            collect(c, lists, n); /* at most LL_JSON_DEPTH deep */
    if (members < LARGE)
        return;
    if (lists)
        lists[*n] = (struct ll_json_list){.of = v, .n = members};
    ++*n;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct ll_json_list *)a)->of,
              y = (uintptr_t)((const struct ll_json_list *)b)->of;
    return (x > y) - (x < y);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static int fill(struct ll_json_list *l, struct ll_err *err)
{
    size_t bytes = l->n * sizeof *l->items, at = 0;
    int object = cJSON_IsObject(l->of);
    l->items = malloc(bytes);
    l->by_key = object ? malloc(bytes) : NULL;
    if (!l->items || (object && !l->by_key))
        return ll_fail_mem(err, "an index of keys", bytes);
    for (const cJSON *c = l->of->child; c; c = c->next)
        l->items[at++] = c;
    if (object) {
        memcpy(l->by_key, l->items, bytes);
        qsort(l->by_key, l->n, sizeof *l->by_key, by_key);
    }
    return LL_OK;
}

int ll_json_index_make(struct ll_json_index *x, const struct cJSON *tree, struct ll_err *err)
{
    size_t n = 0;
    int rc = LL_OK;
    memset(x, 0, sizeof *x);
    collect(tree, NULL, &n);
    if (!n)
        return LL_OK;
    if (!(x->lists = calloc(n, sizeof *x->lists)))
        return ll_fail_mem(err, "an index of keys", n * sizeof *x->lists);
    collect(tree, x->lists, &x->n_lists);
    qsort(x->lists, x->n_lists, sizeof *x->lists, by_address);
    for (size_t i = 0; i < x->n_lists && !rc; i++)
        rc = fill(&x->lists[i], err);
    if (rc)
        ll_json_index_free(x);
    return rc;
}

void ll_json_index_free(struct ll_json_index *x)
{
    for (size_t i = 0; i < x->n_lists; i++) {
        free(x->lists[i].items);
        free(x->lists[i].by_key);
    }
    free(x->lists);
    memset(x, 0, sizeof *x);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static const struct ll_json_list *list_of(const struct ll_json_index *x, const cJSON *v)
{
    const struct ll_json_list key = {.of = v};
    return x->n_lists ? bsearch(&key, x->lists, x->n_lists, sizeof key, by_address) : NULL;
}

/* key[n] against a member's. */
static int compare(const char *key, size_t n, const cJSON *member)
{
    int order = strncmp(key, member->string, n);
    return order ? order : member->string[n] ? -1 : 0;
}

const struct cJSON *ll_json_member(const struct ll_json_index *x, const struct cJSON *object, const char *key,
                                   size_t n)
{
    const struct ll_json_list *l = list_of(x, object);
    const cJSON *c = l ? NULL : object->child;
    while (c && compare(key, n, c))
        c = c->next;
    for (size_t lo = 0, hi = l ? l->n : 0; lo < hi && !c;) {
        size_t mid = lo + (hi - lo) / 2;
        int order = compare(key, n, l->by_key[mid]);
        if (!order)
            c = l->by_key[mid];
        else if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return c;
}

const struct cJSON *ll_json_item(const struct ll_json_index *x, const struct cJSON *list, size_t i)
{
    const struct ll_json_list *l = list_of(x, list);
    const cJSON *c = l ? NULL : list->child;
    for (; c && i; i--)
        c = c->next;
    return l ? i < l->n ? l->items[i] : NULL : c;
}

size_t ll_json_count(const struct ll_json_index *x, const struct cJSON *list)
{
    const struct ll_json_list *l = list_of(x, list);
    return l ? l->n : count(list);
}
